//! Which members are told of an event, and what (rules 9.8).
//!
//! Why one function of the event alone: the inbox and every connector ask it, so they agree for ever on what there is to tell,
//! and a notice has a name that needs no counter: the record, the event's place in it, and the member. An event tells each
//! member one thing at most, whatever number of seats he has in it.

use std::collections::BTreeMap;

use crate::{
    AllianceEvent, BallotEvent, Bounce, Closing, Coins, CounterPaid, Event, FilledSeat, GroupId,
    GroupSettled, MemberId, Money, OrderId, Overflow, PayoutFailure, ProgramKind, PurchaseId,
    RechargeEvent, SeatRef, ShopEvent, Vested, WithdrawalId,
};

/// What a member is told. Holds numbers and amounts, and nothing about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whom.
    pub to: NoticeTo,
    /// What has happened.
    pub kind: NoticeKind,
    /// The group it is about.
    pub group: Option<GroupId>,
    /// The order, purchase, payment at a counter or withdrawal it is about, as the kind says.
    pub number: Option<u64>,
    /// Money: what goes back, became available or was asked for.
    pub amount: Money,
    /// The consolation in cash that comes on top of it.
    pub extra: Money,
    /// Tax that was withheld of what came: neither of the two has it in it.
    pub tax: Money,
    /// Coins that came or went.
    pub coins: Coins,
    /// Of a group that has ended: his seats that were drawn, or that buy.
    pub won: u32,
    /// His seats that were not.
    pub lost: u32,
    /// Why money goes back.
    pub why: Option<NoticeWhy>,
}

/// Whom a notice is for. An event that names an order, a purchase or a withdrawal and not its member leaves him to be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeTo {
    /// This member.
    Member(MemberId),
    /// Whose order this is.
    Buyer(OrderId),
    /// Whose purchase this is.
    Purchaser(PurchaseId),
    /// Whose withdrawal this is; what he asked for is the amount.
    Asker(WithdrawalId),
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A group is full.
    Filled,
    /// One of his seats was drawn.
    Won,
    /// None of his seats was drawn.
    NotWon,
    /// His seats buy, without having been drawn.
    Bought,
    /// Money goes back.
    Refunded,
    /// The product is on its way.
    Shipped,
    /// Rewards became available.
    Vested,
    /// A dividend came.
    Dividend,
    /// Coins will be gone at the end of this month.
    CoinsExpiring,
    /// Coins are gone.
    CoinsExpired,
    /// A withdrawal was approved.
    WithdrawalSent,
    /// The channel waits for the member's confirmation.
    WithdrawalWaiting,
    /// A withdrawal was paid.
    WithdrawalPaid,
    /// A withdrawal was rejected: the money is back.
    WithdrawalRejected,
    /// The channel could not pay a withdrawal: the money is back.
    WithdrawalFailed,
    /// A withdrawal was not confirmed in time: the money is back.
    WithdrawalExpired,
    /// What was bought without a group is on its way.
    PurchaseShipped,
    /// What was bought without a group is back, or was given up: its price goes back, cash and coins.
    PurchaseReturned,
    /// What is unused of a recharge goes back; its coins are gone.
    RechargeRefunded,
    /// An order was given out at a store, or its voucher redeemed.
    OrderFetched,
    /// A purchase was given out at a store, or its voucher redeemed.
    PurchaseFetched,
    /// A recharge's gift came.
    CoinsGiven,
    /// A bill at a counter was paid.
    CounterPaid,
    /// A payment at a counter was taken back: its coins are the member's again.
    CounterReversed,
    /// The member was frozen.
    Frozen,
    /// The member is as others again.
    Unfrozen,
    /// A reward that was available was taken back.
    ClawedBack,
    /// A seat of his was drawn in a ballot, or a right has passed to it: he may buy.
    MayBuy,
    /// His right to buy in a ballot was not used in time.
    RightUnused,
    /// A recharge's gift came: a thing, which is a purchase of his.
    UnitGiven,
    /// A recharge's gift came: a VIP level for some days.
    VipGiven,
}

