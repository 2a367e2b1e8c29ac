//! What has happened. Events are past tense, carry decided facts with their amounts, and are all that a
//! replay needs: it never depends on today's rules.
//!
//! These are stored for ever. Numbers (`n`) are never reused; a change of meaning is a new variant.

mod ended;
mod settled;

use minicbor::{Decode, Encode};

pub use ended::{Bounce, Closing};
pub use settled::{
    Agent, Agents, BallotOver, FilledSeat, GroupSettled, ProgramKind, RewardPaid, SeatRef, Upline,
    Vested, Withheld,
};

use crate::{
    AllianceEvent, BallotEvent, Campaign, CampaignId, CircleEvent, CoinsLost, DeliveryEvent,
    DividendShare, GroupId, IdentityEvent, LooserLimits, MemberId, MemberLimits, Millis, Money,
    OrderId, Paused, PaymentId, PayoutFailure, PlanTerms, PoolReturn, Profile, RechargeEvent,
    RefundId, Region, Risen, ShopEvent, TableEvent, TotalWeight, Txn, WithdrawalId,
};

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Event {
    /// A directory row became a member.
    #[n(0)]
    MemberRegistered {
        /// His number.
        #[n(0)]
        member: MemberId,
        /// The row's token.
        #[cbor(n(1), with = "minicbor::bytes")]
        token: [u8; 16],
        /// Bound for ever where given (rules 3.1).
        #[n(2)]
        inviter: Option<MemberId>,
    },
    /// A member's first join through a share link bound his inviter (rules 3.1).
    #[n(1)]
    InviterBound {
        /// Whose.
        #[n(0)]
        member: MemberId,
        /// To whom.
        #[n(1)]
        inviter: MemberId,
    },
    /// A campaign is open for groups.
    #[n(2)]
    CampaignPublished {
        /// Its number.
        #[n(0)]
        campaign: CampaignId,
        /// Its terms.
        #[n(1)]
        terms: Box<Campaign>,
    },
    /// Capital was put into the channel's account.
    #[n(3)]
    CapitalDeposited {
        /// How much.
        #[n(0)]
        amount: Money,
    },
    /// A group is open; its leader's seat is reserved by the next event.
    #[n(4)]
    GroupOpened {
        /// Its number.
        #[n(0)]
        group: GroupId,
        /// Of which offer.
        #[n(1)]
        campaign: CampaignId,
        /// Who opened it.
        #[n(2)]
        leader: MemberId,
        /// When it expires if it is not full.
        #[n(3)]
        expires_at: Millis,
    },
    /// A place is held for a member until `pay_by`. The same payment again means a lapsed place was taken anew.
    #[n(5)]
    SeatReserved {
        /// The place.
        #[n(0)]
        payment: PaymentId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// Whose share link was used.
        #[n(2)]
        via: Option<MemberId>,
        /// From this moment on it is too late.
        #[n(3)]
        pay_by: Millis,
    },
    /// A reservation was not paid in time, or was given up; its place is free again.
    #[n(6)]
    SeatLapsed {
        /// The place.
        #[n(0)]
        payment: PaymentId,
    },
    /// The place is paid; the money is in the group's escrow.
    #[n(7)]
    PaymentAccepted {
        /// The place.
        #[n(0)]
        payment: PaymentId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// The provider's name of it.
        #[n(2)]
        txn: Txn,
        /// What was paid: the price.
        #[n(3)]
        amount: Money,
        /// What the channel took of it.
        #[n(4)]
        fee: Money,
        /// The member's tag in this group (draw 3).
        #[cbor(n(5), with = "minicbor::bytes")]
        tag: [u8; 32],
    },
    /// Money came that cannot hold a place; it goes back in full.
    #[n(8)]
    PaymentBounced {
        /// The reservation it names, where there was one.
        #[n(0)]
        payment: Option<PaymentId>,
        /// Who paid, where known.
        #[n(1)]
        member: Option<MemberId>,
        /// The provider's name of it.
        #[n(2)]
        txn: Txn,
        /// What was paid.
        #[n(3)]
        amount: Money,
        /// What the channel took of it.
        #[n(4)]
        fee: Money,
        /// Whether the channel keeps that fee.
        #[n(5)]
        fee_kept: bool,
        /// The refund.
        #[n(6)]
        refund: RefundId,
        /// Why, for the member.
        #[n(7)]
        reason: Bounce,
    },
    /// A paid member left before the group was full.
    #[n(9)]
    SeatLeft {
        /// The place.
        #[n(0)]
        payment: PaymentId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// What goes back.
        #[n(2)]
        amount: Money,
        /// The refund.
        #[n(3)]
        refund: RefundId,
    },
    /// The last place is paid: the seat list is sealed and the draw's round is fixed (draw 4).
    #[n(10)]
    GroupFilled {
        /// The group.
        #[n(0)]
        group: GroupId,
        /// Its seats in order; the leader is 0.
        #[n(1)]
        seats: Vec<FilledSeat>,
        /// Unix seconds of the freeze.
        #[n(2)]
        frozen_at: u64,
        /// The beacon round that decides.
        #[n(3)]
        round: u64,
        /// Hash of the freeze file.
        #[cbor(n(4), with = "minicbor::bytes")]
        freeze: [u8; 32],
    },
    /// The group ended without a draw; every paid seat is refunded in full, no reward of any kind.
    #[n(11)]
    GroupClosed {
        /// The group.
        #[n(0)]
        group: GroupId,
        /// Why.
        #[n(1)]
        why: Closing,
        /// What each seat gets back.
        #[n(2)]
        refund_each: Money,
        /// Refund number of the first entry; the others follow.
        #[n(3)]
        first_refund: RefundId,
        /// Who gets money back.
        #[n(4)]
        refunds: Vec<SeatRef>,
    },
    /// The draw is made and every amount of it decided (rules 6).
    #[n(12)]
    GroupSettled(#[n(0)] Box<GroupSettled>),
    /// The channel has sent the money back.
    #[n(13)]
    RefundPaid {
        /// Which.
        #[n(0)]
        refund: RefundId,
        /// How much.
        #[n(1)]
        amount: Money,
        /// The part of its fee that the channel gave back.
        #[n(2)]
        fee_back: Money,
    },
    /// The product is on its way.
    #[n(14)]
    OrderShipped {
        /// Which.
        #[n(0)]
        order: OrderId,
        /// When it counts as received by itself.
        #[n(1)]
        received_by: Millis,
    },
    /// The winner has the product, or the time for saying otherwise has passed.
    #[n(15)]
    OrderReceived {
        /// Which.
        #[n(0)]
        order: OrderId,
        /// When the return window closes.
        #[n(1)]
        kept_at: Millis,
    },
    /// The return window has closed.
    #[n(16)]
    OrderKept {
        /// Which.
        #[n(0)]
        order: OrderId,
    },
    /// The return windows of all the group's winners have closed: its vesting rewards are available (rules 9.1).
    #[n(17)]
    RewardsVested {
        /// The group.
        #[n(0)]
        group: GroupId,
        /// What each member's rewards of this group add up to.
        #[n(1)]
        amounts: Vec<Vested>,
    },
    /// The buyer sends the product back within the return window (rules 9.4).
    #[n(18)]
    OrderReturning {
        /// Which.
        #[n(0)]
        order: OrderId,
        /// When it counts as back by itself.
        #[n(1)]
        back_by: Millis,
    },
    /// The product is back: the price goes back, and so do the rewards that came from this seat; with the last buyer of a
    /// group of whom none has kept his, all that have not vested (rules 9.1). What it cost stays owed to the supplier.
    #[n(19)]
    OrderReturned {
        /// Which.
        #[n(0)]
        order: OrderId,
        /// The reservation it grew from.
        #[n(1)]
        payment: PaymentId,
        /// Whose.
        #[n(2)]
        member: MemberId,
        /// The refund.
        #[n(3)]
        refund: RefundId,
        /// What goes back: what was paid.
        #[n(4)]
        amount: Money,
        /// What each member's reversed rewards add up to.
        #[n(5)]
        reversed: Vec<Vested>,
        /// These are all of the group's rewards that waited, not only those of this seat.
        #[cbor(n(6), skip_if = "settled::is_false")]
        all: bool,
        /// What it does to the plan's dividend pool.
        #[n(7)]
        pool: Option<PoolReturn>,
    },
    /// A plan can be named by campaigns (rules 3.7).
    #[n(20)]
    PlanPublished {
        /// Its version.
        #[n(0)]
        plan: u32,
        /// Its terms.
        #[n(1)]
        terms: Box<PlanTerms>,
    },
    /// All members' ranks were counted (rules 3.3).
    #[n(21)]
    RanksCounted {
        /// Who reached a higher one, by plan and member.
        #[n(0)]
        risen: Vec<Risen>,
        /// Whether there are more, who follow at once.
        #[n(1)]
        more: bool,
    },
    /// An operator set a member's rank.
    #[n(22)]
    RankSet {
        /// Whose.
        #[n(0)]
        member: MemberId,
        /// By which plan.
        #[n(1)]
        plan: u32,
        /// It stands until the next such decision; none: it is counted again.
        #[n(2)]
        rank: Option<u16>,
    },
    /// A member declared where he lives (rules 3.4).
    #[n(23)]
    RegionDeclared {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// Where.
        #[n(1)]
        region: Region,
    },
    /// A member is agent of a region (rules 3.4).
    #[n(24)]
    AgentAppointed {
        /// Of which.
        #[n(0)]
        region: Region,
        /// Who.
        #[n(1)]
        member: MemberId,
    },
    /// A region is without an agent again.
    #[n(25)]
    AgentDismissed {
        /// Which.
        #[n(0)]
        region: Region,
        /// Who was.
        #[n(1)]
        member: MemberId,
    },
    /// A member begins nothing and is not paid as an upline or agent until he is unfrozen (rules 7).
    #[n(26)]
    MemberFrozen {
        /// Who.
        #[n(0)]
        member: MemberId,
    },
    /// A frozen member is as others again.
    #[n(27)]
    MemberUnfrozen {
        /// Who.
        #[n(0)]
        member: MemberId,
    },
    /// A plan's pool is shared among the leaders, or carried over (rules 7). Who is paid what follows at once.
    #[n(28)]
    DividendClosed {
        /// Whose pool.
        #[n(0)]
        plan: u32,
        /// When the period began.
        #[n(1)]
        from: Millis,
        /// When it ended.
        #[n(2)]
        until: Millis,
        /// What was in it.
        #[n(3)]
        pool: Money,
        /// What all who share it weigh together.
        #[n(4)]
        weight: TotalWeight,
        /// How many they are; without any the pool is carried over.
        #[n(5)]
        members: u32,
    },
    /// Some of those who share a closed pool have their part, in the order of their numbers.
    #[n(29)]
    DividendsPaid {
        /// Whose pool.
        #[n(0)]
        plan: u32,
        /// When its period ended.
        #[n(1)]
        until: Millis,
        /// Who, and how much.
        #[n(2)]
        shares: Vec<DividendShare>,
        /// Whether there are more, who follow at once.
        #[n(3)]
        more: bool,
    },
    /// A member has changed what he allows himself (rules 9.7).
    #[n(30)]
    LimitsSet {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// What holds at once.
        #[n(1)]
        holds: MemberLimits,
        /// What he has loosened, which holds later.
        #[n(2)]
        later: Option<LooserLimits>,
    },
    /// A member begins nothing until then, whatever he asks for.
    #[n(31)]
    SelfExcluded {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// The end of time: for ever.
        #[n(1)]
        until: Millis,
    },
    /// Members who have lost so often in a row that they pause.
    #[n(32)]
    PausesBegun {
        /// Who, and how long.
        #[n(0)]
        paused: Vec<Paused>,
    },
    /// The installation has another profile (rules 11).
    #[n(70)]
    ProfileAdopted {
        /// Which, with all its limits where it is an own one.
        #[n(0)]
        profile: Profile,
    },
    /// A member asks for available money (rules 9.3); it has left that and waits for a decision.
    #[n(38)]
    WithdrawalRequested {
        /// Its number.
        #[n(0)]
        withdrawal: WithdrawalId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// Its identity, for ever (rules 2.4).
        #[cbor(n(2), with = "minicbor::bytes")]
        token: [u8; 16],
        /// What left his available money.
        #[n(3)]
        amount: Money,
        /// The part that the platform keeps when it is paid.
        #[n(4)]
        fee: Money,
        /// Whereto: an opaque name for a row of the directory.
        #[cbor(n(5), with = "minicbor::bytes")]
        account: [u8; 16],
    },
    /// The withdrawal may be paid: the channel is told from now on.
    #[n(39)]
    WithdrawalApproved {
        /// Which.
        #[n(0)]
        withdrawal: WithdrawalId,
    },
    /// The withdrawal is not paid: the money is available again.
    #[n(40)]
    WithdrawalRejected {
        /// Which.
        #[n(0)]
        withdrawal: WithdrawalId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// All that he had asked for.
        #[n(2)]
        amount: Money,
    },
    /// The channel waits for the member's confirmation.
    #[n(41)]
    WithdrawalWaiting {
        /// Which.
        #[n(0)]
        withdrawal: WithdrawalId,
    },
    /// The channel has paid the amount less the fee.
    #[n(42)]
    WithdrawalPaid {
        /// Which.
        #[n(0)]
        withdrawal: WithdrawalId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// What he had asked for.
        #[n(2)]
        amount: Money,
        /// What of it is the platform's.
        #[n(3)]
        fee: Money,
    },
    /// The channel has not paid and will not: all of it is available again, the fee, too.
    #[n(43)]
    WithdrawalFailed {
        /// Which.
        #[n(0)]
        withdrawal: WithdrawalId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// All that he had asked for.
        #[n(2)]
        amount: Money,
        /// Why.
        #[n(3)]
        why: PayoutFailure,
    },
    /// A reward that was available already is taken back (rules 9.6).
    #[n(44)]
    ClawedBack {
        /// Of whom.
        #[n(0)]
        member: MemberId,
        /// How much.
        #[n(1)]
        amount: Money,
        /// What of it he did not have: what he gets later covers it.
        #[n(2)]
        short: Money,
        /// The group it is about, if it is about one.
        #[n(3)]
        group: Option<GroupId>,
    },
    /// Something of merchants and their stores (rules 10).
    #[n(46)]
    Alliance(#[n(0)] AllianceEvent),
    /// Something of the shop: its stock and direct purchases (rules 10.6).
    #[n(50)]
    Shop(#[n(0)] ShopEvent),
    /// Something of bought coins (rules 10.1).
    #[n(51)]
    Recharge(#[n(0)] RechargeEvent),
    /// Something of a circle that takes turns (rules 4).
    #[n(47)]
    Circle(#[n(0)] CircleEvent),
    /// Something of a treat's tables (rules 4).
    #[n(49)]
    Table(#[n(0)] TableEvent),
    /// Tax that was withheld was handed over to the tax office.
    #[n(53)]
    TaxPaid {
        /// How much.
        #[n(0)]
        amount: Money,
    },
    /// Suppliers were paid what they were owed for products (rules 6).
    #[n(55)]
    SuppliersPaid {
        /// How much, all of them together.
        #[n(0)]
        amount: Money,
    },
    /// Something of a ballot (rules 4).
    #[n(48)]
    Ballot(#[n(0)] BallotEvent),
    /// Something of who is who (rules 11).
    #[n(33)]
    Identity(#[n(0)] IdentityEvent),
    /// Something of where a member has things sent (rules 3.4).
    #[n(52)]
    Delivery(#[n(0)] DeliveryEvent),
    /// The value of a void group's round was found after all; the void stands (rules 5).
    #[n(54)]
    RoundFoundLate {
        /// The group.
        #[n(0)]
        group: GroupId,
        /// The round.
        #[n(1)]
        round: u64,
        /// The beacon's signature of it.
        #[cbor(n(2), with = "minicbor::bytes")]
        signature: [u8; 48],
    },
    /// A member has deleted his account: his number counts as a frozen one, for good (rules 9.9).
    #[n(56)]
    AccountDeleted {
        /// Whose.
        #[n(0)]
        member: MemberId,
    },
    /// Coins were not used in time (rules 10.1).
    #[n(71)]
    CoinsExpired {
        /// Whose and how many.
        #[n(0)]
        lost: Vec<CoinsLost>,
        /// Whether more follow in the next event.
        #[n(1)]
        more: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command moves its events about, so what is large and rare stands in a box.
    #[test]
    fn an_event_stays_small() {
        assert!(size_of::<Event>() <= 112, "{}", size_of::<Event>());
    }
}
