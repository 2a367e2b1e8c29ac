//! Campaigns as the API shows them.

use domain::{Campaign, Shortfall, Solvency};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Amount, At, Words};

/// A campaign in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignCard {
    pub(crate) id: String,
    pub(crate) name: Words,
    /// `draw`, `everyone-buys`, `bonus-draw`, `treat` or `ballot`
    pub(crate) kind: &'static str,
    pub(crate) product: ProductCard,
    /// What drawn seats get beside the product; in a bonus-draw only.
    pub(crate) prize: Option<PrizeCard>,
    /// Whose campaign it is; null: the platform's own.
    pub(crate) merchant: Option<MerchantCard>,
    /// What every seat pays; in a template of treats the largest bill.
    pub(crate) price: Amount,
    /// The smallest bill of a template of treats that names one.
    pub(crate) price_from: Option<Amount>,
    /// In a template of treats the most guests.
    pub(crate) seats: u32,
    /// The fewest guests of a template of treats that names them.
    pub(crate) seats_from: Option<u32>,
    /// Of a chance the most that may win; where everyone buys without a draw, the seats.
    pub(crate) winners: u32,
    /// Where each seat wins by itself instead of a fixed number.
    pub(crate) chance: Option<ChanceCard>,
    /// `equal` (drawn like anyone), `exempt` (never drawn, always a non-winner) or `buys` (always gets the product)
    pub(crate) leader: &'static str,
    pub(crate) odds: Odds,
    /// Seconds a group may stay open.
    pub(crate) fill_within_s: i64,
    /// Seconds a reserved seat waits for its payment.
    pub(crate) payment_window_s: i64,
    pub(crate) seats_per_member: u32,
    pub(crate) consolation: ConsolationCard,
    pub(crate) open_groups: u64,
    /// `drand-quicknet` or `local`
    pub(crate) source: &'static str,
    /// Highest proof level that its draws can be shown with.
    pub(crate) level: u8,
}

/// What buyers get.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductCard {
    pub(crate) title: Words,
    /// `ship`, `pick-up`, `voucher` or `at-table`
    pub(crate) fulfilment: &'static str,
}

/// What the drawn seats of a bonus-draw get beside the product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrizeCard {
    pub(crate) title: Words,
}

/// A merchant's campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MerchantCard {
    /// What the platform keeps of each buyer's price, as campaign files write it.
    #[schema(example = "10%")]
    pub(crate) commission: String,
}

/// A chance of each seat.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChanceCard {
    /// Of each seat, as campaign files write it.
    #[schema(example = "3%")]
    pub(crate) p: String,
    pub(crate) min: u32,
    pub(crate) max: u32,
}

/// What every non-winner gets on top of the full refund.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsolationCard {
    pub(crate) cash: Amount,
    pub(crate) coins: Amount,
}

/// Everything about a published campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignPage {
    #[serde(flatten)]
    pub(crate) card: CampaignCard,
    pub(crate) published_at: At,
    /// SHA-256 of the published file; its first 32 digits name the campaign's groups in the draw.
    pub(crate) hash: String,
    /// The campaign file, as JSON.
    #[schema(value_type = Object)]
    pub(crate) terms: Value,
    pub(crate) solvency: SolvencyLines,
    /// The reward programs of the campaign file, in declared order.
    #[schema(value_type = Vec<Object>)]
    pub(crate) rewards: Vec<Value>,
    pub(crate) profile: &'static str,
    /// True: say "covered before returns and coins", never "safe".
    pub(crate) reserve_wording: bool,
    pub(crate) demo: bool,
}

/// The odds in plain words, for a member who is not the leader.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Odds {
    /// Seats among which is drawn: one less where the leader always gets the product.
    pub(crate) seats: u32,
    /// Seats that are drawn, likewise; of a chance the fewest.
    pub(crate) winners: u32,
    /// Seats that are drawn on average: the same number, but of a chance what its p, min and max come to.
    #[schema(example = "2.93")]
    pub(crate) expected_winners: String,
    /// Rounds until somebody who keeps playing wins, on average: N/W, of a chance N by the winners on average; with at most two
    /// decimals.
    #[schema(example = "50")]
    pub(crate) average_rounds: String,
    /// What product and rewards together then cost him: P − (rounds − 1) × the consolation in cash that is sure, rounded
    /// up to the fen.
    pub(crate) product_cost_average: Amount,
}

