//! What events of full and settled groups tell of seats and rewards (rules 6, 7 and 9.1).

use minicbor::{Decode, Encode};

use crate::{Coins, GroupId, MemberId, Money, OrderId, Pooled, Rate, RefundId, StoreId};

/// A seat of a full group with what its rewards depend on, read once (rules 3.6).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FilledSeat {
    /// The reservation it grew from.
    #[n(0)]
    pub index: u32,
    /// Whose.
    #[n(1)]
    pub member: MemberId,
    /// Whose share link it used.
    #[n(2)]
    pub via: Option<MemberId>,
    /// Inviter, his inviter and so on, as far up as the campaign's generations reach.
    #[n(3)]
    pub uplines: Vec<Upline>,
    /// Of all uplines, from the inviter up, those that the campaign's differential and same-level programs can pay or must
    /// count. Empty where the campaign has none.
    #[cbor(n(4), skip_if = "Vec::is_empty")]
    pub walk: Vec<Upline>,
    /// The agents of the buyer's region, where the campaign pays them.
    #[cbor(n(5), skip_if = "Agents::is_none")]
    pub agents: Agents,
    /// The member's home store, where the campaign has an origin share.
    #[n(6)]
    pub home_store: Option<StoreId>,
}

/// Who is agent of a buyer's county, city and province (rules 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Agents {
    /// Of the county.
    #[n(0)]
    pub county: Option<Agent>,
    /// Of the city.
    #[n(1)]
    pub city: Option<Agent>,
    /// Of the province.
    #[n(2)]
    pub province: Option<Agent>,
}

/// One agent as he stood when the group was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Agent {
    /// Who.
    #[n(0)]
    pub member: MemberId,
    /// A frozen member is not paid.
    #[cbor(n(1), skip_if = "is_false")]
    pub frozen: bool,
}

impl Agents {
    fn is_none(&self) -> bool {
        *self == Agents::default()
    }
}

pub(super) fn is_false(flag: &bool) -> bool {
    !*flag
}

fn is_rank_zero(rank: &u16) -> bool {
    *rank == 0
}

/// One upline of a seat as it stood when the group was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Upline {
    /// Who.
    #[n(0)]
    pub member: MemberId,
    /// His VIP level (rules 3.2).
    #[n(1)]
    pub vip: u32,
    /// His rank (rules 3.3).
    #[cbor(n(2), skip_if = "is_rank_zero")]
    pub rank: u16,
    /// A frozen member counts, and is not paid (rules 7).
    #[cbor(n(3), skip_if = "is_false")]
    pub frozen: bool,
}

/// A reservation and its member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SeatRef {
    /// The reservation.
    #[n(0)]
    pub index: u32,
    /// Whose.
    #[n(1)]
    pub member: MemberId,
}

/// One member's rewards of a group that became available, or are reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Vested {
    /// Who.
    #[n(0)]
    pub member: MemberId,
    /// How much cash.
    #[n(1)]
    pub amount: Money,
    /// How many coins.
    #[n(2)]
    pub coins: Coins,
    /// The tax that is withheld of the cash as it becomes available, if any.
    #[n(3)]
    pub withheld: Option<Withheld>,
}

/// Tax on rewards that came by chance (rules 9.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Withheld {
    /// The rewards it is withheld of.
    #[n(0)]
    pub of: Money,
    /// The tax on each, rounded down, added up.
    #[n(1)]
    pub tax: Money,
}

impl Vested {
    /// The tax that is withheld.
    pub fn tax(&self) -> Money {
        self.withheld.map_or(Money::ZERO, |withheld| withheld.tax)
    }
}

