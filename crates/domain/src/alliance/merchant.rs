//! Merchants: who is one, under which contract, with which stores and campaigns (rules 10.3).

use minicbor::{Decode, Encode};

use super::{Alliance, AllianceEvent, AllianceRefusal, MAX_LOCK_DAYS, account::Purse};
use crate::{
    Answer, Campaign, CampaignId, ChannelTerms, Event, GroupId, MAX_AMOUNT_FEN, MerchantId, Millis,
    Money, ProgramKind, RATE_ONE_PPM, Rate, Refusal, StoreId, World,
};

/// Most contracts of one merchant, one after the other.
pub const MAX_CONTRACTS: usize = 1_000;

/// What a merchant and the platform have agreed. A later contract replaces it from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Contract {
    /// Due when the contract is signed; nothing: zero.
    #[n(0)]
    pub entry_fee: Money,
    /// Of each winner's payment in his campaigns; none: he runs none.
    #[n(1)]
    pub commission: Option<Rate>,
    /// ρ: of each bill at his counters; none: he takes no counter payments.
    #[n(2)]
    pub settlement: Option<Rate>,
    /// Who takes the cash at his counters.
    #[n(3)]
    pub cash: CashTaker,
    /// How many days a member whom his stores brought first has one as his home store; none: they bind nobody.
    #[n(4)]
    pub lock_days: Option<u32>,
    /// What his stores get of what the platform earns on such members at other counters; none: nothing.
    #[n(5)]
    pub origin_share: Option<Rate>,
    /// What the channel takes of cash that the platform takes there; none: nothing is known of it, and nothing booked.
    #[n(6)]
    pub channel: Option<ChannelTerms>,
}

/// Who takes the counter's cash (rules 10.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum CashTaker {
    /// The platform, through its channel; it then owes the merchant.
    #[n(0)]
    Platform,
    /// The store, which then owes the platform its part.
    #[n(1)]
    Store,
}

impl CashTaker {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            CashTaker::Platform => "platform",
            CashTaker::Store => "store",
        }
    }
}

/// One merchant in memory.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Merchant {
    #[cbor(n(0), with = "minicbor::bytes")]
    token: [u8; 16],
    #[n(1)]
    suspended: bool,
    /// The newest.
    #[n(2)]
    contract: Option<Contract>,
    #[n(3)]
    versions: u32,
    #[n(4)]
    pub(super) purse: Purse,
}

/// What is known of a merchant, for screens and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MerchantView {
    /// Names his row in the directory.
    pub token: [u8; 16],
    /// Whether he begins nothing new.
    pub suspended: bool,
    /// His newest contract.
    pub contract: Contract,
    /// Which of his contracts that is, from 1.
    pub version: u32,
}

impl Contract {
    fn check(&self) -> Result<(), AllianceRefusal> {
        let invalid = |field, must| Err(AllianceRefusal::InvalidContract { field, must });
        if self.entry_fee < Money::ZERO || MAX_AMOUNT_FEN < self.entry_fee.0 {
            return invalid("entry_fee", "must be between nothing and 100 million yuan");
        }
        let is_rate = |rate: Option<Rate>| rate.is_none_or(|rate| rate.0 <= RATE_ONE_PPM);
        if !is_rate(self.commission) {
            return invalid("commission", "must be between 0% and 100%");
        }
        if !is_rate(self.settlement) {
            return invalid("settlement", "must be between 0% and 100%");
        }
        if !is_rate(self.origin_share) {
            return invalid("origin_share", "must be between 0% and 100%");
        }
        if self.lock_days.is_some_and(|days| MAX_LOCK_DAYS < days) {
            return invalid("lock_days", "must be at most 3650");
        }
        if !is_rate(self.channel.map(|channel| channel.fee)) {
            return invalid("channel_fee", "must be between 0% and 100%");
        }
        Ok(())
    }
}

impl Alliance {
    pub(super) fn merchant_ref(&self, id: MerchantId) -> Option<&Merchant> {
        self.merchants.get(usize::try_from(id.0).ok()?)
    }