/// Some buyers return, and not all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SomeReturn {
    /// How many return.
    pub(crate) returned: u32,
    /// What the owner has left in cash, with all rewards at their most.
    pub(crate) left: Amount,
}

/// The worst case of one group, term by term, with what is always printed beside it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Solvency)]
pub(crate) struct SolvencyLines {
    /// How many win in it: of a chance the number that leaves the owner least.
    pub(crate) winners: u32,
    /// What buyers pay: W × P, or N × P where everyone buys.
    pub(crate) price_total: Amount,
    /// What is left of it for the owner, term by term.
    pub(crate) terms: Vec<SolvencyTerm>,
    /// What the platform has left at least.
    pub(crate) platform_worst: Amount,
    /// What the merchant has left at least; null in the platform's own campaign.
    pub(crate) merchant_worst: Option<Amount>,
    /// The most that home stores get of what the platform earns; a term where the platform is the owner.
    pub(crate) origin_share: Amount,
    pub(crate) margin_floor: Amount,
    pub(crate) all_winners_return: Amount,
    /// Where fewer returns than all leave less: those that leave least. Printed; nothing is refused for it.
    pub(crate) some_return: Option<SomeReturn>,
    /// The least that is left whoever returns, or does not use his right in a ballot: units that are back at cost, and all coins
    /// that then stand at their face. Printed; nothing is refused for it.
    pub(crate) returns_and_coins: Amount,
    pub(crate) all_coins_at_face: Amount,
    pub(crate) expires_with_fees: Amount,
    /// What share of "all winners return" the profile asks to cover, as profile files write it.
    #[schema(example = "100%")]
    pub(crate) return_reserve: String,
    /// What share of "all coins at face" it asks to cover.
    #[schema(example = "50%")]
    pub(crate) coin_reserve: String,
    /// What is left for the owner when that is covered.
    pub(crate) left_when_covered: Amount,
    /// The profile asks that "all winners return" is covered in full.
    pub(crate) covers_returns: bool,
    /// The profile asks that "all coins at face" is covered in full.
    pub(crate) covers_coins: bool,
}

/// One line of the worst case.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SolvencyTerm {
    /// `sales`, `supplier`, `prizes`, `commission`, `fees`, `rewards` or `origin-share`
    pub(crate) name: &'static str,
    /// Which program, in lines of rewards.
    pub(crate) program: Option<&'static str>,
    /// The shared cap it draws on, if any.
    pub(crate) share: Option<String>,
    /// In cash; costs are above zero.
    pub(crate) amount: Amount,
    /// In coins.
    pub(crate) coins: Amount,
}

/// What `POST /campaigns/check` answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignChecked {
    /// It could be published.
    pub(crate) ok: bool,
    /// Null where the file cannot be read.
    pub(crate) solvency: Option<SolvencyLines>,
    /// What members would be told; null where the file cannot be read.
    pub(crate) odds: Option<Odds>,
    pub(crate) problem: Option<CampaignProblem>,
    /// Where the gate refuses: the term that breaks it and the nearest values that pass.
    #[schema(value_type = Option<Object>)]
    pub(crate) shortfall: Option<Value>,
}

/// Why a campaign file cannot be published.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignProblem {
    pub(crate) code: String,
    pub(crate) detail: String,
    /// The key of the file, where one is to blame.
    pub(crate) field: Option<String>,
    /// Where a win rate gives no whole number of winners: the nearest that do, first with these seats, then with this
    /// rate. Else empty.
    pub(crate) nearest: Vec<WinPairCard>,
}

/// So many of so many seats win.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WinPair)]
pub(crate) struct WinPairCard {
    pub(crate) seats: u32,
    pub(crate) winners: u32,
}

