//! What a ballot adds to the files of its draw: which rights to buy were given, and what became of them.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use domain::{GroupId, GroupState};
use views::{GroupDetail, SeatStatus};

use crate::app::Shared;
use crate::http::{InPath, Problem, Result, Segment};

/// Which seats of a drawn ballot have or had a right to buy: with the draw's files `potluck draw --rights` checks that they followed
/// the scores.
#[utoipa::path(get, path = "/groups/{id}/draw/rights", tag = "draws", params(("id" = String, Path)), responses((status = 200, description = "The file", body = String, content_type = "text/plain")))]
pub(crate) async fn rights_file(
    State(app): Shared,
    Segment(group): Segment<GroupId>,
) -> Result<impl IntoResponse> {
    let found = app.find(|| app.views.group_detail(group)).await?;
    let unknown = || Problem::not_found(GroupId::UNKNOWN, "there is no such group");
    let absent = || {
        Problem::not_found(
            "draw_file_absent",
            "there is no rights file of this group".to_owned(),
        )
    };
    let detail = found.value.ok_or_else(unknown)?;
    let campaign = detail.group.campaign;
    let is_ballot = app.query(move |world| {
        let campaign = world.campaign(campaign)?;
        (campaign.terms.kind == domain::Kind::Ballot).then_some(())
    });
    is_ballot.await?.ok_or_else(absent)?;
    let text = rights_text(&detail).ok_or_else(absent)?;
    let kind = "text/plain; charset=us-ascii";
    Ok((
        [(header::CONTENT_TYPE, kind)],
        [("potluck-sequence", found.seq.to_string())],
        text,
    ))
}

/// A line for each seat that has or had a right, by its number.
fn rights_text(detail: &GroupDetail) -> Option<String> {
    let is_drawn = matches!(detail.group.state, GroupState::Drawn | GroupState::Settled);
    let freeze = detail.draw.freeze.filter(|_| is_drawn)?;
    let mut text = format!("potluck-ballot/v1/rights\nfreeze {freeze}\n");
    for seat in &detail.seats {
        let Some(number) = seat.seat_no else {
            continue;
        };
        let state = match seat.state {
            SeatStatus::MayBuy => "open",
            SeatStatus::Paid | SeatStatus::Won => "bought",
            SeatStatus::Unused => "lapsed",
            SeatStatus::Registered
            | SeatStatus::Lost
            | SeatStatus::Reserved
            | SeatStatus::Bought
            | SeatStatus::Lapsed
            | SeatStatus::Refunded => continue,
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "right {number} {state}");
    }
    Some(text)
}
