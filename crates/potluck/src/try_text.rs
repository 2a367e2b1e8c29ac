//! What `potluck try` prints for people: first whether the campaign can pay what it promises, then where the
//! money of one group went.

use std::fmt::Write;

use domain::{Campaign, Coins, Leftover, Money, Shortfall, Solvency, percent, rewards::Limit};

use crate::try_figures::{Figures, PROGRAMS};
use crate::try_run::Tried;

/// Characters of a line's label.
const LABEL: usize = 58;
/// Characters of an amount.
const AMOUNT: usize = 16;

/// The whole page.
pub(crate) fn tried(tried: &Tried, members: bool) -> String {
    let (terms, figures) = (&tried.campaign, &tried.figures);
    let group = &terms.group;
    let mut page = Page::default();
    page.line(&terms.name.zh);
    page.line(&terms.name.en);
    page.line(format_args!(
        "{}: {} seats at {}, {} win. Profile {}.",
        terms.kind.name(),
        group.seats,
        group.price,
        how_many_win(terms),
        terms.profile.name()
    ));
    page.solvency(&tried.solvency);
    page.line(format_args!(
        "\nOne group, drawn and settled. Crowd: {}.",
        tried.crowd.label
    ));
    page.line(format_args!("Seed {}", tried.seed));
    let won: Vec<_> = tried.won.iter().map(u32::to_string).collect();
    if terms.is_drawn() {
        page.line(format_args!(
            "Winning seats, in the order drawn: {}",
            won.join(" ")
        ));
    }
    let case = tried.case();
    page.amount(
        &format!("\npaid in: {} x {}", case.payments(), group.price),
        figures.paid_in,
    );
    page.where_it_went(tried, figures);
    if members {
        page.payments(tried, figures);
    }
    page.0
}

/// A number, or the bounds of a chance.
fn how_many_win(terms: &Campaign) -> String {
    match terms.group.chance {
        None => terms.group.winners.to_string(),
        Some(chance) => format!(
            "each with {}%, {} to {},",
            percent(chance.p),
            chance.min,
            terms.group.winners
        ),
    }
}