/// A published campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Published {
    pub(crate) id: String,
    pub(crate) hash: String,
    pub(crate) seq: String,
}

/// The printed lines of a campaign.
pub(crate) fn solvency_lines(campaign: &Campaign, solvency: &Solvency) -> SolvencyLines {
    let cash = |name, amount: domain::Money| SolvencyTerm {
        name,
        program: None,
        share: None,
        amount: amount.into(),
        coins: Amount(0),
    };
    let mut terms = vec![
        cash("sales", solvency.sales),
        cash("supplier", solvency.supplier),
    ];
    if campaign.prize.is_some() {
        terms.push(cash("prizes", solvency.prizes));
    }
    if solvency.is_merchants {
        terms.push(cash("commission", solvency.commission));
    }
    terms.push(cash("fees", solvency.fees));
    terms.extend(solvency.rewards.iter().map(|term| SolvencyTerm {
        name: "rewards",
        program: Some(term.program.name()),
        share: shared_cap(campaign, term.limit),
        amount: term.bound.cash.into(),
        coins: term.bound.coins.into(),
    }));
    if campaign.origin_share.is_some() && !solvency.is_merchants {
        terms.push(cash("origin-share", solvency.origin_share));
    }
    // A sum that does not fit is refused before it is shown.
    let returns = domain::returns(campaign, solvency).unwrap_or(domain::Returns {
        some: None,
        with_coins: solvency.all_coins_at_face,
    });
    SolvencyLines {
        winners: solvency.winners,
        price_total: solvency.sales.into(),
        terms,
        platform_worst: solvency.platform.into(),
        merchant_worst: solvency.is_merchants.then_some(solvency.merchant.into()),
        origin_share: solvency.origin_share.into(),
        margin_floor: solvency.margin_floor.into(),
        all_winners_return: solvency.all_winners_return.into(),
        some_return: returns.some.map(|some| SomeReturn {
            returned: some.returned,
            left: some.left.into(),
        }),
        returns_and_coins: returns.with_coins.into(),
        all_coins_at_face: solvency.all_coins_at_face.into(),
        expires_with_fees: solvency.expires_with_fees.into(),
        return_reserve: percent(solvency.return_reserve),
        coin_reserve: percent(solvency.coin_reserve),
        // A sum that does not fit is refused before it is shown.
        left_when_covered: solvency.covered().unwrap_or(solvency.worst).into(),
        covers_returns: solvency.return_reserve.0 == domain::RATE_ONE_PPM,
        covers_coins: solvency.coin_reserve.0 == domain::RATE_ONE_PPM,
    }
}

fn shared_cap(campaign: &Campaign, limit: domain::rewards::Limit) -> Option<String> {
    match limit {
        domain::rewards::Limit::Shared(at) => {
            let cap = campaign.caps.get(usize::try_from(at).ok()?)?;
            Some(cap.name.clone())
        }
        domain::rewards::Limit::None | domain::rewards::Limit::Own(_) => None,
    }
}

/// Why the gate refuses, and what would pass.
pub(crate) fn shortfall(shortfall: &Shortfall) -> Value {
    json!({
        "covered": shortfall.covered.to_decimal(),
        "term": shortfall.term.name(),
        "nearest": {
            "winners": shortfall.winners,
            "price": shortfall.price.map(domain::Money::to_decimal),
            "price_from": shortfall.price_from.map(domain::Money::to_decimal),
            "consolation": shortfall.consolation.map(domain::Money::to_decimal),
        },
    })
}

/// The nearest that a win rate could mean.
pub(crate) fn win_pairs(pairs: &[domain::WinPair]) -> Vec<WinPairCard> {
    let card = |pair: &domain::WinPair| WinPairCard {
        seats: pair.seats,
        winners: pair.winners,
    };
    pairs.iter().map(card).collect()
}