impl NoticeKind {
    /// All kinds. A kind keeps its place.
    pub const ALL: [NoticeKind; 31] = [
        NoticeKind::Filled,
        NoticeKind::Won,
        NoticeKind::NotWon,
        NoticeKind::Bought,
        NoticeKind::Refunded,
        NoticeKind::Shipped,
        NoticeKind::Vested,
        NoticeKind::Dividend,
        NoticeKind::CoinsExpiring,
        NoticeKind::CoinsExpired,
        NoticeKind::WithdrawalSent,
        NoticeKind::WithdrawalWaiting,
        NoticeKind::WithdrawalPaid,
        NoticeKind::WithdrawalRejected,
        NoticeKind::WithdrawalFailed,
        NoticeKind::WithdrawalExpired,
        NoticeKind::PurchaseShipped,
        NoticeKind::PurchaseReturned,
        NoticeKind::RechargeRefunded,
        NoticeKind::OrderFetched,
        NoticeKind::PurchaseFetched,
        NoticeKind::CoinsGiven,
        NoticeKind::CounterPaid,
        NoticeKind::CounterReversed,
        NoticeKind::Frozen,
        NoticeKind::Unfrozen,
        NoticeKind::ClawedBack,
        NoticeKind::MayBuy,
        NoticeKind::RightUnused,
        NoticeKind::UnitGiven,
        NoticeKind::VipGiven,
    ];

    /// Its name in SQL and JSON.
    pub fn name(self) -> &'static str {
        match self {
            NoticeKind::Filled => "filled",
            NoticeKind::Won => "won",
            NoticeKind::NotWon => "not_won",
            NoticeKind::Bought => "bought",
            NoticeKind::Refunded => "refunded",
            NoticeKind::Shipped => "shipped",
            NoticeKind::Vested => "vested",
            NoticeKind::Dividend => "dividend",
            NoticeKind::CoinsExpiring => "coins_expiring",
            NoticeKind::CoinsExpired => "coins_expired",
            NoticeKind::WithdrawalSent => "withdrawal_sent",
            NoticeKind::WithdrawalWaiting => "withdrawal_waiting",
            NoticeKind::WithdrawalPaid => "withdrawal_paid",
            NoticeKind::WithdrawalRejected => "withdrawal_rejected",
            NoticeKind::WithdrawalFailed => "withdrawal_failed",
            NoticeKind::WithdrawalExpired => "withdrawal_expired",
            NoticeKind::PurchaseShipped => "purchase_shipped",
            NoticeKind::PurchaseReturned => "purchase_returned",
            NoticeKind::RechargeRefunded => "recharge_refunded",
            NoticeKind::OrderFetched => "order_fetched",
            NoticeKind::PurchaseFetched => "purchase_fetched",
            NoticeKind::CoinsGiven => "coins_given",
            NoticeKind::CounterPaid => "counter_paid",
            NoticeKind::CounterReversed => "counter_reversed",
            NoticeKind::Frozen => "frozen",
            NoticeKind::Unfrozen => "unfrozen",
            NoticeKind::ClawedBack => "clawed_back",
            NoticeKind::MayBuy => "may_buy",
            NoticeKind::RightUnused => "right_unused",
            NoticeKind::UnitGiven => "unit_given",
            NoticeKind::VipGiven => "vip_given",
        }
    }
}

/// Why money goes back without a draw having been lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeWhy {
    /// It could not hold a place.
    Bounced(Bounce),
    /// He has left the group.
    Left,
    /// The group ended without a draw.
    Closed(Closing),
    /// He has returned the product.
    Returned,
}

impl Notice {
    fn new(to: NoticeTo, kind: NoticeKind) -> Notice {
        Notice {
            to,
            kind,
            group: None,
            number: None,
            amount: Money::ZERO,
            extra: Money::ZERO,
            tax: Money::ZERO,
            coins: Coins::ZERO,
            won: 0,
            lost: 0,
            why: None,
        }
    }

    fn of(member: MemberId, kind: NoticeKind) -> Notice {
        Notice::new(NoticeTo::Member(member), kind)
    }

    /// That coins of his will be gone at the end of the month: no event says so, for nothing has happened yet.
    pub fn coins_expiring(member: MemberId, coins: Coins) -> Notice {
        Notice {
            coins,
            ..Notice::of(member, NoticeKind::CoinsExpiring)
        }
    }

