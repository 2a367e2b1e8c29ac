//! The public notice of a campaign, made from the data that runs it (rules 11).

use axum::extract::State;
use domain::{CampaignId, Kind, MerchantId, Organiser, PublishedCampaign};
use views::Earned;

use super::campaigns::unknown;
use super::notice_text::text;
use crate::app::{App, Shared, Viewed, store_problem};
use crate::http::{Problem, Result, Segment};
use crate::wire::{
    Amount, AtMost, DrawRule, EarnedCard, Notice, OrganiserCard, RunBy, Words, chance, odds,
    source_name,
};

/// The public notice: prizes, quantity, odds, rule of draw, times, who runs it, what everyone can earn at most and what the
/// median member earned.
#[utoipa::path(get, path = "/campaigns/{id}/notice", tag = "campaigns", params(("id" = String, Path)), responses((status = 200, description = "The notice", body = Notice)))]
pub(crate) async fn notice(
    State(app): Shared,
    Segment(id): Segment<CampaignId>,
) -> Result<Viewed<Notice>> {
    let known = app
        .query(move |world| world.campaign(id).cloned())
        .await?
        .ok_or_else(unknown)?;
    let earned = match known.terms.kind {
        // What is earned at a table is told by all tables of its template.
        Kind::Treat => {
            let template = app.query(move |world| world.offer_of(id)).await?;
            app.views.earned_at_tables(template).await
        }
        Kind::Draw | Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => {
            app.views.earned(id).await
        }
    };
    let earned = earned.map_err(store_problem)?;
    let runs = app.query(move |world| (world.organiser().cloned(), world.merchant_of(id)));
    let (organiser, merchant) = runs.await?;
    let merchant = match merchant {
        None => None,
        Some(merchant) => Some(run_by(&app, merchant).await?),
    };
    let notice = notice_of(id, &known, (organiser, merchant, earned.value))
        .map_err(|_| Problem::fault("a published campaign's sums do not fit", &"overflow"))?;
    Ok(Viewed(earned.seq, notice))
}

/// The merchant as he applied: whoever buys must know whose offer it is and how he is reached.
async fn run_by(app: &App, merchant: MerchantId) -> Result<RunBy> {
    let known = app.people.directory().merchant_name(merchant).await;
    let (name, contact) = known
        .map_err(store_problem)?
        .map(|known| (known.name, known.contact))
        .unwrap_or_default();
    Ok(RunBy {
        merchant: merchant.to_string(),
        name,
        contact,
    })
}

fn notice_of(
    id: CampaignId,
    known: &PublishedCampaign,
    (organiser, merchant, earned): (Option<Organiser>, Option<RunBy>, Earned),
) -> std::result::Result<Notice, domain::Overflow> {
    let terms = &known.terms;
    let (programs, envelope) = domain::most_rewards(terms)?;
    let at_most = programs.into_iter().map(|(program, bound)| AtMost {
        program: program.name(),
        cash: bound.cash.into(),
        coins: bound.coins.into(),
    });
    let counts = terms.winner_counts();
    let told = odds(terms);
    let draw = terms.is_drawn().then(|| DrawRule {
        source: source_name(&terms.draw.source),
        delay_s: terms.draw.delay_s,
        leader: terms.group.leader.name(),
        log: terms.draw.log.to_string(),
    });
    let both = |text: &domain::Text| Words {
        zh: text.zh.clone(),
        en: text.en.clone(),
    };
    Ok(Notice {
        campaign: id.to_string(),
        name: both(&terms.name),
        kind: terms.kind.name(),
        published_at: known.published_at.into(),
        hash: known.hash.to_string(),
        run_by: if terms.merchant.is_some() {
            "merchant"
        } else {
            "platform"
        },
        text: text(terms, &told, (envelope, merchant.as_ref()), &earned),
        merchant,
        organiser: organiser.map(|organiser| OrganiserCard {
            name: both(&organiser.name),
            contact: organiser.contact,
        }),
        profile: schema::profile_to_json(&terms.profile),
        price: terms.group.price.into(),
        price_from: terms.group.price_from.map(Amount::from),
        seats: terms.group.seats,
        seats_from: terms.group.seats_from,
        product: both(&terms.product.title),
        prize: terms.prize.as_ref().map(|prize| both(&prize.title)),
        winners: [*counts.start(), *counts.end()],
        chance: chance(terms),
        odds: told,
        draw,
        fill_within_s: terms.group.fill_within.0 / 1000,
        payment_window_s: terms.group.payment_window.0 / 1000,
        at_most: at_most.collect(),
        earned: EarnedCard {
            groups: earned.groups.to_string(),
            members: earned.members.to_string(),
            median: (0 < earned.groups).then(|| earned.median.into()),
        },
    })
}
