//! What operators see and send.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At, Words};

/// Signs an operator in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OperatorSignIn {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// Who of the staff is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatorCard {
    pub(crate) name: String,
    /// What the account may do: `operator`, `finance`, `merchant` or `cashier`.
    pub(crate) role: String,
}

/// Records a deposit of capital, tax that was handed over, or what suppliers were paid.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Capital {
    /// More than zero.
    pub(crate) amount: Amount,
    /// Where it came from or how it was paid, for the other operators: 1 to 400 bytes.
    pub(crate) reason: String,
}

/// Says how a product travels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shipment {
    /// 1 to 40 characters.
    pub(crate) carrier: String,
    /// 1 to 40 characters.
    pub(crate) number: String,
    /// Why, for the list of decisions: at most 400 bytes.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// The books at one moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BooksPage {
    pub(crate) trial_balance: Vec<BalanceLine>,
    pub(crate) totals: Vec<BalanceTotal>,
    /// At the channel and banks, gross.
    pub(crate) held: Amount,
    pub(crate) owed: Vec<OwedLine>,
    /// What members owe after clawbacks, in no sum above or below: what others are owed is no less for it, and it may never come.
    pub(crate) owed_by_members: Amount,
    /// Held less owed: the platform's own money.
    pub(crate) own: Amount,
    pub(crate) coins_outstanding: Amount,
    /// Money on its way back through the channel.
    pub(crate) in_flight_refunds: Amount,
    /// Own money is below zero.
    pub(crate) alarm: bool,
    /// The channel's own books beside ours; null while it does not answer.
    pub(crate) channel: Option<ChannelLine>,
}

/// The payment channel's own books, beside ours.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelLine {
    /// The channel's own balance: what it has received for us less what it has sent back.
    pub(crate) held: Amount,
    /// What it should be by our books: `held` without capital and before fees, which the channel does not count.
    pub(crate) by_our_books: Amount,
    /// What the channel has more than our books say.
    pub(crate) difference: Amount,
    /// `equal`; `on_its_way`: refunds, payouts or notices are on their way, which may be why; `channel_has_more`: nothing is on its way,
    /// and the channel has money that we were not told of, such as a gateway's orders that it has not reported;
    /// `channel_has_less`: nothing is on its way, and money that we count on is not there.
    #[schema(example = "equal")]
    pub(crate) verdict: &'static str,
    /// Refunds that we have not been told the end of.
    pub(crate) refunds_due: Amount,
    /// Withdrawals that are approved and that we have not been told the end of, less their fees.
    pub(crate) payouts_due: Amount,
    /// Payouts that the channel has accepted and not ended.
    pub(crate) payouts_pending: Amount,
    /// Refunds that the channel has accepted and not ended.
    pub(crate) processing: Amount,
    /// Notices of payments that the channel has not delivered.
    pub(crate) notices_pending: i64,
}

/// One account's balance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalanceLine {
    pub(crate) account: String,
    /// `CNY` or `COIN`
    pub(crate) asset: &'static str,
    pub(crate) debit: Amount,
    pub(crate) credit: Amount,
}

/// All debits and credits of an asset; they are equal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalanceTotal {
    pub(crate) asset: &'static str,
    pub(crate) debit: Amount,
    pub(crate) credit: Amount,
}

/// What is owed to one kind of creditor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwedLine {
    pub(crate) kind: String,
    pub(crate) amount: Amount,
}

/// A payment that could hold no place and went back at once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BouncedLine {
    /// The channel's name of it.
    pub(crate) txn: String,
    pub(crate) at: At,
    pub(crate) amount: Amount,
    /// Why, such as `amount_differs`, `second_payment` or `group_full`.
    #[schema(example = "amount_differs")]
    pub(crate) reason: &'static str,
    /// From whom, where known.
    pub(crate) member: Option<String>,
    pub(crate) member_masked: Option<String>,
    /// For which group, where one was named.
    pub(crate) group: Option<String>,
    pub(crate) payment: Option<String>,
    /// Number of its way back.
    pub(crate) refund: Option<String>,
    /// When the channel had confirmed that; null while it is on its way.
    pub(crate) refunded_at: Option<At>,
}

/// One line of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerLine {
    pub(crate) id: String,
    pub(crate) seq: String,
    pub(crate) at: At,
    pub(crate) account: String,
    /// The member's or group's number, or null.
    pub(crate) holder: Option<String>,
    pub(crate) asset: &'static str,
    pub(crate) debit: Amount,
    pub(crate) credit: Amount,
    /// Kind of the event it follows from.
    pub(crate) event: String,
}

/// An order, as an operator sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsoleOrder {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) campaign: String,
    pub(crate) product: Words,
    /// What is sent with it: the prize that its seat was drawn for.
    pub(crate) prize: Option<Words>,
    pub(crate) member: String,
    pub(crate) member_masked: String,
    pub(crate) price: Amount,
    /// `ship`, `pick-up`, `voucher` or `at-table`
    pub(crate) fulfilment: &'static str,
    pub(crate) state: String,
    pub(crate) at: At,
    pub(crate) received_by: Option<At>,
    pub(crate) kept_at: Option<At>,
    /// When it counts as back by itself, once it is sent back.
    pub(crate) back_by: Option<At>,
    pub(crate) returned_at: Option<At>,
    pub(crate) carrier: Option<String>,
    pub(crate) tracking: Option<String>,
}

/// A member, as an operator sees him.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsoleMember {
    pub(crate) id: String,
    pub(crate) phone_masked: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) inviter: Option<String>,
    pub(crate) vip: u32,
    /// By the newest plan.
    pub(crate) rank: u16,
    pub(crate) frozen: bool,
    /// How old he is at least, in years, if somebody has seen his document.
    pub(crate) verified_age: Option<u32>,
    pub(crate) region: Option<super::RegionCard>,
    pub(crate) wallet: super::Wallet,
    pub(crate) demo: bool,
    pub(crate) registered_at: At,
}

/// What this installation is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Platform {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) demo: bool,
    /// Name of the log that draws belong to.
    pub(crate) log_origin: String,
    /// Where new draws take their randomness from: `drand-quicknet` or `local`.
    pub(crate) source: &'static str,
    pub(crate) profile_note: Words,
    pub(crate) languages: [&'static str; 2],
}

/// The demonstration's inbox: codes that would have been sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InboxItem {
    pub(crate) phone: String,
    pub(crate) code: String,
    pub(crate) at: At,
}

/// The demonstration's accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Demo {
    pub(crate) accounts: Vec<DemoAccount>,
    pub(crate) banner: Words,
}

/// A member of the demonstration to sign in as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DemoAccount {
    /// `member` or `operator`.
    pub role: String,
    /// Phone number or operator's name.
    pub name: String,
    /// What he is for, in a few words.
    pub note: String,
}
