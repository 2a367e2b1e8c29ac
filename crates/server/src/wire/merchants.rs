//! Merchants, their contracts, stores, staff and drafts.

use domain::{CashTaker, ChannelTerms, Contract, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, ApprovalLine, At, DeliveryBody, OrderCard};

/// Applies to become a merchant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationWanted {
    /// 1 to 64 characters.
    pub(crate) name: String,
    /// How to reach the merchant: 1 to 200 characters. Only operators see it.
    pub(crate) contact: String,
}

/// An application.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApplicationLine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) contact: String,
    /// `applied`, `admitted` or `declined`.
    pub(crate) state: String,
    pub(crate) merchant: Option<String>,
    pub(crate) at: At,
    pub(crate) reason: Option<String>,
}

/// What a merchant and the platform agree.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContractBody {
    /// Due when it is signed.
    #[serde(default)]
    pub(crate) entry_fee: Option<Amount>,
    /// Of each winner's payment in his campaigns, such as `10%`; without it he runs none.
    #[serde(default)]
    pub(crate) commission: Option<String>,
    /// Of each bill at his counters; `20%` where none is given, null for none.
    #[serde(default = "default_settlement")]
    pub(crate) settlement: Option<String>,
    /// Who takes the cash at his counters: `platform` or `store`.
    pub(crate) cash: String,
    /// How many days a member whom his stores brought first has one as his home store, at most 3650; 365 where none are
    /// given, null: his stores bind nobody.
    #[serde(default = "default_lock_days")]
    pub(crate) lock_days: Option<u32>,
    /// What his stores get of what the platform earns on such members at other counters, such as `10%`; without it nothing.
    #[serde(default)]
    pub(crate) origin_share: Option<String>,
    /// What the channel takes of each payment where the platform takes the cash, such as `0.6%`; without it nothing.
    #[serde(default)]
    pub(crate) channel_fee: Option<String>,
    /// Whether the channel keeps its fee when such a payment goes back.
    #[serde(default)]
    pub(crate) channel_keeps_fee: bool,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "serde asks for the field's own type"
)]
fn default_lock_days() -> Option<u32> {
    Some(365)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "serde asks for the field's own type"
)]
fn default_settlement() -> Option<String> {
    Some("20%".to_owned())
}

impl ContractBody {
    /// As the domain has it; none where a rate or word is wrong.
    pub(crate) fn terms(&self) -> Option<Contract> {
        let rate = |text: &Option<String>| match text {
            Some(text) => schema::parse_rate(text).map(Some),
            None => Some(None),
        };
        Some(Contract {
            entry_fee: Money(self.entry_fee.as_ref().map_or(0, |fee| fee.0)),
            commission: rate(&self.commission)?,
            settlement: rate(&self.settlement)?,
            cash: match self.cash.as_str() {
                "platform" => CashTaker::Platform,
                "store" => CashTaker::Store,
                _ => return None,
            },
            lock_days: self.lock_days,
            origin_share: rate(&self.origin_share)?,
            channel: rate(&self.channel_fee)?.map(|fee| ChannelTerms {
                fee,
                kept_on_refund: self.channel_keeps_fee,
            }),
        })
    }
}

impl From<&Contract> for ContractBody {
    fn from(contract: &Contract) -> ContractBody {
        let rate = |rate: domain::Rate| format!("{}%", domain::percent(rate));
        ContractBody {
            entry_fee: Some(contract.entry_fee.into()),
            commission: contract.commission.map(rate),
            settlement: contract.settlement.map(rate),
            cash: contract.cash.name().to_owned(),
            lock_days: contract.lock_days,
            origin_share: contract.origin_share.map(rate),
            channel_fee: contract.channel.map(|channel| rate(channel.fee)),
            channel_keeps_fee: contract
                .channel
                .is_some_and(|channel| channel.kept_on_refund),
        }
    }
}

/// Admits an applicant, or signs a new contract.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContractWanted {
    pub(crate) contract: ContractBody,
    /// 1 to 400 bytes.
    pub(crate) reason: String,
}

/// An admission as it is asked for: who is admitted is who was looked at.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdmissionAsked {
    pub(crate) contract: ContractBody,
    pub(crate) reason: String,
    /// Names the applicant in the journal, in hexadecimal digits.
    pub(crate) token: String,
    /// The applicant's name and contact as they stood then.
    pub(crate) name: String,
    pub(crate) contact: String,
}

/// Who was admitted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Admitted {
    pub(crate) merchant: String,
    pub(crate) seq: String,
}

/// A merchant in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MerchantSummary {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) suspended: bool,
    pub(crate) admitted_at: At,
}