    fn money(member: MemberId, kind: NoticeKind, amount: Money) -> Notice {
        Notice {
            amount,
            ..Notice::of(member, kind)
        }
    }

    fn refunded(member: MemberId, amount: Money, why: NoticeWhy) -> Notice {
        Notice {
            why: Some(why),
            ..Notice::money(member, NoticeKind::Refunded, amount)
        }
    }

    fn numbered(self, number: u64) -> Notice {
        Notice {
            number: Some(number),
            ..self
        }
    }

    fn in_group(self, group: GroupId) -> Notice {
        Notice {
            group: Some(group),
            ..self
        }
    }
}

/// Tells which notices an event gives: one for a member at most, in the order of their numbers.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each kind of event; it only dispatches"
)]
pub fn notices(event: &Event, told: &mut impl FnMut(Notice)) {
    match event {
        Event::GroupFilled { group, seats, .. } => filled_notices(*group, seats, told),
        Event::GroupSettled(settled) => settled_notices(settled, told),
        Event::GroupClosed {
            group,
            why,
            refund_each,
            refunds,
            ..
        } => closed_notices((*group, *why), *refund_each, refunds, told),
        Event::PaymentBounced {
            payment,
            member: Some(member),
            amount,
            reason,
            ..
        } => {
            let notice = Notice::refunded(*member, *amount, NoticeWhy::Bounced(*reason));
            told(Notice {
                group: payment.map(|payment| payment.group),
                ..notice
            });
        }
        Event::SeatLeft {
            payment,
            member,
            amount,
            ..
        } => told(Notice::refunded(*member, *amount, NoticeWhy::Left).in_group(payment.group)),
        Event::OrderReturned {
            payment,
            member,
            amount,
            ..
        } => told(Notice::refunded(*member, *amount, NoticeWhy::Returned).in_group(payment.group)),
        Event::OrderShipped { order, .. } => {
            let to = NoticeTo::Buyer(*order);
            told(Notice::new(to, NoticeKind::Shipped).numbered(order.0));
        }
        Event::RewardsVested { group, amounts } => vested_notices(*group, amounts, told),
        Event::DividendsPaid { shares, .. } => {
            for share in shares {
                told(Notice::money(
                    share.member,
                    NoticeKind::Dividend,
                    share.amount,
                ));
            }
        }
        Event::CoinsExpired { lost, .. } => {
            for lost in lost {
                told(Notice {
                    coins: lost.coins,
                    ..Notice::of(lost.member, NoticeKind::CoinsExpired)
                });
            }
        }
        Event::WithdrawalApproved { withdrawal } => {
            let to = NoticeTo::Asker(*withdrawal);
            told(Notice::new(to, NoticeKind::WithdrawalSent).numbered(withdrawal.0));
        }
        Event::WithdrawalWaiting { withdrawal } => {
            let to = NoticeTo::Asker(*withdrawal);
            told(Notice::new(to, NoticeKind::WithdrawalWaiting).numbered(withdrawal.0));
        }
        Event::WithdrawalPaid {
            withdrawal,
            member,
            amount,
            ..
        } => {
            let paid = Notice::money(*member, NoticeKind::WithdrawalPaid, *amount);
            told(paid.numbered(withdrawal.0));
        }
        Event::WithdrawalRejected {
            withdrawal,
            member,
            amount,
        } => {
            let rejected = Notice::money(*member, NoticeKind::WithdrawalRejected, *amount);
            told(rejected.numbered(withdrawal.0));
        }
        Event::WithdrawalFailed {
            withdrawal,
            member,
            amount,
            why,
            ..
        } => {
            let kind = match why {
                PayoutFailure::Failed => NoticeKind::WithdrawalFailed,
                PayoutFailure::Expired => NoticeKind::WithdrawalExpired,
            };
            told(Notice::money(*member, kind, *amount).numbered(withdrawal.0));
        }
        Event::MemberFrozen { member } => told(Notice::of(*member, NoticeKind::Frozen)),
        Event::MemberUnfrozen { member } => told(Notice::of(*member, NoticeKind::Unfrozen)),
        Event::ClawedBack {
            member,
            amount,
            group,
            ..
        } => told(Notice {
            group: *group,
            ..Notice::money(*member, NoticeKind::ClawedBack, *amount)
        }),
        Event::Shop(event) => shop_notices(event, told),
        Event::Recharge(event) => recharge_notices(event, told),
        Event::Alliance(event) => alliance_notices(event, told),
        Event::Ballot(event) => ballot_notices(event, told),
        // What the member does himself and has an answer to, what concerns staff, and steps on the way to what is told.
        Event::MemberRegistered { .. }
        | Event::InviterBound { .. }
        | Event::CampaignPublished { .. }
        | Event::CapitalDeposited { .. }
        | Event::TaxPaid { .. }
        | Event::RoundFoundLate { .. }
        | Event::AccountDeleted { .. }
        | Event::SuppliersPaid { .. }
        | Event::Identity(_)
        | Event::Delivery(_)
        | Event::GroupOpened { .. }
        | Event::SeatReserved { .. }
        | Event::SeatLapsed { .. }
        | Event::PaymentAccepted { .. }
        | Event::PaymentBounced { member: None, .. }
        | Event::RefundPaid { .. }
        | Event::OrderReceived { .. }
        | Event::OrderKept { .. }
        | Event::OrderReturning { .. }
        | Event::PlanPublished { .. }
        | Event::RanksCounted { .. }
        | Event::RankSet { .. }
        | Event::RegionDeclared { .. }
        | Event::AgentAppointed { .. }
        | Event::AgentDismissed { .. }
        | Event::DividendClosed { .. }
        | Event::LimitsSet { .. }
        | Event::SelfExcluded { .. }
        | Event::PausesBegun { .. }
        | Event::ProfileAdopted { .. }
        | Event::WithdrawalRequested { .. }
        | Event::Circle(_)
        | Event::Table(_) => {}
    }
}

