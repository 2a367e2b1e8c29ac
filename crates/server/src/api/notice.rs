//! The public notice of a campaign, made from the data that runs it (rules 11).

use axum::extract::State;
use domain::{Campaign, CampaignId, Kind, MerchantId, Organiser, PublishedCampaign};
use views::Earned;

use super::campaigns::unknown;
use crate::app::{App, Shared, Viewed, store_problem};
use crate::http::{Problem, Result, Segment};
use crate::wire::{
    Amount, AtMost, DrawRule, EarnedCard, Notice, Odds, OrganiserCard, RunBy, Words, odds,
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

const RANDOM_ZH: &str =
    "中签由事先约定的公开随机数决定，任何人都可以核对；主办方不能选择、替换或重抽。";
const RANDOM_EN: &str = "Winners follow from public randomness fixed beforehand, and anybody can check them; whoever runs this \
    cannot choose, replace or draw again.";

/// What happens at a table, or at any of a template's.
fn treat_text(terms: &Campaign, drawn: &str, odds: &Odds, say: &mut impl FnMut(String, String)) {
    let group = &terms.group;
    let (seats, price) = (group.seats, group.price.to_decimal());
    let guests = match group.seats_from {
        Some(fewest) if fewest != seats => format!("{fewest}–{seats}"),
        Some(_) | None => seats.to_string(),
    };
    let bills = match group.price_from {
        Some(least) if least != group.price => format!("{}–{price}", least.to_decimal()),
        Some(_) | None => price,
    };
    say(
        format!(
            "每桌 {guests} 人，每人先付整桌账单 {bills} 元；抽出 {drawn} 人买单，其余的人全额原路退回。"
        ),
        format!(
            "A table has {guests} guests, and each pays its whole bill of {bills}; {drawn} of them are drawn to pay it, the \
             others have theirs back in full."
        ),
    );
    say(
        format!(
            "{seats} 人一桌时，平均每 {} 桌买单一次。",
            odds.average_rounds
        ),
        format!(
            "At tables of {seats} one pays once in {} tables on average.",
            odds.average_rounds
        ),
    );
    say(RANDOM_ZH.to_owned(), RANDOM_EN.to_owned());
}

/// What registering gives, and what is left of a right that is not used.
fn ballot_text(terms: &Campaign, drawn: &str, odds: &Odds, say: &mut impl FnMut(String, String)) {
    let (seats, price) = (terms.group.seats, terms.group.price.to_decimal());
    let minutes = terms.group.payment_window.0 / 60_000;
    say(
        format!(
            "免费登记，满 {seats} 人后抽出 {drawn} 人；中签者有权在 {minutes} 分钟内以 {price} 元购买，不买也没有费用。"
        ),
        format!(
            "Registering is free. Of {seats} who have registered {drawn} are drawn and may buy at {price} within {minutes} minutes; \
             not buying costs nothing."
        ),
    );
    say(
        "逾期未用的购买权按抽签次序顺延给下一位，放弃者没有购物币。".to_owned(),
        "A right that is not used in time passes to the next in the draw's order; who let it lapse gets no coins.".to_owned(),
    );
    say(
        format!("平均每登记 {} 次中签一次。", odds.average_rounds),
        format!(
            "Who keeps registering is drawn once in {} ballots on average.",
            odds.average_rounds
        ),
    );
    say(RANDOM_ZH.to_owned(), RANDOM_EN.to_owned());
}

/// Whose campaign it is.
fn told_by(RunBy { name, contact, .. }: &RunBy) -> Words {
    Words {
        zh: format!("本活动由商家“{name}”发起，联系方式：{contact}。"),
        en: format!("This campaign is run by the merchant {name}, who is reached at {contact}."),
    }
}

/// The notice in sentences.
fn text(
    terms: &Campaign,
    odds: &Odds,
    (most, merchant): (domain::rewards::Bound, Option<&RunBy>),
    earned: &Earned,
) -> Vec<Words> {
    let counts = terms.winner_counts();
    let (least, greatest, seats) = (*counts.start(), *counts.end(), terms.group.seats);
    let price = terms.group.price.to_decimal();
    let mut lines: Vec<Words> = merchant.map(told_by).into_iter().collect();
    let mut say = |zh: String, en: String| lines.push(Words { zh, en });
    let range = if least == greatest {
        least.to_string()
    } else {
        format!("{least}–{greatest}")
    };
    if terms.kind == Kind::Treat {
        treat_text(terms, &range, odds, &mut say);
    } else if terms.kind == Kind::Ballot {
        ballot_text(terms, &range, odds, &mut say);
    } else if terms.is_drawn() {
        say(
            format!("每团 {seats} 个名额，每个 {price} 元，抽出 {range} 个。"),
            format!("A group has {seats} seats at {price} each; {range} of them are drawn."),
        );
        say(
            format!("平均每 {} 轮中一次。", odds.average_rounds),
            format!(
                "Who keeps playing wins once in {} rounds on average.",
                odds.average_rounds
            ),
        );
        say(RANDOM_ZH.to_owned(), RANDOM_EN.to_owned());
    } else {
        say(
            format!("满 {seats} 人成团，每人 {price} 元，人人得货，不抽签。"),
            format!(
                "{seats} buy together at {price} each; everybody gets the product, nothing is drawn."
            ),
        );
    }
    let (cash, coins) = (
        most.cash.to_decimal(),
        domain::Money(most.coins.0).to_decimal(),
    );
    say(
        format!("每团全部奖励合计最多 {cash} 元和 {coins} 购物币，由所有参与者及其上级分享。"),
        format!(
            "All rewards of a group together are at most {cash} yuan and {coins} coins, shared by everybody in it and their uplines."
        ),
    );
    let years = terms.profile.terms().retention_years;
    if years != 0 {
        say(
            format!("规则、抽签结果和付款记录至少保存 {years} 年。"),
            format!("Rules, results and payments are kept for at least {years} years."),
        );
    }
    if 0 < earned.groups {
        let (groups, members, median) = (earned.groups, earned.members, earned.median.to_decimal());
        say(
            format!(
                "最近 {groups} 个已结算的团共 {members} 人参与，处于中间的一人在本活动中得到 {median} 元。"
            ),
            format!(
                "In the last {groups} settled groups {members} members took part; the one in the middle has earned {median} yuan in this campaign."
            ),
        );
    } else {
        say(
            "还没有已结算的团，尚无人获得奖励。".to_owned(),
            "No group is settled yet: nobody has earned anything.".to_owned(),
        );
    }
    lines
}
