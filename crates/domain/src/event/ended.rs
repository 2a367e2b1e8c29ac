//! Why money goes back at once, and why a group ended without a draw (rules 5).

use minicbor::{Decode, Encode};

/// Why money goes back at once (rules 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Bounce {
    /// Every place is taken or held.
    #[n(0)]
    GroupFull,
    /// The group has expired.
    #[n(1)]
    GroupExpired,
    /// The group was cancelled.
    #[n(2)]
    GroupCancelled,
    /// The group was void.
    #[n(3)]
    GroupVoid,
    /// The group is drawn and settled.
    #[n(4)]
    GroupSettled,
    /// This seat is already paid, or was refunded.
    #[n(5)]
    SecondPayment,
    /// The amount is not the price; flagged.
    #[n(6)]
    AmountDiffers,
    /// Nothing is known that this would pay; flagged.
    #[n(7)]
    NothingToPay,
    /// The member has the most seats he may have in this group.
    #[n(8)]
    SeatLimit,
    /// The leader has not paid yet.
    #[n(9)]
    LeaderNotPaid,
    /// The member is frozen.
    #[n(20)]
    MemberFrozen,
    /// Retired on 2026-11-23, when each of these limits got a word of its own: the member's limits, or everybody's here, stand
    /// against one more place.
    #[n(28)]
    MemberLimit,
    /// The purchase has lapsed or ended.
    #[n(50)]
    PurchaseOver,
    /// Coins that the purchase was to be paid with are gone.
    #[n(51)]
    CoinsGone,
    /// The group is a circle's, and no place in it is free for others.
    #[n(47)]
    NotInCircle,
    /// The right to buy in a ballot was not used in time.
    #[n(48)]
    RightLapsed,
    /// The member has excluded himself.
    #[n(55)]
    SelfExcluded,
    /// The member is known to be younger than the installation's profile allows.
    #[n(56)]
    TooYoung,
    /// The installation's profile asks who the member is, and nobody has seen it yet.
    #[n(57)]
    NotVerified,
    /// The member pauses after a run of losses.
    #[n(58)]
    LossPause,
    /// The member would have more money in groups than he or the installation allows.
    #[n(59)]
    MoneyLimit,
    /// The member has had all entries of the day that he, the installation or the campaign allows.
    #[n(60)]
    EntriesLimit,
    /// The installation's profile does not allow any more what it would pay.
    #[n(61)]
    ProfileForbids,
}

impl Bounce {
    /// Its name in SQL and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Bounce::GroupFull => "group_full",
            Bounce::GroupExpired => "group_expired",
            Bounce::GroupCancelled => "group_cancelled",
            Bounce::GroupVoid => "group_void",
            Bounce::GroupSettled => "group_settled",
            Bounce::SecondPayment => "second_payment",
            Bounce::AmountDiffers => "amount_differs",
            Bounce::NothingToPay => "nothing_to_pay",
            Bounce::SeatLimit => "seat_limit",
            Bounce::LeaderNotPaid => "leader_not_paid",
            Bounce::MemberFrozen => "member_frozen",
            Bounce::MemberLimit => "member_limit",
            Bounce::PurchaseOver => "purchase_over",
            Bounce::CoinsGone => "coins_gone",
            Bounce::NotInCircle => "not_in_circle",
            Bounce::RightLapsed => "right_lapsed",
            Bounce::SelfExcluded => "self_excluded",
            Bounce::TooYoung => "too_young",
            Bounce::NotVerified => "not_verified",
            Bounce::LossPause => "loss_pause",
            Bounce::MoneyLimit => "money_limit",
            Bounce::EntriesLimit => "entries_limit",
            Bounce::ProfileForbids => "profile_forbids",
        }
    }
}

/// Why a group ended without a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Closing {
    /// Not full by the deadline.
    #[n(0)]
    Expired,
    /// The leader did not pay, or left.
    #[n(1)]
    LeaderGone,
    /// An operator ended it.
    #[n(2)]
    Cancelled,
    /// No valid beacon value was known by the timeout.
    #[n(3)]
    Void,
}