fn filled_notices(group: GroupId, seats: &[FilledSeat], told: &mut impl FnMut(Notice)) {
    let mut members: Vec<MemberId> = seats.iter().map(|seat| seat.member).collect();
    members.sort_unstable();
    members.dedup();
    for member in members {
        told(Notice::of(member, NoticeKind::Filled).in_group(group));
    }
}

/// What became of a member's seats in one group.
#[derive(Default)]
struct Seats {
    won: u32,
    lost: u32,
    /// Some of his seats have the consolation of those who have not won, be it nothing.
    consoled: bool,
    refund: Money,
    extra: Money,
    tax: Money,
    coins: Coins,
}

impl Seats {
    /// What came, less the tax on it: the ledger has counted the same before, so nothing overflows here.
    fn console(&mut self, cash: Money, tax: Result<(Money, Money), Overflow>, coins: Coins) {
        let (tax, net) = tax.unwrap_or((Money::ZERO, cash));
        add(&mut self.extra, net);
        add(&mut self.tax, tax);
        add_coins(&mut self.coins, coins);
    }
}

fn settled_notices(settled: &GroupSettled, told: &mut impl FnMut(Notice)) {
    // Nothing is drawn where there is no signature.
    let is_drawn = settled.signature.iter().any(|&byte| byte != 0);
    let mut members: BTreeMap<MemberId, Seats> = BTreeMap::new();
    let (winners, losers) = settled.split();
    for (_, seat) in winners {
        let seats = members.entry(seat.member).or_default();
        seats.won = seats.won.saturating_add(1);
    }
    for (number, seat) in losers {
        let seats = members.entry(seat.member).or_default();
        seats.lost = seats.lost.saturating_add(1);
        if settled.refunds_others() {
            add(&mut seats.refund, settled.price);
        }
        if settled.is_consoled(number) {
            let cash = settled.consolation_cash;
            seats.consoled = true;
            let tax = settled.tax.withheld_of(cash);
            seats.console(cash, tax, settled.consolation_coins);
        }
    }
    let consolations = settled.rewards.iter();
    for paid in consolations.filter(|paid| paid.program == ProgramKind::Consolation) {
        let seats = members.entry(paid.member).or_default();
        seats.console(paid.cash, settled.tax_at_once(paid), paid.coins);
    }
    for (member, seats) in members {
        // Whoever did not use his right in a ballot was told when it was over.
        if settled.ballot.is_some() && seats.won == 0 && !seats.consoled {
            continue;
        }
        let kind = match (is_drawn, seats.won) {
            (false, 0) if settled.ballot.is_some() => NoticeKind::NotWon,
            (false, _) => NoticeKind::Bought,
            (true, 0) if settled.everyone_buys => NoticeKind::Bought,
            (true, 0) => NoticeKind::NotWon,
            (true, _) => NoticeKind::Won,
        };
        told(Notice {
            group: Some(settled.group),
            amount: seats.refund,
            extra: seats.extra,
            tax: seats.tax,
            coins: seats.coins,
            won: seats.won,
            lost: seats.lost,
            ..Notice::of(member, kind)
        });
    }
}

