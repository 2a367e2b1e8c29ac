//! What the queries answer with: plain facts in the domain's types. Amounts and times are as in the journal.

use domain::{
    Asset, Bounce, Campaign, CampaignId, Closing, Coins, Fulfilment, GroupId, GroupState, MemberId,
    Millis, Money, NoticeKind, OrderId, PaymentId, PlanTerms, ProgramKind, Rate, RefundId, Region,
    Text, Txn,
};
use draw::Hash;

use crate::names::{DrawStatus, OrderStatus, RefundReason, SeatStatus, WalletAccount, WhyKind};
use crate::page::List;

/// An answer and the sequence of the journal it stands at; both were read in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// Everything up to this record is in the answer, nothing after it.
    pub seq: u64,
    /// The answer.
    pub value: T,
}

/// A published offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignRow {
    /// Its number.
    pub id: CampaignId,
    /// Its terms.
    pub terms: Campaign,
    /// Hash of its published file.
    pub hash: Hash,
    /// When it was published.
    pub published_at: Millis,
    /// Groups that can be joined now.
    pub open_groups: u64,
}

/// A published plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// Its version.
    pub plan: u32,
    /// Its terms.
    pub terms: PlanTerms,
    /// When it was published.
    pub published_at: Millis,
}

/// The agent of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentRow {
    /// A province, city or county.
    pub region: Region,
    /// Who.
    pub member: MemberId,
    /// Since when.
    pub since: Millis,
}

/// A group with what its card shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// Its number.
    pub id: GroupId,
    /// Of which offer.
    pub campaign: CampaignId,
    /// The offer's name.
    pub name: Text,
    /// What a seat costs.
    pub price: Money,
    /// Seats of a full group.
    pub seats: u32,
    /// Seats that win.
    pub winners: u32,
    /// Who opened it.
    pub leader: MemberId,
    /// How it stands.
    pub state: GroupState,
    /// Seats paid; of a group that ended without a draw, those paid when it did.
    pub paid: u32,
    /// Places that are paid or reserved.
    pub held: u32,
    /// When it was opened.
    pub opened_at: Millis,
    /// When it expires if it is not full.
    pub expires_at: Millis,
    /// When its last seat was paid.
    pub filled_at: Option<Millis>,
    /// When it was settled, or ended without a draw.
    pub ended_at: Option<Millis>,
    /// Why it ended without a draw.
    pub closing: Option<Closing>,
}

/// One member's place in a group, from its reservation on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatRow {
    /// The place and the payment for it.
    pub payment: PaymentId,
    /// Whose.
    pub member: MemberId,
    /// Whose share link was used.
    pub via: Option<MemberId>,
    /// How it stands.
    pub state: SeatStatus,
    /// Its number in the draw, once the group is full.
    pub seat_no: Option<u32>,
    /// When it was last reserved.
    pub reserved_at: Millis,
    /// From when on its payment is too late.
    pub pay_by: Millis,
    /// When it was paid.
    pub paid_at: Option<Millis>,
    /// The provider's name of the payment that holds it.
    pub txn: Option<Txn>,
    /// The member's tag in the draw.
    pub tag: Option<[u8; 32]>,
    /// The refund of its price.
    pub refund: Option<RefundId>,
    /// Why its price goes back.
    pub refunded_for: Option<RefundReason>,
    /// What it won.
    pub order: Option<OrderId>,
    /// Where its money is, if that goes back or went back: its price, or what came too late for a lapsed place.
    pub back: Option<Back>,
}

/// The way back of a seat's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Back {
    /// The refund.
    pub refund: RefundId,
    /// Why.
    pub reason: RefundReason,
    /// When the channel had sent it; none while it is on its way.
    pub paid_at: Option<Millis>,
}

impl Back {
    fn status(&self) -> PaymentStatus {
        match self.paid_at {
            Some(_) => PaymentStatus::Refunded,
            None => PaymentStatus::RefundDue,
        }
    }
}

impl SeatRow {
    /// How its payment stands. This is told the same way wherever a seat or payment is shown: the money is `refunded`
    /// when the channel has confirmed it, and not before.
    pub fn payment_status(&self) -> PaymentStatus {
        let back = self.back.as_ref().map(Back::status);
        match self.state {
            SeatStatus::Reserved => PaymentStatus::Waiting,
            SeatStatus::Paid => PaymentStatus::Paid,
            // Unless the product was returned.
            SeatStatus::Won | SeatStatus::Bought => back.unwrap_or(PaymentStatus::Paid),
            SeatStatus::Lost if self.txn.is_none() => back.unwrap_or(PaymentStatus::Free),
            SeatStatus::Lost | SeatStatus::Refunded => back.unwrap_or(PaymentStatus::RefundDue),
            SeatStatus::Lapsed | SeatStatus::Unused => back.unwrap_or(PaymentStatus::Lapsed),
            SeatStatus::Registered => back.unwrap_or(PaymentStatus::Free),
            SeatStatus::MayBuy => PaymentStatus::Waiting,
        }
    }

