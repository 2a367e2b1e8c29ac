//! People's money needs a profile that somebody answers for: under `seed`, with which every installation begins, nothing begins at
//! a real payment channel (rules 11).
//!
//! Why here and not in the domain: whose money the channel moves is a setting of this program, and the journal of a sandbox is
//! no other than that of a real one. Why what begins is refused, and not the start: another profile is adopted here, over HTTP.

use axum::http::StatusCode;
use domain::{AllianceCommand, CircleCommand, Command, Profile, ShopCommand, TableCommand};

use crate::app::App;
use crate::config::ChannelKind;
use crate::http::{Problem, Result};

/// The refusal's stable code.
const CODE: &str = "seed_real_channel";

/// Refuses what would begin with people's money under `seed`, and `seed` itself where people's money is.
pub(crate) async fn may_begin(app: &App, command: &Command) -> Result<()> {
    if app.config.channel_kind == ChannelKind::Sandbox {
        return Ok(());
    }
    if is_adopting_seed(command) {
        let detail = "profile seed is for demonstration and tests: it is not adopted beside a real payment channel";
        return Err(Problem::new(StatusCode::CONFLICT, CODE, detail));
    }
    if begins_something(command) {
        not_under_seed(app).await?;
    }
    Ok(())
}

/// Refuses what brings people's money while the installation's profile is `seed`.
pub(crate) async fn not_under_seed(app: &App) -> Result<()> {
    if app.config.channel_kind == ChannelKind::Sandbox || !is_seed(app).await? {
        return Ok(());
    }
    let detail = "the installation's profile is seed, under which no real payment channel is used: an operator adopts another one first";
    Err(Problem::new(StatusCode::CONFLICT, CODE, detail))
}

/// Says at the start what will be refused, and what to do about it.
pub(crate) async fn warn(app: &App) {
    if app.config.channel_kind == ChannelKind::Real && matches!(is_seed(app).await, Ok(true)) {
        tracing::warn!(
            "the payment channel is a real one and the installation's profile is seed: nothing can be published, opened, bought or \
             withdrawn before an operator adopts another profile (POST /api/v1/console/profile)"
        );
    }
}

async fn is_seed(app: &App) -> Result<bool> {
    app.query(|world| *world.profile() == Profile::Seed).await
}

fn is_adopting_seed(command: &Command) -> bool {
    matches!(command, Command::AdoptProfile { profile } if **profile == Profile::Seed)
}

/// What a payment or a payout follows from.
fn begins_something(command: &Command) -> bool {
    matches!(
        command,
        Command::PublishCampaign { .. }
            | Command::OpenGroup { .. }
            | Command::JoinGroup { .. }
            | Command::JoinPaid { .. }
            | Command::Withdraw { .. }
            | Command::ApproveWithdrawal { .. }
            | Command::Circle(CircleCommand::OpenRound { .. })
            | Command::Table(TableCommand::Open { .. } | TableCommand::Join { .. })
            | Command::Shop(ShopCommand::Buy(_))
            | Command::Alliance(
                AllianceCommand::PublishFor { .. } | AllianceCommand::PayAtCounter { .. }
            )
    )
}