/// One of a merchant's contracts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContractLine {
    /// From 1.
    pub(crate) version: u32,
    pub(crate) at: At,
    pub(crate) contract: ContractBody,
}

/// A store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreLine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) address: String,
}

/// Everything about one merchant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MerchantPage {
    #[serde(flatten)]
    pub(crate) card: MerchantSummary,
    /// Newest first; the first is in force.
    pub(crate) contracts: Vec<ContractLine>,
    pub(crate) stores: Vec<StoreLine>,
    /// His published campaigns, newest first.
    pub(crate) campaigns: Vec<String>,
    /// What is due to him and in no statement yet.
    pub(crate) payable: Amount,
    /// What statements say that he is to be paid.
    pub(crate) stated: Amount,
    /// His part of sales whose return windows are open.
    pub(crate) vesting: Amount,
    /// What he owes.
    pub(crate) owes: Amount,
}

/// Opens a store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreWanted {
    /// 1 to 64 characters.
    pub(crate) name: String,
    /// 1 to 200 characters.
    pub(crate) address: String,
}

/// What was opened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreOpened {
    pub(crate) store: String,
    pub(crate) seq: String,
}

/// An account of somebody who acts for a merchant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaffWanted {
    /// What he signs in with: 1 to 64 characters.
    pub(crate) name: String,
    /// At least 10 characters.
    pub(crate) password: String,
    /// With a store he is its cashier, without one he acts for the merchant.
    #[serde(default)]
    pub(crate) store: Option<String>,
    /// Why, for the list of decisions: at most 400 bytes.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// An account as it is asked for and kept until somebody approves: never its password.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaffAsked {
    pub(crate) name: String,
    pub(crate) store: Option<String>,
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) password_hash: String,
}

/// Another password as it is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordAsked {
    pub(crate) reason: String,
    /// Names the password that it had then; none is older than this field.
    #[serde(default)]
    pub(crate) before: Option<String>,
    #[serde(default)]
    pub(crate) password_hash: String,
}

/// What becomes of a write to an account.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum StaffAnswer {
    /// It was added.
    Added(StaffAdded),
    /// It was changed.
    Line(StaffLine),
    /// It waits for a second operator.
    Waits(Box<ApprovalLine>),
}

/// Who was added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StaffAdded {
    pub(crate) id: String,
    /// `merchant` or `cashier`.
    pub(crate) role: &'static str,
}

/// An account of a merchant's staff.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StaffLine {
    pub(crate) id: String,
    /// What it signs in with.
    pub(crate) name: String,
    /// `merchant`, `cashier`, or `removed`: it may nothing any more.
    pub(crate) role: String,
    /// Number of the store, for cashiers.
    pub(crate) store: Option<String>,
    pub(crate) added_at: At,
}

/// Another password for an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordWanted {
    /// At least 10 characters.
    pub(crate) password: String,
    /// Why, for the list of decisions: at most 400 bytes.
    pub(crate) reason: String,
}

/// What somebody bought of a merchant's campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MerchantOrder {
    #[serde(flatten)]
    pub(crate) order: OrderCard,
    pub(crate) member_masked: String,
}

/// The same, with where it is to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MerchantOrderPage {
    #[serde(flatten)]
    pub(crate) line: MerchantOrder,
    /// Null if nobody has said, and when the return window has closed.
    pub(crate) delivery: Option<DeliveryBody>,
}

/// A store, as everybody sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreCard {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) address: String,
    /// Number and name of the merchant.
    pub(crate) merchant: String,
    pub(crate) merchant_name: String,
}

/// A draft of a campaign in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DraftLine {
    pub(crate) id: String,
    pub(crate) merchant: String,
    /// `submitted`, `published` or `declined`.
    pub(crate) state: String,
    pub(crate) at: At,
    pub(crate) campaign: Option<String>,
    pub(crate) reason: Option<String>,
}

/// A draft with its campaign file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DraftPage {
    #[serde(flatten)]
    pub(crate) line: DraftLine,
    /// The campaign file, in the keys of campaign files.
    #[schema(value_type = Object)]
    pub(crate) file: serde_json::Value,
}

/// A line of one of a merchant's accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MerchantLineBody {
    pub(crate) seq: String,
    pub(crate) at: At,
    /// `merchant-vesting`, `merchant-payable`, `merchant-owes` or `merchant-stated`.
    pub(crate) account: &'static str,
    /// What it adds to what he has there, or owes there.
    pub(crate) amount: Amount,
    /// By which event.
    pub(crate) event: &'static str,
    pub(crate) group: Option<String>,
    pub(crate) order: Option<String>,
    /// The payment at a counter.
    pub(crate) counter: Option<String>,
}