/// Who may buy is told once, whatever number of his seats may.
fn ballot_notices(event: &BallotEvent, told: &mut impl FnMut(Notice)) {
    let (group, lapsed, given) = match event {
        BallotEvent::Drawn(drawn) => (drawn.group, &[][..], &drawn.given[..]),
        BallotEvent::RightsPassed {
            group,
            lapsed,
            given,
            ..
        } => (*group, &lapsed[..], &given[..]),
        BallotEvent::Registered { .. } | BallotEvent::RegistrationLeft { .. } => return,
    };
    let mut members: BTreeMap<MemberId, NoticeKind> = BTreeMap::new();
    for right in lapsed {
        members.insert(right.member, NoticeKind::RightUnused);
    }
    for right in given {
        members.insert(right.member, NoticeKind::MayBuy);
    }
    for (member, kind) in members {
        told(Notice::of(member, kind).in_group(group));
    }
}

fn closed_notices(
    (group, why): (GroupId, Closing),
    each: Money,
    refunds: &[SeatRef],
    told: &mut impl FnMut(Notice),
) {
    let mut members: BTreeMap<MemberId, Money> = BTreeMap::new();
    for seat in refunds {
        add(members.entry(seat.member).or_insert(Money::ZERO), each);
    }
    for (member, amount) in members {
        told(Notice::refunded(member, amount, NoticeWhy::Closed(why)).in_group(group));
    }
}

/// What is told is what is the member's now: the rest, without the tax that is withheld as it vests.
fn vested_notices(group: GroupId, amounts: &[Vested], told: &mut impl FnMut(Notice)) {
    let mut members: BTreeMap<MemberId, (Money, Money, Coins)> = BTreeMap::new();
    for vested in amounts {
        let sums = members.entry(vested.member).or_default();
        let tax = vested.tax();
        add(&mut sums.0, Money(vested.amount.0.saturating_sub(tax.0)));
        add(&mut sums.1, tax);
        add_coins(&mut sums.2, vested.coins);
    }
    for (member, (amount, tax, coins)) in members {
        told(Notice {
            group: Some(group),
            amount,
            tax,
            coins,
            ..Notice::of(member, NoticeKind::Vested)
        });
    }
}

fn shop_notices(event: &ShopEvent, told: &mut impl FnMut(Notice)) {
    match event {
        ShopEvent::PurchaseShipped { purchase, .. } => {
            let to = NoticeTo::Purchaser(*purchase);
            told(Notice::new(to, NoticeKind::PurchaseShipped).numbered(purchase.0));
        }
        ShopEvent::PurchaseReturned {
            purchase,
            member,
            amount,
            coins,
            ..
        } => told(Notice {
            coins: *coins,
            ..Notice::money(*member, NoticeKind::PurchaseReturned, *amount).numbered(purchase.0)
        }),
        ShopEvent::PurchaseRedeemed { purchase, .. } => {
            let to = NoticeTo::Purchaser(*purchase);
            told(Notice::new(to, NoticeKind::PurchaseFetched).numbered(purchase.0));
        }
        ShopEvent::OrderRedeemed { order, .. } => {
            let to = NoticeTo::Buyer(*order);
            told(Notice::new(to, NoticeKind::OrderFetched).numbered(order.0));
        }
        ShopEvent::SkuListed { .. }
        | ShopEvent::SkuChanged { .. }
        | ShopEvent::SkuClosed { .. }
        | ShopEvent::SkuReopened { .. }
        | ShopEvent::StockAdjusted { .. }
        | ShopEvent::ReturnsStocked { .. }
        | ShopEvent::PurchaseReserved { .. }
        | ShopEvent::PurchaseLapsed { .. }
        | ShopEvent::PurchasePaid { .. }
        | ShopEvent::PurchaseReceived { .. }
        | ShopEvent::PurchaseKept { .. }
        | ShopEvent::PurchaseReturning { .. } => {}
    }
}