    /// Why its money goes back or went back.
    pub fn back_for(&self) -> Option<RefundReason> {
        match self.state {
            SeatStatus::Reserved | SeatStatus::Paid | SeatStatus::MayBuy => None,
            SeatStatus::Won | SeatStatus::Bought | SeatStatus::Lost | SeatStatus::Refunded => {
                self.refunded_for
            }
            SeatStatus::Lapsed | SeatStatus::Registered | SeatStatus::Unused => {
                self.back.map(|back| back.reason)
            }
        }
    }

    /// Its state as people are told it: a seat that was given back is `refund_due` until it is `refunded`.
    pub fn told(&self) -> &'static str {
        match self.state {
            SeatStatus::Refunded => self.payment_status().name(),
            SeatStatus::Reserved
            | SeatStatus::Paid
            | SeatStatus::Won
            | SeatStatus::Bought
            | SeatStatus::Lost
            | SeatStatus::Registered
            | SeatStatus::MayBuy
            | SeatStatus::Unused
            | SeatStatus::Lapsed => self.state.name(),
        }
    }
}

/// A member's seat with its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberGroup {
    /// The group.
    pub group: GroupRow,
    /// The seat.
    pub seat: SeatRow,
}

/// A group with the seats that hold its places, and its draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDetail {
    /// The group.
    pub group: GroupRow,
    /// Seats reserved or paid, in the order of the draw or of reservation; of a group without a draw, those it
    /// refunded. Lapsed seats and members who left are not among them.
    pub seats: Vec<SeatRow>,
    /// Its draw.
    pub draw: DrawRow,
}

/// The draw of a group, without its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawRow {
    /// The group.
    pub group: GroupId,
    /// How it stands.
    pub state: DrawStatus,
    /// Hash of the open file.
    pub open: Hash,
    /// Hash of the seats file.
    pub seats: Option<Hash>,
    /// Hash of the freeze file.
    pub freeze: Option<Hash>,
    /// Hash of the result file.
    pub result: Option<Hash>,
    /// Hash of the void file.
    pub void: Option<Hash>,
    /// Unix seconds of the freeze.
    pub frozen_at: Option<u64>,
    /// The round that decides.
    pub round: Option<u64>,
    /// Unix seconds of that round.
    pub round_time: Option<u64>,
    /// Its signature; of a void draw that which was found afterwards.
    pub signature: Option<[u8; 48]>,
    /// The seed of the scores.
    pub seed: Option<Hash>,
    /// Seat numbers that won, in the draw's order.
    pub winners: Option<Vec<u32>>,
    /// When the signature of a void draw's round was found.
    pub late_at: Option<Millis>,
}

/// A line of a member's wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletLine {
    /// The record it comes from.
    pub seq: u64,
    /// Which line of that record.
    pub line_no: u32,
    /// When.
    pub at: Millis,
    /// Which part of his money.
    pub account: WalletAccount,
    /// By how much it changed: fen, or 1/100 coin.
    pub amount: i64,
    /// What it was afterwards.
    pub balance: i64,
    /// Why.
    pub why: Why,
}

/// A dividend pool that has closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DividendClose {
    /// Whose pool.
    pub plan: u32,
    /// When the period began.
    pub from: Millis,
    /// When it ended.
    pub until: Millis,
    /// When it was closed.
    pub at: Millis,
    /// What was in it.
    pub pool: Money,
    /// What all who shared it weighed together; in fen where sales weigh.
    pub weight: String,
    /// How many they were; without any the pool was carried over.
    pub members: u64,
    /// The record it stands in.
    pub seq: u64,
}

/// What one member got of a dividend pool, with all that explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DividendPayment {
    /// The record it stands in.
    pub seq: u64,
    /// Who.
    pub member: MemberId,
    /// When he was paid.
    pub at: Millis,
    /// What he weighed.
    pub weight: u64,
    /// How much he got.
    pub amount: Money,
    /// Of what.
    pub close: DividendClose,
}

