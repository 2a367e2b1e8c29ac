//! The JSON form of `potluck try`, for programs: the keys of rules 13, amounts in yuan with two decimals.

use domain::{Money, ProgramKind, Shortfall, Solvency};
use serde::Serialize;

use crate::try_figures::Figures;
use crate::try_run::Tried;

#[derive(Serialize)]
struct Output<'a> {
    seats: u32,
    winners: usize,
    won: &'a [u32],
    cash: Cash,
    coins: CoinSums,
    worst: Worst,
    /// What of `cash` is withheld as tax.
    tax: String,
    seed: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payments: Option<Vec<PaymentRow<'a>>>,
}

#[derive(Serialize)]
struct Cash {
    refunds: String,
    consolation: String,
    winner_bonus: String,
    leader: String,
    formation: String,
    generation: String,
    differential: String,
    same_level: String,
    region: String,
    dividend: String,
    origin_share: String,
    supplier: String,
    fees: String,
    merchant: String,
    commission: String,
    platform: String,
}

#[derive(Serialize)]
struct CoinSums {
    consolation: String,
    winner_bonus: String,
    leader: String,
}

#[derive(Serialize)]
struct Worst {
    platform: String,
    merchant: String,
}

#[derive(Serialize)]
struct PaymentRow<'a> {
    member: &'a str,
    program: &'static str,
    source_seat: Option<u32>,
    cash: String,
    coins: String,
}

#[derive(Serialize)]
struct Refused<'a> {
    code: &'static str,
    detail: String,
    term: &'a str,
    worst: Worst,
    nearest: Nearest,
}

/// What would pass, each alone; null where no value would.
#[derive(Serialize)]
struct Nearest {
    winners: Option<u32>,
    price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_from: Option<String>,
    consolation: Option<String>,
}

/// One object on one line.
pub(crate) fn tried(tried: &Tried, members: bool) -> String {
    let figures = &tried.figures;
    let rows = || {
        let row = |paid: &crate::try_figures::Payment| PaymentRow {
            member: tried.crowd.name(paid.member),
            program: paid.program.name(),
            source_seat: paid.source_seat,
            cash: paid.cash.to_decimal(),
            coins: paid.coins.to_decimal(),
        };
        figures.payments.iter().map(row).collect()
    };
    line(&Output {
        seats: tried.campaign.group.seats,
        winners: tried.won.len(),
        won: &tried.won,
        cash: cash(figures),
        coins: CoinSums {
            consolation: coins_of(figures, ProgramKind::Consolation),
            winner_bonus: coins_of(figures, ProgramKind::WinnerBonus),
            leader: coins_of(figures, ProgramKind::Leader),
        },
        worst: worst(&tried.solvency),
        tax: figures.tax.to_decimal(),
        seed: tried.seed.to_string(),
        payments: members.then(rows),
    })
}

/// Which rule the campaign breaks.
pub(crate) fn refusal(refusal: &domain::Refusal) -> String {
    let (code, detail) = (refusal.code(), refusal.to_string());
    line(&serde_json::json!({ "refused": { "code": code, "detail": detail } }))
}

/// Why the campaign cannot pay what it promises, and what could.
pub(crate) fn refused(shortfall: &Shortfall) -> String {
    let refusal = domain::Refusal::NotSolvent(Box::new(shortfall.clone()));
    let refused = Refused {
        code: refusal.code(),
        detail: refusal.to_string(),
        term: shortfall.term.name(),
        worst: worst(&shortfall.solvency),
        nearest: Nearest {
            winners: shortfall.winners,
            price: shortfall.price.map(Money::to_decimal),
            price_from: shortfall.price_from.map(Money::to_decimal),
            consolation: shortfall.consolation.map(Money::to_decimal),
        },
    };
    line(&serde_json::json!({ "refused": refused }))
}

fn cash(figures: &Figures) -> Cash {
    Cash {
        refunds: figures.refunds.to_decimal(),
        consolation: cash_of(figures, ProgramKind::Consolation),
        winner_bonus: cash_of(figures, ProgramKind::WinnerBonus),
        leader: cash_of(figures, ProgramKind::Leader),
        formation: cash_of(figures, ProgramKind::Formation),
        generation: cash_of(figures, ProgramKind::Generation),
        differential: cash_of(figures, ProgramKind::Differential),
        same_level: cash_of(figures, ProgramKind::SameLevel),
        region: cash_of(figures, ProgramKind::Region),
        dividend: figures.dividend.to_decimal(),
        origin_share: figures.origin_share.to_decimal(),
        supplier: figures.supplier.to_decimal(),
        fees: figures.fees.to_decimal(),
        merchant: figures.merchant.to_decimal(),
        commission: figures.commission.to_decimal(),
        platform: figures.platform.to_decimal(),
    }
}

fn worst(solvency: &Solvency) -> Worst {
    Worst {
        platform: solvency.platform.to_decimal(),
        merchant: solvency.merchant.to_decimal(),
    }
}

fn cash_of(figures: &Figures, program: ProgramKind) -> String {
    figures.sum_of(program).0.to_decimal()
}

fn coins_of(figures: &Figures, program: ProgramKind) -> String {
    figures.sum_of(program).1.to_decimal()
}

/// One object on one line.
pub(crate) fn line(value: &impl Serialize) -> String {
    let json =
        serde_json::to_string(value).expect("structs of strings and numbers have a JSON form");
    json + "\n"
}