    pub(super) fn merchant_mut(&mut self, id: MerchantId) -> Option<&mut Merchant> {
        self.merchants.get_mut(usize::try_from(id.0).ok()?)
    }

    fn require(&self, id: MerchantId) -> Result<&Merchant, AllianceRefusal> {
        self.merchant_ref(id)
            .ok_or(AllianceRefusal::UnknownMerchant(id))
    }

    /// Of a merchant who may begin something new.
    pub(super) fn active_contract(&self, id: MerchantId) -> Result<Contract, AllianceRefusal> {
        let merchant = self.require(id)?;
        if merchant.suspended {
            return Err(AllianceRefusal::MerchantSuspended(id));
        }
        merchant
            .contract
            .ok_or(AllianceRefusal::UnknownMerchant(id))
    }
}

/// Hot reads.
impl World {
    /// What is known of a merchant.
    pub fn merchant(&self, id: MerchantId) -> Option<MerchantView> {
        let merchant = self.alliance.merchant_ref(id)?;
        Some(MerchantView {
            token: merchant.token,
            suspended: merchant.suspended,
            contract: merchant.contract?,
            version: merchant.versions,
        })
    }

    /// How many merchants there are; their numbers are below this.
    pub fn merchants(&self) -> u32 {
        u32::try_from(self.alliance.merchants.len()).unwrap_or(u32::MAX)
    }

    /// How many stores there are; their numbers are below this.
    pub fn stores(&self) -> u32 {
        u32::try_from(self.alliance.stores.len()).unwrap_or(u32::MAX)
    }

    /// Whose store it is, and the name of its row in the directory.
    pub fn store(&self, id: StoreId) -> Option<(MerchantId, [u8; 16])> {
        let store = self.alliance.stores.get(usize::try_from(id.0).ok()?)?;
        Some((store.merchant, store.token))
    }

    /// Whose campaign it is, if a merchant's; a table's is its template's.
    pub fn merchant_of(&self, campaign: CampaignId) -> Option<MerchantId> {
        let offer = self.offer_of(campaign);
        self.alliance.campaigns.get(&offer).copied()
    }

    /// Whose group it is, if a merchant's.
    pub fn merchant_of_group(&self, group: GroupId) -> Option<MerchantId> {
        self.merchant_of(self.campaign_number(group)?)
    }
}

impl World {
    pub(super) fn decide_admit(
        &self,
        token: [u8; 16],
        contract: &Contract,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let merchants = &self.alliance.merchants;
        let known = (0u32..)
            .zip(merchants)
            .find(|(_, known)| known.token == token);
        if let Some((merchant, _)) = known {
            return Ok(Some(Answer::Merchant(MerchantId(merchant))));
        }
        contract.check()?;
        self.check_origin_share(contract)?;
        let merchant = u32::try_from(merchants.len()).map_err(|_| Refusal::Overflow)?;
        let merchant = MerchantId(merchant);
        events.push(Event::Alliance(AllianceEvent::MerchantAdmitted {
            merchant,
            token,
        }));
        events.push(Event::Alliance(AllianceEvent::ContractSigned {
            merchant,
            version: 1,
            contract: *contract,
        }));
        Ok(None)
    }

    /// A suspended merchant may agree to a new contract: it is often how a suspension ends.
    pub(super) fn decide_contract(
        &self,
        merchant: MerchantId,
        contract: &Contract,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.alliance.require(merchant)?;
        contract.check()?;
        self.check_origin_share(contract)?;
        if MAX_CONTRACTS <= usize::try_from(known.versions).unwrap_or(usize::MAX) {
            return Err(AllianceRefusal::InvalidContract {
                field: "contract",
                must: "is one more than the 1000 that one merchant can have",
            }
            .into());
        }
        events.push(Event::Alliance(AllianceEvent::ContractSigned {
            merchant,
            version: known.versions.saturating_add(1),
            contract: *contract,
        }));
        Ok(())
    }