/// The odds in plain words (rules 8), as the domain counts them.
pub(crate) fn odds(campaign: &Campaign) -> Odds {
    let group = &campaign.group;
    let counted = domain::odds(campaign);
    // Published terms never fail to be counted; of others the price is the honest answer.
    let cost = counted.map_or(group.price, |odds| odds.average_cost);
    let (seats, winners) = counted.map_or((group.seats, group.winners), |odds| {
        (odds.seats, odds.winners)
    });
    Odds {
        seats,
        winners,
        expected_winners: counted
            .map_or_else(|_| "0".to_owned(), |odds| figure(odds.expected_winners)),
        average_rounds: counted.map_or_else(|_| "∞".to_owned(), |odds| figure(odds.average_rounds)),
        product_cost_average: Amount(cost.0),
    }
}

/// With at most two decimals, below a tenth with six, rounded to the nearest.
fn figure(ratio: domain::Ratio) -> String {
    let (num, den) = (u128::from(ratio.num), u128::from(ratio.den).max(1));
    let digits = if num * 10 < den { 6 } else { 2 };
    let unit = 10u128.pow(digits);
    let rounded = (num * unit * 2 + den) / (den * 2);
    let (whole, rest) = (rounded / unit, rounded % unit);
    let width = usize::try_from(digits).unwrap_or_default();
    let text = format!("{whole}.{rest:0width$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Where each seat wins by itself: with what chance, and how many at least and at most.
pub(crate) fn chance(campaign: &Campaign) -> Option<ChanceCard> {
    campaign.group.chance.map(|chance| ChanceCard {
        p: percent(chance.p),
        min: chance.min,
        max: campaign.group.winners,
    })
}

/// What every non-winner gets on top: all consolation programs added up.
pub(crate) fn consolation(campaign: &Campaign) -> ConsolationCard {
    let mut card = ConsolationCard {
        cash: Amount(0),
        coins: Amount(0),
    };
    for reward in &campaign.rewards {
        if let domain::rewards::Program::Consolation(consolation) = &reward.program {
            card.cash.0 = card.cash.0.saturating_add(consolation.cash.0);
            card.coins.0 = card.coins.0.saturating_add(consolation.coins.0);
        }
    }
    card
}

/// A campaign in a list.
pub(crate) fn campaign_card(
    id: domain::CampaignId,
    terms: &Campaign,
    open_groups: u64,
) -> CampaignCard {
    let source = source_name(&terms.draw.source);
    CampaignCard {
        id: id.to_string(),
        name: (&terms.name).into(),
        kind: terms.kind.name(),
        product: ProductCard {
            title: (&terms.product.title).into(),
            fulfilment: terms.product.fulfilment.name(),
        },
        prize: terms.prize.as_ref().map(|prize| PrizeCard {
            title: (&prize.title).into(),
        }),
        merchant: terms.merchant.map(|merchant| MerchantCard {
            commission: percent(merchant.commission),
        }),
        price: terms.group.price.into(),
        price_from: terms.group.price_from.map(Amount::from),
        seats: terms.group.seats,
        seats_from: terms.group.seats_from,
        winners: terms.group.winners,
        chance: chance(terms),
        leader: terms.group.leader.name(),
        odds: odds(terms),
        fill_within_s: terms.group.fill_within.0 / 1000,
        payment_window_s: terms.group.payment_window.0 / 1000,
        seats_per_member: terms.group.seats_per_member,
        consolation: consolation(terms),
        open_groups,
        source,
        level: PROOF_LEVEL,
    }
}

fn percent(rate: domain::Rate) -> String {
    format!("{}%", domain::percent(rate))
}

/// No log is kept yet, and without a log's proof every draw is shown as level 0 (draw 9).
pub(crate) const PROOF_LEVEL: u8 = 0;

/// The name of a draw's source in JSON.
pub(crate) fn source_name(source: &domain::BeaconSource) -> &'static str {
    match source {
        domain::BeaconSource::DrandQuicknet => "drand-quicknet",
        domain::BeaconSource::Local { .. } => "local",
    }
}

/// Whether the screens must say "covered before returns and coins" (rules 8).
pub(crate) fn reserve_wording(campaign: &Campaign) -> bool {
    let whole = domain::RATE_ONE_PPM;
    let limits = campaign.profile.terms();
    limits.return_reserve.0 < whole || limits.coin_reserve.0 < whole
}