/// What explains a line of a wallet (rules 7, last line).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// What happened.
    pub kind: WhyKind,
    /// By which reward program.
    pub program: Option<ProgramKind>,
    /// In which group.
    pub group: Option<GroupId>,
    /// Of which offer.
    pub campaign: Option<CampaignId>,
    /// From whose seat it comes.
    pub source_seat: Option<u32>,
    /// How many steps above that seat's member; 0 if that does not matter.
    pub generation: Option<u32>,
    /// What the rate was applied to, the fixed sum, or the payment that bounced.
    pub base: Option<Money>,
    /// The rate.
    pub rate: Option<Rate>,
    /// Position of the program in the campaign's list.
    pub rule: Option<u32>,
    /// The seat.
    pub payment: Option<PaymentId>,
    /// The refund.
    pub refund: Option<RefundId>,
    /// The dividend.
    pub dividend: Option<Box<DividendPayment>>,
}

/// What a winner gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Its number.
    pub id: OrderId,
    /// The seat that won it.
    pub payment: PaymentId,
    /// That seat's number in the draw.
    pub seat_no: u32,
    /// Who won it.
    pub member: MemberId,
    /// Of which offer.
    pub campaign: CampaignId,
    /// What it is.
    pub product: Text,
    /// What goes with it: the prize of a bonus-draw, where the seat was drawn.
    pub prize: Option<Text>,
    /// What was paid for it.
    pub price: Money,
    /// How its buyer comes to it.
    pub fulfilment: Fulfilment,
    /// How it stands.
    pub state: OrderStatus,
    /// When it was won.
    pub at: Millis,
    /// When it was sent.
    pub shipped_at: Option<Millis>,
    /// When it counts as received by itself.
    pub received_by: Option<Millis>,
    /// When it was received.
    pub received_at: Option<Millis>,
    /// When its return window closes.
    pub return_until: Option<Millis>,
    /// When that window had closed.
    pub kept_at: Option<Millis>,
    /// When it counts as back by itself.
    pub back_by: Option<Millis>,
    /// When it was back.
    pub returned_at: Option<Millis>,
}

/// A payment of a seat as the member sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRow {
    /// Its number.
    pub payment: PaymentId,
    /// Who pays.
    pub member: MemberId,
    /// The price.
    pub amount: Money,
    /// How it stands.
    pub state: PaymentStatus,
    /// From when on it is too late.
    pub pay_by: Millis,
    /// Why the money went back.
    pub reason: Option<RefundReason>,
    /// The seat.
    pub seat: SeatRow,
    /// How the group stands.
    pub group: GroupState,
    /// All money that came for it, oldest first, at most 100.
    pub money: Vec<MoneyIn>,
}

/// How a payment of a seat stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// The seat is held and nothing has come.
    Waiting,
    /// The seat is paid.
    Paid,
    /// Nothing came in time.
    Lapsed,
    /// The money is on its way back.
    RefundDue,
    /// The money is back.
    Refunded,
    /// There is nothing to pay.
    Free,
}

impl PaymentStatus {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            PaymentStatus::Waiting => "waiting",
            PaymentStatus::Paid => "paid",
            PaymentStatus::Lapsed => "lapsed",
            PaymentStatus::RefundDue => "refund_due",
            PaymentStatus::Refunded => "refunded",
            PaymentStatus::Free => "free",
        }
    }
}

/// Money that came through the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyIn {
    /// The provider's name of it.
    pub txn: Txn,
    /// The record that took it.
    pub seq: u64,
    /// When.
    pub at: Millis,
    /// For which group, where one was named.
    pub group: Option<GroupId>,
    /// For which seat, where one was named.
    pub payment: Option<PaymentId>,
    /// From whom, where known.
    pub member: Option<MemberId>,
    /// How much.
    pub amount: Money,
    /// What the channel took of it.
    pub fee: Money,
    /// Why it could not hold a place; none if it did.
    pub bounced: Option<Bounce>,
    /// Its way back.
    pub refund: Option<RefundRow>,
}

/// Money on its way back, or back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRow {
    /// Its number.
    pub id: RefundId,
    /// The provider's name of the payment it returns.
    pub txn: Txn,
    /// How much.
    pub amount: Money,
    /// The seat, where there was one.
    pub payment: Option<PaymentId>,
    /// To whom, where known.
    pub member: Option<MemberId>,
    /// Why.
    pub reason: RefundReason,
    /// When it was decided.
    pub created_at: Millis,
    /// When the channel had sent it; none while it is on its way.
    pub paid_at: Option<Millis>,
    /// The part of its fee that the channel gave back.
    pub fee_back: Option<Money>,
}