/// The failing figures; the sentence that says what would pass follows on standard error.
pub(crate) fn refused(shortfall: &Shortfall) -> String {
    let mut page = Page::default();
    page.solvency(&shortfall.solvency);
    let nearest = [
        shortfall
            .winners
            .map(|winners| format!("group.winners = {winners}")),
        shortfall
            .price
            .map(|price| format!("group.price = \"{price}\"")),
        shortfall
            .consolation
            .map(|cash| format!("consolation cash = \"{cash}\"")),
    ];
    page.line(format_args!(
        "\nRefused: {} breaks it.",
        shortfall.term.name()
    ));
    for change in nearest.into_iter().flatten() {
        page.line(format_args!("  would pass: {change}"));
    }
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    /// Writing to a string cannot fail.
    fn line(&mut self, text: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{text}");
    }

    fn amount(&mut self, label: &str, amount: Money) {
        // The line break that sets a paragraph apart is no part of the label's width.
        let width = LABEL + label.chars().filter(|&char| char == '\n').count();
        self.line(format_args!(
            "{label:<width$}{:>AMOUNT$}",
            amount.to_decimal()
        ));
    }

    /// A line that is left out where there is nothing.
    fn some_amount(&mut self, label: &str, amount: Money) {
        if amount != Money::ZERO {
            self.amount(label, amount);
        }
    }

    fn with_coins(&mut self, label: &str, amount: Money, coins: Coins) {
        let cash = amount.to_decimal();
        if coins.is_positive() {
            self.line(format_args!(
                "{label:<LABEL$}{cash:>AMOUNT$}  and {coins} coins"
            ));
        } else {
            self.amount(label, amount);
        }
    }

    /// The gate's terms and the three lines that are always printed beside it (rules 8).
    fn solvency(&mut self, solvency: &Solvency) {
        let covers = if solvency.covers_returns_and_coins() {
            "returns and coins at face included"
        } else {
            "covered before returns and coins"
        };
        self.line(format_args!(
            "\nThe worst that one group can cost, every program at its most ({covers}):"
        ));
        self.amount("  sales: buyers x price", solvency.sales);
        self.amount("  supplier: buyers x cost", Money(-solvency.supplier.0));
        self.some_amount("  prizes: winners x cost", Money(-solvency.prizes.0));
        self.some_amount("  commission", Money(-solvency.commission.0));
        self.amount("  channel fees", Money(-solvency.fees.0));
        self.with_coins(
            "  rewards",
            Money(-solvency.envelope.cash.0),
            solvency.envelope.coins,
        );
        for term in &solvency.rewards {
            let limit = match term.limit {
                Limit::None => "",
                Limit::Own(_) => ", with its cap",
                Limit::Shared(_) => ", before the cap it shares",
            };
            let label = format!("    of these {}{limit}", term.program.name());
            self.with_coins(&label, term.bound.cash, term.bound.coins);
        }
        let is_merchants =
            solvency.worst == solvency.merchant && solvency.worst != solvency.platform;
        if is_merchants {
            self.amount("  left for the merchant", solvency.worst);
            self.some_amount(
                "  home stores, from the commission",
                Money(-solvency.origin_share.0),
            );
            self.amount(
                "  left of the commission for the platform",
                solvency.platform,
            );
        } else {
            self.some_amount("  home stores", Money(-solvency.origin_share.0));
            self.amount("  left for the platform", solvency.worst);
        }
        self.line("Beside it:");
        self.amount("  all winners return", solvency.all_winners_return);
        self.amount("  all coins at face", solvency.all_coins_at_face);
        self.amount(
            "  expires one seat short, the channel keeps its fees",
            solvency.expires_with_fees,
        );
        self.line(format_args!(
            "The profile asks to cover {}% of returns and {}% of coins.",
            percent(solvency.return_reserve),
            percent(solvency.coin_reserve)
        ));
    }

    fn where_it_went(&mut self, tried: &Tried, figures: &Figures) {
        let (terms, case) = (&tried.campaign, tried.case());
        self.some_amount(
            &format!("  refunds: {} x {}", case.refunded(), terms.group.price),
            figures.refunds,
        );
        let declared: Vec<_> = tried
            .campaign
            .rewards
            .iter()
            .map(|reward| reward.program.kind())
            .collect();
        for program in PROGRAMS
            .into_iter()
            .filter(|program| declared.contains(program))
        {
            let (cash, coins) = figures.sum_of(program);
            self.with_coins(&format!("  {}", program.name()), cash, coins);
        }
        let pool = match terms.leftover {
            Leftover::Owner => "  dividend pool",
            Leftover::Dividend => "  dividend pool, with what is left of the envelope",
        };
        self.some_amount(pool, figures.dividend);
        self.some_amount("  home stores", figures.origin_share);
        if terms.merchant.is_none() {
            let label = format!("  supplier: {} x {}", case.buyers(), terms.product.cost);
            let prizes = case.prizes().unwrap_or(Money::ZERO);
            self.amount(&label, Money(figures.supplier.0 - prizes.0));
            self.some_amount("  prizes", prizes);
        }
        self.amount("  channel fees", figures.fees);
        if terms.merchant.is_some() {
            self.amount("  merchant", figures.merchant);
            self.amount("  platform, of its commission", figures.platform);
        } else {
            self.amount("  platform", figures.platform);
        }
    }

    fn payments(&mut self, tried: &Tried, figures: &Figures) {
        let heads = ["program", "from seat", "cash", "coins"];
        let [program, seat, cash, coins] = heads;
        self.line(format_args!(
            "\n{program:<14}{seat:>10}{cash:>14}{coins:>14}  member"
        ));
        for paid in &figures.payments {
            let seat = paid
                .source_seat
                .map_or("-".to_owned(), |seat| seat.to_string());
            let (cash, coins) = (paid.cash.to_decimal(), paid.coins.to_decimal());
            let (program, name) = (paid.program.name(), tried.crowd.name(paid.member));
            self.line(format_args!(
                "{program:<14}{seat:>10}{cash:>14}{coins:>14}  {name}"
            ));
        }
    }
}