fn recharge_notices(event: &RechargeEvent, told: &mut impl FnMut(Notice)) {
    match event {
        RechargeEvent::GiftGiven {
            recharge,
            member,
            coins,
        } => told(Notice {
            coins: *coins,
            ..Notice::of(*member, NoticeKind::CoinsGiven).numbered(recharge.0)
        }),
        RechargeEvent::Refunded {
            recharge,
            member,
            amount,
            coins,
            ..
        } => told(Notice {
            coins: *coins,
            ..Notice::money(*member, NoticeKind::RechargeRefunded, *amount).numbered(recharge.0)
        }),
        RechargeEvent::Recharged { .. }
        | RechargeEvent::BoughtUsed { .. }
        | RechargeEvent::BoughtBack { .. }
        | RechargeEvent::CounterUsed { .. }
        | RechargeEvent::CounterBack { .. } => {}
        RechargeEvent::UnitGiven { purchase, of, .. } => {
            told(Notice::of(of.member, NoticeKind::UnitGiven).numbered(purchase.0));
        }
        RechargeEvent::VipGiven {
            recharge, member, ..
        } => told(Notice::of(*member, NoticeKind::VipGiven).numbered(recharge.0)),
    }
}

fn alliance_notices(event: &AllianceEvent, told: &mut impl FnMut(Notice)) {
    match event {
        AllianceEvent::CounterPaid(paid) => told(counter_notice(paid)),
        AllianceEvent::CounterReversed(back) => told(Notice {
            coins: back.coins,
            ..Notice::of(back.member, NoticeKind::CounterReversed).numbered(back.counter.0)
        }),
        AllianceEvent::MerchantAdmitted { .. }
        | AllianceEvent::ContractSigned { .. }
        | AllianceEvent::MerchantSuspended { .. }
        | AllianceEvent::MerchantReinstated { .. }
        | AllianceEvent::StoreOpened { .. }
        | AllianceEvent::CampaignTied { .. }
        | AllianceEvent::GroupSold(_)
        | AllianceEvent::SaleReversed(_)
        | AllianceEvent::StatementDrafted(_)
        | AllianceEvent::PeriodClosed { .. }
        | AllianceEvent::StatementConfirmed { .. }
        | AllianceEvent::StatementPaid(_)
        | AllianceEvent::HomeBound { .. }
        | AllianceEvent::HomeEnded { .. }
        | AllianceEvent::OriginShared(_)
        | AllianceEvent::OriginReversed(_)
        | AllianceEvent::OriginVested(_)
        | AllianceEvent::StatementWithdrawn(_)
        | AllianceEvent::CounterSharesVested(_)
        | AllianceEvent::MerchantPaid(_)
        | AllianceEvent::PurchaseShared(_)
        | AllianceEvent::CounterAwaited(_)
        | AllianceEvent::CounterLapsed { .. }
        | AllianceEvent::CashTaken(_)
        | AllianceEvent::CashBack(_)
        | AllianceEvent::SaleVested { .. } => {}
    }
}

/// The bill, and what coins paid of it.
fn counter_notice(paid: &CounterPaid) -> Notice {
    Notice {
        coins: paid.coins,
        ..Notice::money(paid.member, NoticeKind::CounterPaid, paid.bill).numbered(paid.counter.0)
    }
}

/// The ledger's lines of the same event have been added up before, so nothing overflows here.
fn add(sum: &mut Money, amount: Money) {
    *sum = Money(sum.0.saturating_add(amount.0));
}

fn add_coins(sum: &mut Coins, coins: Coins) {
    *sum = Coins(sum.0.saturating_add(coins.0));
}
