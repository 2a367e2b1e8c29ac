//! Members, their wallets and orders as the API shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At, DividendLine, GroupCard, RegionCard, Words};

/// Asks for a one-time code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeWanted {
    /// A mainland mobile number: 1, then 3 to 9, then nine digits.
    #[schema(example = "13800000001")]
    pub(crate) phone: String,
}

/// Signs in with the code that was sent, and signs up whoever is new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    pub(crate) phone: String,
    /// Six digits.
    pub(crate) code: String,
    /// Invite code of the member whose link was used; counts at sign-up only.
    pub(crate) invite: Option<String>,
}

/// Deletes the member's own account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeletionWanted {
    /// Six digits, sent to his phone as for signing in.
    pub(crate) code: String,
    /// How much money he leaves behind: available, vesting, and what is refundable of recharges, together. Not needed where he
    /// has neither money nor coins nor anything to fetch; where he has only these it is `0.00`.
    #[serde(default)]
    pub(crate) leave: Option<Amount>,
}

/// Who has signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn {
    pub(crate) member: MemberCard,
}

/// A member, as shown to himself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberCard {
    pub(crate) id: String,
    /// What his share links carry.
    pub(crate) invite_code: String,
    pub(crate) phone_masked: String,
    pub(crate) name: Option<String>,
    /// A member that keeps a demonstration alive.
    pub(crate) demo: bool,
    /// His inviter, masked.
    pub(crate) inviter: Option<String>,
    /// VIP level, by the newest plan, or a higher one that was given.
    pub(crate) vip: u32,
    /// A level that was given with a recharge, while it lasts.
    pub(crate) vip_given: Option<VipGiven>,
    /// Rank, by the newest plan.
    pub(crate) rank: u16,
    /// He begins nothing while this holds.
    pub(crate) frozen: bool,
    /// How old he is at least, in years, if staff have seen his document; null where nobody has.
    pub(crate) verified_age: Option<u32>,
    /// The region that counts for what agents get of him: that of his own delivery address, else the one he has declared.
    pub(crate) region: Option<RegionCard>,
    /// From when on it may be another.
    pub(crate) region_until: Option<At>,
    pub(crate) wallet: Wallet,
}

/// A VIP level that was given: it counts wherever the campaign's profile does not ask for kept sales.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VipGiven {
    /// At least this one.
    pub(crate) level: u32,
    pub(crate) until: At,
}

/// A member's money.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Wallet {
    /// Can be withdrawn.
    pub(crate) available: Amount,
    /// Rewards that wait for return windows.
    pub(crate) vesting: Amount,
    /// Paid for seats of groups that are not settled.
    pub(crate) in_groups: Amount,
    /// On its way back through the payment channel, which has not confirmed it yet: `GET /me/refunds` says what it is.
    /// Null while this cannot be said.
    pub(crate) refunds_due: Option<Amount>,
    pub(crate) coins: Amount,
    /// Coins that wait for return windows.
    pub(crate) vesting_coins: Amount,
    /// Coins that were bought with packages and are not used; they never expire.
    pub(crate) bought_coins: Amount,
}

/// Coins that expire together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CoinLotLine {
    pub(crate) expires_at: At,
    pub(crate) coins: Amount,
}

/// A member's coins by when they expire.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CoinsPage {
    pub(crate) coins: Amount,
    /// The oldest first: they are used in this order.
    pub(crate) lots: Vec<CoinLotLine>,
    /// Coins that were bought and are unused; they never expire, and are used after the others.
    pub(crate) bought: Amount,
    /// The most of a bill that coins can pay, in percent.
    pub(crate) offset: String,
}

/// What has become of all members' coins that expire together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VintageLine {
    /// The first month of Shanghai in which any of them were given, as `2026-11`.
    pub(crate) first: String,
    /// The last: another one only where profiles have let coins last differently long.
    pub(crate) last: String,
    pub(crate) expires_at: At,
    /// Given: consolation, bonuses, leaders' rewards as they became usable, gifts of packages.
    pub(crate) issued: Amount,
    /// Came back with refunded bills: of purchases with the ends they had, of counters as new ones.
    pub(crate) came_back: Amount,
    /// Paid a part of bills.
    pub(crate) used: Amount,
    /// Ended before anybody used them.
    pub(crate) expired: Amount,
    /// Gifts that went back with refunded recharges.
    pub(crate) taken_back: Amount,
    /// What members still have of them: `issued` and `came_back` less the three others.
    pub(crate) coins: Amount,
}

/// All members' coins by when they expire.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VintagesPage {
    /// What members have, without bought ones.
    pub(crate) coins: Amount,
    /// The oldest first, those of which nothing is left among them.
    pub(crate) lots: Vec<VintageLine>,
    /// Coins that were bought and are unused; they never expire.
    pub(crate) bought: Amount,
    /// The most of a bill that coins can pay, in percent.
    pub(crate) offset: String,
}