/// A member's money on its way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRefunds {
    /// What all of it adds up to, also where the list has further pages.
    pub total: Money,
    /// What it is.
    pub refunds: List<MemberRefund>,
}

/// A member's refund with the group it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRefund {
    /// The refund.
    pub refund: RefundRow,
    /// The group that the payment named, if there is such a group.
    pub group: Option<GroupId>,
    /// The name of that group's offer.
    pub name: Option<Text>,
}

/// A kind of account in the trial balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialRow {
    /// The kind's name.
    pub account: String,
    /// What it counts.
    pub asset: Asset,
    /// The sum over all holders; debits above zero.
    pub amount: i64,
    /// The sum over those holders alone who stand above zero: of `available`, what members owe after clawbacks (rules 9.6).
    pub above: i64,
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The record it comes from.
    pub seq: u64,
    /// Which line of that record.
    pub line_no: u32,
    /// When.
    pub at: Millis,
    /// The account's kind.
    pub account: String,
    /// Whose account: a member's or group's number.
    pub holder: Option<u64>,
    /// What is counted.
    pub asset: Asset,
    /// How much; debits above zero.
    pub amount: i64,
    /// What happened.
    pub event: String,
}

/// A member with his money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// His number.
    pub id: MemberId,
    /// Who invited him.
    pub inviter: Option<MemberId>,
    /// When he registered.
    pub registered_at: Millis,
    /// Cash he may withdraw.
    pub available: Money,
    /// Rewards that wait.
    pub vesting: Money,
    /// What his seats in unfinished groups cost.
    pub in_groups: Money,
    /// What is on its way back to him.
    pub refunds_due: Money,
    /// Coins he can use.
    pub coins: Coins,
    /// Coins that wait.
    pub vesting_coins: Coins,
    /// His seats that were settled.
    pub settled_seats: u64,
    /// Those of them that won.
    pub won_seats: u64,
    /// Direct invitees with at least one settled seat (rules 3.2).
    pub active_invitees: u64,
}

/// A withdrawal (rules 9.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalRow {
    /// Its number.
    pub id: domain::WithdrawalId,
    /// Whose.
    pub member: MemberId,
    /// What he asked for.
    pub amount: Money,
    /// What of it is the platform's when it is paid.
    pub fee: Money,
    /// Whereto: the name of a row of the directory.
    pub account: [u8; 16],
    /// How it stands.
    pub state: crate::names::WithdrawalStatus,
    /// When it was asked for.
    pub requested_at: Millis,
    /// When it was approved.
    pub approved_at: Option<Millis>,
    /// When it was paid, or its money came back.
    pub ended_at: Option<Millis>,
}

impl WithdrawalRow {
    /// What the member gets.
    pub fn net(&self) -> Money {
        Money(self.amount.0.saturating_sub(self.fee.0))
    }
}

/// How many there are of what, for the console's first page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Members.
    pub members: u64,
    /// Campaigns.
    pub campaigns: u64,
    /// Groups that can be joined.
    pub open_groups: u64,
    /// Groups that wait for their draw.
    pub full_groups: u64,
    /// Orders to be sent.
    pub orders_to_ship: u64,
    /// Refunds on their way.
    pub refunds_due: u64,
    /// What they add up to.
    pub refunds_due_amount: Money,
}

/// What members of a campaign earned in its newest settled groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earned {
    /// How many groups were looked at.
    pub groups: u64,
    /// How many members paid a seat in them.
    pub members: u64,
    /// What the member in the middle earned in cash in this campaign.
    pub median: Money,
}

/// Something that a member is told (rules 9.8). The record, the event's place in it and the member name it for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// The record that tells it.
    pub seq: u64,
    /// The event's place in the record.
    pub event_no: u32,
    /// Whom.
    pub member: MemberId,
    /// When it happened.
    pub at: Millis,
    /// What has happened.
    pub kind: NoticeKind,
    /// The group it is about.
    pub group: Option<GroupId>,
    /// The order or withdrawal it is about.
    pub number: Option<u64>,
    /// Money: what goes back, became available or was asked for.
    pub amount: Money,
    /// The consolation in cash that comes on top of it.
    pub extra: Money,
    /// Tax that was withheld of what came: neither of the two has it in it.
    pub tax: Money,
    /// Coins that came or went.
    pub coins: Coins,
    /// Seats that were drawn, or that buy.
    pub won: u32,
    /// Seats that were not drawn.
    pub lost: u32,
    /// Why money goes back.
    pub why: Option<RefundReason>,
}