/// What a full group came to, and every amount that follows from it. Non-winners are the seats that are not among the winners.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GroupSettled {
    /// The group.
    #[n(0)]
    pub group: GroupId,
    /// The beacon's signature of the group's round.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 48],
    /// The draw's seed.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub seed: [u8; 32],
    /// Seat numbers that won, in the draw's order; a leader who always buys comes before those drawn. Where nothing is
    /// drawn, signature and seed are zeros and this is every seat.
    #[n(3)]
    pub winners: Vec<u32>,
    /// Every seat in seat order.
    #[n(4)]
    pub seats: Vec<SeatRef>,
    /// What every seat paid, and every non-winner gets back unless everyone buys.
    #[n(5)]
    pub price: Money,
    /// What the supplier is owed for each buyer.
    #[n(6)]
    pub cost: Money,
    /// Cash that every non-winner gets on top.
    #[n(7)]
    pub consolation_cash: Money,
    /// Coins that every non-winner gets on top.
    #[n(8)]
    pub consolation_coins: Coins,
    /// Refund number of the first refunded seat in seat order; the others follow.
    #[n(9)]
    pub first_refund: RefundId,
    /// Order number of the first buyer in seat order; the others follow.
    #[n(10)]
    pub first_order: OrderId,
    /// All other rewards, in the order they were paid.
    #[n(11)]
    pub rewards: Vec<RewardPaid>,
    /// Non-winners buy, too: nobody is refunded.
    #[cbor(n(12), skip_if = "is_false")]
    pub everyone_buys: bool,
    /// What the supplier is owed for each winner's prize on top.
    #[cbor(n(13), skip_if = "no_money")]
    pub prize: Money,
    /// What goes into the plan's dividend pool.
    #[n(14)]
    pub pooled: Option<Box<Pooled>>,
    /// The tax that is withheld of each reward in cash that came by chance, rounded down: of consolation at once, of a
    /// winner's bonus as it becomes available.
    #[cbor(n(15), skip_if = "no_rate", default)]
    pub tax: Rate,
    /// Of a ballot, whose draw is an event of its own: signature and seed are zeros, and the winners are those who have bought.
    #[n(16)]
    pub ballot: Option<Box<BallotOver>>,
}

fn no_rate(rate: &Rate) -> bool {
    rate.0 == 0
}

/// What else a settled ballot came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BallotOver {
    /// Seat numbers whose right to buy was not used, the lowest first: they get no consolation.
    #[n(0)]
    pub unused: Vec<u32>,
}

fn no_money(amount: &Money) -> bool {
    *amount == Money::ZERO
}

/// One payment of a reward, with what explains it (rules 7, last line).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RewardPaid {
    /// Who gets it.
    #[n(0)]
    pub member: MemberId,
    /// By which program.
    #[n(1)]
    pub program: ProgramKind,
    /// Whose seat it comes from, if from one.
    #[n(2)]
    pub source_seat: Option<u32>,
    /// How many steps above that seat's member, for generation rewards; 0 otherwise.
    #[n(3)]
    pub generation: u32,
    /// What the rate was applied to, or the fixed sum.
    #[n(4)]
    pub base: Money,
    /// The rate; none for a fixed sum.
    #[n(5)]
    pub rate: Option<Rate>,
    /// What was paid: `floor(base × rate)`, or less where a cap was met.
    #[n(6)]
    pub cash: Money,
    /// Coins that were paid.
    #[n(7)]
    pub coins: Coins,
    /// Position of the program in the campaign's list: with the published campaign, the rule's version.
    #[n(8)]
    pub rule: u32,
}

/// The names of the reward programs (rules 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ProgramKind {
    /// 参与奖: what a non-winner gets on top of the full refund.
    #[n(0)]
    Consolation,
    /// On top of the product.
    #[n(1)]
    WinnerBonus,
    /// To the leader once the group has filled.
    #[n(2)]
    Leader,
    /// 成团奖: per recruited seat.
    #[n(3)]
    Formation,
    /// 代数奖: to uplines 1..k generations above.
    #[n(4)]
    Generation,
    /// 团队级差奖: to uplines by the difference of rank rates.
    #[n(5)]
    Differential,
    /// 平级奖: to an upline of the same rank as the one just passed.
    #[n(6)]
    SameLevel,
    /// 区域奖: to the agents of the buyer's county, city and province.
    #[n(7)]
    Region,
    /// 团队长加权分红: into a period's pool, shared among ranked leaders.
    #[n(8)]
    Dividend,
    /// To the home store that first brought the buyer in.
    #[n(9)]
    OriginShare,
}

impl ProgramKind {
    /// Its name in campaign files and JSON.
    pub fn name(self) -> &'static str {
        match self {
            ProgramKind::Consolation => "consolation",
            ProgramKind::WinnerBonus => "winner-bonus",
            ProgramKind::Leader => "leader",
            ProgramKind::Formation => "formation",
            ProgramKind::Generation => "generation",
            ProgramKind::Differential => "differential",
            ProgramKind::SameLevel => "same-level",
            ProgramKind::Region => "region",
            ProgramKind::Dividend => "dividend",
            ProgramKind::OriginShare => "origin-share",
        }
    }
}