/// One of a member's seats with its group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MySeat {
    pub(crate) group: GroupCard,
    pub(crate) seat: SeatCard,
    /// `won`, `bought`, `lost`, `refund_due` or `refunded`; null while it is open.
    pub(crate) outcome: Option<&'static str>,
    /// Why its money goes back or went back.
    pub(crate) reason: Option<String>,
}

/// A member's money on its way back: seats that were left or lost or whose group ended, and payments that could hold
/// no seat. It is on its way until the payment channel has confirmed it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundsDue {
    /// What all of it adds up to, also where there are further pages.
    pub(crate) total: Amount,
    /// What has waited longest comes first.
    pub(crate) items: Vec<RefundDue>,
    /// Give this as `cursor` to go on; null at the end.
    pub(crate) next: Option<String>,
}

/// Money on its way back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundDue {
    pub(crate) id: String,
    pub(crate) amount: Amount,
    /// Why it goes back.
    pub(crate) reason: String,
    /// Since when it is due.
    pub(crate) since: At,
    /// The group that the payment named, if there is such a group.
    pub(crate) group: Option<String>,
    /// The name of that group's campaign.
    pub(crate) name: Option<Words>,
    /// The payment that goes back, where it was one for a reservation.
    pub(crate) payment: Option<String>,
}

/// A seat, as shown to its member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeatCard {
    /// The payment, and so the reservation.
    pub(crate) payment: String,
    /// `reserved`, `paid`, `lapsed`, `refund_due`, `refunded`, `won`, `bought` or `lost`
    pub(crate) state: &'static str,
    /// As `GET /payments/{id}` says: `waiting`, `paid`, `lapsed`, `refund_due`, or `refunded` once the payment channel
    /// has confirmed it
    pub(crate) payment_state: &'static str,
    /// The number in the draw, once the group is full.
    pub(crate) seat_no: Option<u32>,
    pub(crate) pay_by: At,
    pub(crate) paid_at: Option<At>,
}

/// One line of a wallet's history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WalletLine {
    pub(crate) id: String,
    pub(crate) at: At,
    /// `available`, `vesting`, `in_groups` or `coins`
    pub(crate) account: &'static str,
    /// Above zero: the member has more.
    pub(crate) amount: Amount,
    /// After this line.
    pub(crate) balance: Amount,
    pub(crate) why: Why,
}

/// Why a fen came or went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Why {
    /// `seat_paid`, `seat_won`, `seat_bought`, `seat_refunded`, `consolation`, `reward`, `vested`, `reversed`, `withdrawn`,
    /// `withdrawal_rejected`, `withdrawal_failed`, `clawed_back`,
    /// `coins_expired`, `coins_spent`, `coins_back`, `recharge_gift`, `counter_paid`, `counter_reversed` or `bounced`
    pub(crate) kind: String,
    pub(crate) group: Option<String>,
    pub(crate) campaign: Option<String>,
    pub(crate) program: Option<String>,
    /// Number of the seat that a reward comes from.
    pub(crate) source_seat: Option<u32>,
    /// Steps above that seat's member.
    pub(crate) generation: Option<u32>,
    pub(crate) base: Option<Amount>,
    /// In percent.
    pub(crate) rate: Option<String>,
    /// Position in the campaign's list of rewards.
    pub(crate) rule: Option<u32>,
    pub(crate) payment: Option<String>,
    pub(crate) refund: Option<String>,
    /// Of a dividend: the period, what the member weighed, what all weighed, and the pool.
    pub(crate) dividend: Option<DividendLine>,
}

/// What a buyer gets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderCard {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) campaign: String,
    pub(crate) product: Words,
    /// What comes with it: the prize that the seat was drawn for.
    pub(crate) prize: Option<Words>,
    pub(crate) price: Amount,
    /// `ship`, `pick-up`, `voucher` or `at-table`
    pub(crate) fulfilment: &'static str,
    /// `paid`, `shipped`, `received`, `kept`, `returning` or `returned`
    pub(crate) state: String,
    pub(crate) at: At,
    /// When it counts as received by itself.
    pub(crate) received_by: Option<At>,
    /// When the return window closes, or closed.
    pub(crate) kept_at: Option<At>,
    /// When it counts as back by itself, once it is sent back.
    pub(crate) back_by: Option<At>,
    /// When it was back.
    pub(crate) returned_at: Option<At>,
    /// Who carries it, once shipped.
    pub(crate) carrier: Option<String>,
    /// The carrier's number.
    pub(crate) tracking: Option<String>,
}
