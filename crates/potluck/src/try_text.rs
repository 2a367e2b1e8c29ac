//! What `potluck try` prints for people: first whether the campaign can pay what it promises, then where the
//! money of one group went.

use std::fmt::Write;

use domain::{
    Campaign, Case, Circle, Coins, Kind, LeaderRule, Leftover, Money, Shortfall, Solvency,
    TableBill, percent, rewards::Limit,
};

use crate::try_figures::{Figures, PROGRAMS};
use crate::try_run::Tried;

/// Characters of a line's label.
const LABEL: usize = 58;
/// Characters of an amount.
const AMOUNT: usize = 16;

/// The whole page.
pub(crate) fn tried(tried: &Tried, members: bool) -> String {
    let (terms, figures) = (&tried.campaign, &tried.figures);
    let mut page = Page::default();
    page.terms(terms);
    page.solvency(terms, &tried.solvency);
    page.draw(tried);
    page.where_it_went(tried, figures);
    if members {
        page.payments(tried, figures);
    }
    page.0
}

/// The failing figures; the sentence that says what would pass follows on standard error.
pub(crate) fn refused(terms: &Campaign, shortfall: &Shortfall) -> String {
    let mut page = Page::default();
    page.terms(terms);
    page.solvency(terms, &shortfall.solvency);
    let nearest = [
        shortfall
            .winners
            .map(|winners| format!("group.winners = {winners}")),
        shortfall
            .price
            .map(|price| format!("group.price = \"{price}\"")),
        shortfall
            .price_from
            .map(|bill| format!("group.price_from = \"{bill}\"")),
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

/// What happens when a group of this campaign is full.
fn what_happens(terms: &Campaign) -> String {
    let group = &terms.group;
    let (seats, price) = (group.seats, group.price);
    let odds = group.chance.map(|chance| {
        let (p, min, most) = (percent(chance.p), chance.min, group.winners);
        format!("with {p}%, at least {min} and at most {most} of them")
    });
    let drawn = group.winners;
    match (terms.kind, odds) {
        (Kind::Draw, None) => format!("{seats} seats at {price}, {drawn} win"),
        (Kind::Draw, Some(odds)) => format!("{seats} seats at {price}, each wins {odds}"),
        (Kind::EveryoneBuys, _) => {
            format!("{seats} seats at {price}, everyone buys and nothing is drawn")
        }
        (Kind::BonusDraw, None) => {
            format!(
                "{seats} seats at {price}, everyone buys, {drawn} are drawn and get a prize too"
            )
        }
        (Kind::BonusDraw, Some(odds)) => {
            format!("{seats} seats at {price}, everyone buys, each gets a prize too {odds}")
        }
        (Kind::Treat, None) => format!(
            "{seats} seats pay the bill of {price} each; {drawn} drawn to treat, the others get theirs back"
        ),
        (Kind::Treat, Some(odds)) => format!(
            "{seats} seats pay the bill of {price} each; each treats {odds}, the others get theirs back"
        ),
        (Kind::Ballot, None) => {
            format!("{seats} seats register for nothing, {drawn} are drawn and may buy at {price}")
        }
        (Kind::Ballot, Some(odds)) => {
            format!("{seats} seats register for nothing, each may buy at {price} {odds}")
        }
    }
}

/// Who is drawn differently, and who bears what.
fn what_is_special(terms: &Campaign) -> Vec<String> {
    let group = &terms.group;
    let mut lines = Vec::new();
    match group.leader {
        LeaderRule::Equal => {}
        LeaderRule::Exempt => lines.push("The leader is never drawn.".to_owned()),
        LeaderRule::Buys => lines.push(format!(
            "The leader always buys and is no part of the draw. Drawn among the {} others: {}.",
            group.seats.saturating_sub(1),
            group.winners.saturating_sub(1)
        )),
    }
    match group.circle {
        Circle::Off => {}
        Circle::Rotate => lines.push(
            "The circle takes turns: whoever has won waits until all have. Here nobody has yet."
                .to_owned(),
        ),
    }
    if group.price_from.is_some() || group.seats_from.is_some() {
        let bills = match group.price_from {
            Some(least) => format!("{least} to {}", group.price),
            None => format!("at most {}", group.price),
        };
        lines.push(format!(
            "A template: tables of {} to {} guests, bills of {bills}. The worst case is that of the table that leaves least.",
            terms.least_guests(),
            group.seats
        ));
    }
    if terms.merchant.is_some() {
        let bears = "A merchant's campaign: the merchant bears commission, channel fees and rewards, and what products cost.";
        lines.push(bears.to_owned());
    }
    if let Some(share) = terms.origin_share {
        let take = match terms.merchant {
            Some(_) => "its commission",
            None => "price less cost",
        };
        lines.push(format!(
            "Home stores get {}% of what the platform earns on a buyer ({take}); the platform bears it.",
            percent(share)
        ));
    }
    lines
}

/// How the seats that were drawn are called: what being drawn means differs from kind to kind.
fn drawn_seats(kind: Kind) -> &'static str {
    match kind {
        Kind::Draw | Kind::EveryoneBuys => "Winning seats",
        Kind::BonusDraw => "Winning seats, which get a prize",
        Kind::Treat => "Winning seats, which treat the others",
        Kind::Ballot => "Winning seats, which may buy",
    }
}

/// The channel's fees and the payments they are of.
fn fees_label(case: Case<'_>) -> String {
    let channel = case.campaign.channel;
    let each = case.campaign.group.price.channel_fee(channel.fee);
    match each {
        Ok(each) if each.is_positive() && channel.kept_on_refund => {
            format!(
                "channel fees: {} x {each}, kept on refunds",
                case.payments()
            )
        }
        Ok(each) if each.is_positive() => format!("channel fees: {} x {each}", case.buyers()),
        Ok(_) | Err(_) => "channel fees".to_owned(),
    }
}

/// The prizes and what one costs.
fn prizes_label(case: Case<'_>) -> String {
    let prize = case.campaign.prize.as_ref();
    let cost = prize.map_or(Money::ZERO, |prize| prize.cost);
    format!("prizes: {} x {cost}", case.winners)
}

/// A page of lines, amounts in one column.
#[derive(Default)]
pub(crate) struct Page(pub(crate) String);

impl Page {
    /// Writing to a string cannot fail.
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{text}");
    }

    /// A label and its amount.
    pub(crate) fn amount(&mut self, label: &str, amount: Money) {
        // The line break that sets a paragraph apart is no part of the label's width.
        let width = LABEL + label.chars().filter(|&char| char == '\n').count();
        self.line(format_args!(
            "{label:<width$}{:>AMOUNT$}",
            amount.to_decimal()
        ));
    }

    /// A line that is left out where there is nothing.
    pub(crate) fn some_amount(&mut self, label: &str, amount: Money) {
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

    /// What is tried.
    fn terms(&mut self, terms: &Campaign) {
        self.line(&terms.name.zh);
        self.line(&terms.name.en);
        self.line(format_args!(
            "{}: {}. Profile {}.",
            terms.kind.name(),
            what_happens(terms),
            terms.profile.name()
        ));
        for line in what_is_special(terms) {
            self.line(line);
        }
    }

    /// The gate's terms and the lines that are always printed beside it (rules 8).
    fn solvency(&mut self, terms: &Campaign, solvency: &Solvency) {
        let terms = &terms.at_table(TableBill {
            bill: solvency.price,
            seats: solvency.seats,
        });
        let covers = if solvency.covers_returns_and_coins() {
            "all returns covered too, and all coins at face"
        } else {
            "covered before returns and coins"
        };
        let case = match terms.group.chance {
            None => String::new(),
            Some(chance) => format!(
                ", with {} of {} to {} winners",
                solvency.winners, chance.min, terms.group.winners
            ),
        };
        self.line(format_args!(
            "\nThe worst that one group can cost{case}, every program at its most ({covers}):"
        ));
        self.promises(terms.case(solvency.winners), solvency);
        if terms.merchant.is_some() {
            self.amount("  left for the merchant", solvency.merchant);
            self.some_amount(
                "  home stores, of the platform's commission",
                Money(-solvency.origin_share.0),
            );
            self.amount(
                "  left of the commission for the platform",
                solvency.platform,
            );
        } else {
            self.some_amount("  home stores", Money(-solvency.origin_share.0));
            self.amount("  left for the platform", solvency.platform);
        }
        self.beside(terms, solvency);
        self.line(format_args!(
            "The profile asks to cover {}% of returns and {}% of coins.",
            percent(solvency.return_reserve),
            percent(solvency.coin_reserve)
        ));
        if let Ok(covered) = solvency.covered()
            && covered != solvency.worst
        {
            self.amount("  left when that is covered", covered);
        }
    }

    /// What is printed of returns, coins and an expired group.
    fn beside(&mut self, terms: &Campaign, solvency: &Solvency) {
        self.line("Beside it:");
        let returns = match terms.kind {
            Kind::Draw | Kind::Ballot => "  all winners return",
            Kind::EveryoneBuys | Kind::BonusDraw => "  all winners return, here all buyers",
            Kind::Treat => "  all winners return: not in a treat",
        };
        self.amount(returns, solvency.all_winners_return);
        let returns = domain::returns(terms, solvency).ok();
        if let Some(some) = returns.and_then(|returns| returns.some) {
            let label = format!(
                "  {} of {} return, which leaves less",
                some.returned,
                terms.case(solvency.winners).buyers()
            );
            self.amount(&label, some.left);
        }
        self.amount("  all coins at face", solvency.all_coins_at_face);
        if let Some(returns) = returns {
            self.amount(
                "  any returns with coins at face, units at cost",
                returns.with_coins,
            );
        }
        self.amount(
            "  expires one seat short, the channel keeps its fees",
            solvency.expires_with_fees,
        );
    }

    /// What there is to promise from, and the promises.
    fn promises(&mut self, case: Case<'_>, solvency: &Solvency) {
        let terms = case.campaign;
        let (buyers, price) = (case.buyers(), terms.group.price);
        self.amount(&format!("  sales: {buyers} x {price}"), solvency.sales);
        if terms.merchant.is_none() {
            self.amount(
                &format!("  supplier: {buyers} x {}", terms.product.cost),
                Money(-solvency.supplier.0),
            );
        }
        self.some_amount(
            &format!("  {}", prizes_label(case)),
            Money(-solvency.prizes.0),
        );
        if let Some(merchant) = terms.merchant {
            let rate = percent(merchant.commission);
            self.amount(
                &format!("  commission: {buyers} x {rate}% of {price}"),
                Money(-solvency.commission.0),
            );
        }
        self.amount(&format!("  {}", fees_label(case)), Money(-solvency.fees.0));
        let rewards = match terms.leftover {
            Leftover::Owner => "  rewards",
            Leftover::Dividend => "  rewards; what they leave goes into the dividend pool",
        };
        self.with_coins(
            rewards,
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
    }

    /// Who sat in the group and which seats were drawn.
    fn draw(&mut self, tried: &Tried) {
        let terms = &tried.campaign;
        let crowd = tried.crowd.label;
        if !terms.is_drawn() {
            self.line(format_args!(
                "\nOne group, full and settled. Crowd: {crowd}."
            ));
            return;
        }
        self.line(format_args!(
            "\nOne group, drawn and settled. Crowd: {crowd}."
        ));
        self.line(format_args!("Seed {}", tried.seed));
        let won: Vec<_> = tried.won.iter().map(u32::to_string).collect();
        let called = drawn_seats(terms.kind);
        match (terms.group.leader, won.split_first()) {
            (_, None) => self.line(format_args!("{called}: none")),
            (LeaderRule::Buys, Some((leader, drawn))) => self.line(format_args!(
                "{called}: the leader's {leader}, and in the order drawn: {}",
                drawn.join(" ")
            )),
            (LeaderRule::Equal | LeaderRule::Exempt, Some(_)) => self.line(format_args!(
                "{called}, in the order drawn: {}",
                won.join(" ")
            )),
        }
    }

    fn where_it_went(&mut self, tried: &Tried, figures: &Figures) {
        let (terms, case) = (&tried.campaign, tried.case());
        let price = terms.group.price;
        self.amount(
            &format!("\npaid in: {} x {price}", case.payments()),
            figures.paid_in,
        );
        self.some_amount(
            &format!("  refunds: {} x {price}", case.refunded()),
            figures.refunds,
        );
        self.programs(terms, figures);
        let pool = match terms.leftover {
            Leftover::Owner => "  dividend pool",
            Leftover::Dividend => "  dividend pool, with what is left of the rewards",
        };
        self.some_amount(pool, figures.dividend);
        self.some_amount("  home stores", figures.origin_share);
        if terms.merchant.is_none() {
            let label = format!("  supplier: {} x {}", case.buyers(), terms.product.cost);
            let prizes = case.prizes().unwrap_or(Money::ZERO);
            self.amount(&label, Money(figures.supplier.0 - prizes.0));
            self.some_amount(&format!("  {}", prizes_label(case)), prizes);
        }
        self.amount(&format!("  {}", fees_label(case)), figures.fees);
        self.owners(terms, figures);
        let taxed = match terms.profile.terms().withholding.borne_by {
            domain::TaxBearer::Member => "of these rewards withheld as tax, once received",
            domain::TaxBearer::Owner => "of these rewards tax that the owner bears, once received",
        };
        self.some_amount(taxed, figures.tax);
    }

    fn owners(&mut self, terms: &Campaign, figures: &Figures) {
        if terms.merchant.is_none() {
            self.amount("  platform", figures.platform);
            return;
        }
        self.amount("  merchant", figures.merchant);
        let platform = if figures.origin_share == Money::ZERO {
            "  platform: its commission".to_owned()
        } else {
            format!(
                "  platform: its commission of {} less home stores",
                figures.commission
            )
        };
        self.amount(&platform, figures.platform);
    }

    /// What each declared program paid, those of one name together.
    fn programs(&mut self, terms: &Campaign, figures: &Figures) {
        let declared: Vec<_> = terms
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