    /// The installation's profile binds home stores' shares outside campaigns, too.
    fn check_origin_share(&self, contract: &Contract) -> Result<(), Refusal> {
        let share = contract.origin_share.unwrap_or(Rate(0));
        if share == Rate(0) || self.allows_origin_share() {
            return Ok(());
        }
        Err(Refusal::ProfileForbids {
            profile: self.profile.name(),
            limit: "origin_share",
        })
    }

    /// Whether the installation's profile allows home stores a share at all.
    pub(super) fn allows_origin_share(&self) -> bool {
        let programs = &self.profile_terms().programs;
        programs.contains(&ProgramKind::OriginShare)
    }

    pub(super) fn decide_suspend(
        &self,
        merchant: MerchantId,
        suspend: bool,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let known = self.alliance.require(merchant)?;
        if known.suspended == suspend {
            return Ok(Some(Answer::Done));
        }
        events.push(Event::Alliance(if suspend {
            AllianceEvent::MerchantSuspended { merchant }
        } else {
            AllianceEvent::MerchantReinstated { merchant }
        }));
        Ok(None)
    }

    pub(super) fn decide_store(
        &self,
        merchant: MerchantId,
        token: [u8; 16],
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        self.alliance.active_contract(merchant)?;
        let stores = &self.alliance.stores;
        let known = (0u32..).zip(stores).find(|(_, known)| known.token == token);
        if let Some((store, known)) = known {
            if known.merchant != merchant {
                return Err(AllianceRefusal::UnknownStore(StoreId(store)).into());
            }
            return Ok(Some(Answer::Store(StoreId(store))));
        }
        let store = StoreId(u32::try_from(stores.len()).map_err(|_| Refusal::Overflow)?);
        events.push(Event::Alliance(AllianceEvent::StoreOpened {
            store,
            merchant,
            token,
        }));
        Ok(None)
    }

    /// The campaign's commission must be what the contract says now: later contracts do not change what is published.
    pub(super) fn decide_publish_for(
        &self,
        merchant: MerchantId,
        campaign: &Campaign,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let contract = self.alliance.active_contract(merchant)?;
        let Some(terms) = campaign.merchant else {
            return Err(AllianceRefusal::MerchantMissing.into());
        };
        if contract.commission != Some(terms.commission) {
            return Err(AllianceRefusal::CommissionDiffers(merchant).into());
        }
        let number = self.decide_campaign(campaign, now, events)?;
        events.push(Event::Alliance(AllianceEvent::CampaignTied {
            campaign: number,
            merchant,
        }));
        Ok(())
    }

    /// A suspended merchant's groups that are open finish as published; no new one is opened.
    pub(crate) fn require_not_suspended(&self, campaign: CampaignId) -> Result<(), Refusal> {
        if self.alliance.campaigns.is_empty() {
            return Ok(());
        }
        if let Some(merchant) = self.merchant_of(campaign) {
            self.alliance.active_contract(merchant)?;
        }
        Ok(())
    }

    pub(super) fn apply_admitted(&mut self, merchant: MerchantId, token: [u8; 16]) {
        let count = self.alliance.merchants.len();
        self.expect_next("merchant", u64::from(merchant.0), count);
        self.alliance.merchants.push(Merchant {
            token,
            suspended: false,
            contract: None,
            versions: 0,
            purse: Purse::default(),
        });
    }

    pub(super) fn apply_contract(&mut self, merchant: MerchantId, contract: &Contract) {
        let Some(known) = self.alliance.merchant_mut(merchant) else {
            self.corrupt("a contract of nobody");
            return;
        };
        known.contract = Some(*contract);
        known.versions = known.versions.saturating_add(1);
        // Entry fees are part of what bounds every balance.
        self.promised = self.promised.saturating_add(contract.entry_fee.0);
    }

    pub(super) fn apply_suspended(&mut self, merchant: MerchantId, suspended: bool) {
        if let Some(known) = self.alliance.merchant_mut(merchant) {
            known.suspended = suspended;
        }
    }
}
