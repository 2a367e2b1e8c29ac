//! Merchants: who is one under which contract, whose campaign is whose, and what each is due of a group, counted again from
//! what its seats paid.

use std::collections::BTreeMap;

use domain::{
    AllianceEvent, Campaign, CampaignId, Contract, Event, GroupId, GroupSettled, GroupSold,
    MerchantId, OrderId, PaymentId, SaleReversed, StoreId, World,
};

use super::{At, Due, Trail};
use crate::audit::Findings;

/// What is known of the alliance.
#[derive(Debug, Default)]
pub(super) struct Book {
    merchants: Vec<Known>,
    stores: Vec<MerchantId>,
    campaigns: BTreeMap<CampaignId, MerchantId>,
    /// What waits for return windows: whose, how much, and the commission's rate in parts per million.
    sales: BTreeMap<GroupId, (MerchantId, i64, u32)>,
    /// What must come next, and in words.
    next: Option<(Next, String)>,
}

#[derive(Debug)]
struct Known {
    contracts: Vec<Contract>,
    suspended: bool,
}

/// An event that belongs to the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    Tied(CampaignId),
    Sold(GroupSold),
    Reversed(SaleReversed),
}

impl Next {
    fn is(&self, event: &Event) -> bool {
        let Event::Alliance(event) = event else {
            return false;
        };
        match self {
            Next::Tied(expected) => {
                matches!(event, AllianceEvent::CampaignTied { campaign, .. } if campaign == expected)
            }
            Next::Sold(expected) => {
                matches!(event, AllianceEvent::GroupSold(sold) if sold == expected)
            }
            Next::Reversed(expected) => {
                matches!(event, AllianceEvent::SaleReversed(reversed) if reversed == expected)
            }
        }
    }
}

impl Book {
    /// A campaign was published: a merchant's must be tied to him at once.
    pub(super) fn published(&mut self, campaign: CampaignId, terms: &Campaign) {
        if terms.merchant.is_some() {
            let what = format!("campaign {campaign} has [merchant] and is nobody's");
            self.next = Some((Next::Tied(campaign), what));
        }
    }

    /// A product of a group came back, and rewards of so much with it.
    pub(super) fn came_back(&mut self, group: GroupId, order: OrderId, paid: Due, rewards: i64) {
        let Some(&(merchant, waiting, commission)) = self.sales.get(&group) else {
            return;
        };
        let kept = paid.amount.0 * i64::from(commission) / 1_000_000;
        let need = paid.amount.0 - kept - paid.fee_back.0 - rewards;
        let from_sales = need.min(waiting);
        let expected = SaleReversed {
            group,
            merchant,
            order,
            amount: paid.amount,
            commission: domain::Money(kept),
            fee: paid.fee_back,
            rewards: domain::Money(rewards),
            from_sales: domain::Money(from_sales),
            owed: domain::Money(need - from_sales),
        };
        let what = format!(
            "the part of order {order} of its merchant's sales is not given back as it was divided"
        );
        self.next = Some((Next::Reversed(expected), what));
    }

    /// Whose campaign on offer it is.
    pub(super) fn merchant_of(&self, campaign: CampaignId) -> Option<MerchantId> {
        self.campaigns.get(&campaign).copied()
    }

    /// Whether a merchant has this store, and may begin something new.
    pub(super) fn may_begin_at(&self, store: StoreId, merchant: MerchantId) -> bool {
        let at = usize::try_from(store.0).ok();
        let whose = at.and_then(|at| self.stores.get(at));
        let known = self.known(merchant);
        whose == Some(&merchant) && known.is_some_and(|known| !known.suspended)
    }

    fn known(&self, merchant: MerchantId) -> Option<&Known> {
        self.merchants.get(usize::try_from(merchant.0).ok()?)
    }

    fn known_mut(&mut self, merchant: MerchantId) -> Option<&mut Known> {
        self.merchants.get_mut(usize::try_from(merchant.0).ok()?)
    }
}

impl Trail {
    /// Holds an event against what had to come next, if something had to.
    pub(super) fn alliance_follows(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Some((next, what)) = self.alliance.next.take() {
            findings.unless(next.is(event), at.0, || what);
        }
        if let Event::GroupOpened {
            group, campaign, ..
        } = event
            && let Some(merchant) = self.alliance.campaigns.get(campaign)
        {
            let suspended = self
                .alliance
                .known(*merchant)
                .is_none_or(|known| known.suspended);
            findings.unless(!suspended, at.0, || {
                format!("group {group} opens though merchant {merchant} is suspended")
            });
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event of the alliance"
    )]
    pub(super) fn alliance_event(
        &mut self,
        at: At,
        event: &AllianceEvent,
        findings: &mut Findings,
    ) {
        match event {
            AllianceEvent::MerchantAdmitted { merchant, .. } => {
                let next = u32::try_from(self.alliance.merchants.len()) == Ok(merchant.0);
                findings.unless(next, at.0, || {
                    format!("merchant {merchant} is not the next number")
                });
                self.alliance.merchants.push(Known {
                    contracts: Vec::new(),
                    suspended: false,
                });
            }
            AllianceEvent::ContractSigned {
                merchant,
                version,
                contract,
            } => {
                if let Some(channel) = contract.channel {
                    self.takes(channel);
                }
                let known = self.alliance.known_mut(*merchant);
                let next = known.is_some_and(|known| {
                    known.contracts.push(*contract);
                    u32::try_from(known.contracts.len()) == Ok(*version)
                });
                findings.unless(next, at.0, || {
                    format!("contract {version} of merchant {merchant} is not his next")
                });
            }
            AllianceEvent::MerchantSuspended { merchant } => {
                self.suspended(at, *merchant, true, findings)
            }
            AllianceEvent::MerchantReinstated { merchant } => {
                self.suspended(at, *merchant, false, findings)
            }
            AllianceEvent::StoreOpened {
                store, merchant, ..
            } => {
                let next = u32::try_from(self.alliance.stores.len()) == Ok(store.0);
                let owner = self
                    .alliance
                    .known(*merchant)
                    .is_some_and(|known| !known.suspended);
                findings.unless(next && owner, at.0, || {
                    format!("store {store} is not the next number, or of nobody who may open one")
                });
                self.alliance.stores.push(*merchant);
            }
            AllianceEvent::CampaignTied { campaign, merchant } => {
                self.tied(at, *campaign, *merchant, findings)
            }
            AllianceEvent::CounterPaid(_)
            | AllianceEvent::CounterReversed(_)
            | AllianceEvent::CounterAwaited(_)
            | AllianceEvent::CounterLapsed { .. }
            | AllianceEvent::CashTaken(_)
            | AllianceEvent::CashBack(_)
            | AllianceEvent::StatementDrafted(_)
            | AllianceEvent::PeriodClosed { .. }
            | AllianceEvent::StatementConfirmed { .. }
            | AllianceEvent::StatementPaid(_)
            | AllianceEvent::StatementWithdrawn(_)
            | AllianceEvent::CounterSharesVested(_)
            | AllianceEvent::MerchantPaid(_)
            | AllianceEvent::HomeBound { .. }
            | AllianceEvent::HomeEnded { .. }
            | AllianceEvent::OriginShared(_)
            | AllianceEvent::OriginReversed(_)
            | AllianceEvent::OriginVested(_)
            | AllianceEvent::PurchaseShared(_) => {}
            AllianceEvent::GroupSold(sold) => {
                let terms = self
                    .campaign(sold.group)
                    .and_then(|known| known.terms.merchant);
                let commission = terms.map_or(0, |terms| terms.commission.0);
                let waiting = (sold.merchant, sold.due.0, commission);
                let new = self.alliance.sales.insert(sold.group, waiting).is_none();
                findings.unless(new, at.0, || format!("group {} is sold twice", sold.group));
            }
            AllianceEvent::SaleReversed(reversed) => {
                let sale = self.alliance.sales.get_mut(&reversed.group);
                findings.unless(sale.is_some(), at.0, || {
                    format!(
                        "a sale of group {} is given back that was not made",
                        reversed.group
                    )
                });
                if let Some((_, waiting, _)) = sale {
                    *waiting = waiting.saturating_sub(reversed.from_sales.0);
                }
            }
            AllianceEvent::SaleVested {
                group,
                merchant,
                amount,
            } => {
                let open = self
                    .vesting
                    .get(group)
                    .map_or(0, |vesting| vesting.open_orders);
                let sale = self.alliance.sales.remove(group);
                let sale = sale.map(|(whose, waiting, _)| (whose, waiting));
                let right = open == 0 && sale == Some((*merchant, amount.0));
                findings.unless(right, at.0, || {
                    format!("the sales of group {group} that become payable are not those that waited, or come before its orders are kept")
                });
            }
        }
    }

    fn suspended(&mut self, at: At, merchant: MerchantId, now: bool, findings: &mut Findings) {
        let known = self.alliance.known_mut(merchant);
        let changed =
            known.is_some_and(|known| std::mem::replace(&mut known.suspended, now) != now);
        findings.unless(changed, at.0, || {
            format!("merchant {merchant} is suspended or reinstated twice")
        });
    }

    /// Whose store it is.
    pub(super) fn store_merchant(&self, store: StoreId) -> Option<MerchantId> {
        let stores = &self.alliance.stores;
        stores.get(usize::try_from(store.0).ok()?).copied()
    }

    /// Whose campaign it is, if a merchant's.
    pub(super) fn merchant_of_campaign(&self, campaign: CampaignId) -> Option<MerchantId> {
        self.alliance.campaigns.get(&campaign).copied()
    }

    /// A merchant's contract that is in force, also while he is suspended.
    pub(super) fn newest_contract(&self, merchant: MerchantId) -> Option<&Contract> {
        self.alliance.known(merchant)?.contracts.last()
    }

    /// The contract under which a store's counter is open.
    pub(super) fn open_contract(&self, store: StoreId, merchant: MerchantId) -> Option<&Contract> {
        let stores = &self.alliance.stores;
        let whose = stores.get(usize::try_from(store.0).ok()?)?;
        let known = self.alliance.known(*whose)?;
        let open = *whose == merchant && !known.suspended;
        known.contracts.last().filter(|_| open)
    }

    /// Only right after its publication, under the commission of a contract that stands.
    fn tied(
        &mut self,
        at: At,
        campaign: CampaignId,
        merchant: MerchantId,
        findings: &mut Findings,
    ) {
        let last = self.campaigns.last().map(|last| &last.terms);
        let is_last = u32::try_from(self.campaigns.len()) == Ok(campaign.0.saturating_add(1));
        let commission = last
            .and_then(|terms| terms.merchant)
            .map(|terms| terms.commission);
        let known = self
            .alliance
            .known(merchant)
            .filter(|known| !known.suspended);
        let agreed = known
            .and_then(|known| known.contracts.last())
            .and_then(|contract| contract.commission);
        findings.unless(
            is_last && commission.is_some() && commission == agreed,
            at.0,
            || format!("campaign {campaign} is tied to merchant {merchant} against his contract"),
        );
        self.alliance.campaigns.insert(campaign, merchant);
    }

    /// A merchant's group was settled: how what its winners paid must be divided, by what the channel really took.
    pub(super) fn note_sold(&mut self, settled: &GroupSettled) {
        let group = settled.group;
        let Some(terms) = self.campaign(group).map(|known| known.terms.clone()) else {
            return;
        };
        let campaign = self
            .campaign_of
            .get(usize::try_from(group.0).unwrap_or(usize::MAX));
        let tied = campaign.and_then(|campaign| {
            let offer = self.treats.offer_of(*campaign);
            self.alliance.merchant_of(offer)
        });
        let (Some(merchant), Some(own), Some(live)) = (tied, terms.merchant, self.live.get(&group))
        else {
            return;
        };
        let fee = |seat: domain::SeatRef| {
            let payment = PaymentId {
                group,
                index: seat.index,
            };
            live.seat(payment).map_or(0, |seat| seat.fee.0)
        };
        let buyers = settled.buyers();
        let mut fees: i64 = buyers.iter().map(|(_, seat)| fee(*seat)).sum();
        if terms.channel.kept_on_refund {
            fees += settled
                .refunded()
                .iter()
                .map(|(_, seat)| fee(*seat))
                .sum::<i64>();
        }
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let sales = settled.price.0.saturating_mul(count(buyers.len()));
        let each = settled.price.0 * i64::from(own.commission.0) / 1_000_000;
        let commission = each.saturating_mul(count(buyers.len()));
        let consoled = count(settled.consoled(settled.split().1).len());
        let rewards = settled.rewards.iter().map(|paid| paid.cash.0).sum::<i64>()
            + settled.consolation_cash.0.saturating_mul(consoled);
        let money = domain::Money;
        let pooled = settled.pooled.as_ref().map_or(0, |pooled| pooled.amount.0);
        let rewards = rewards + pooled;
        let expected = GroupSold {
            group,
            merchant,
            sales: money(sales),
            commission: money(commission),
            fees: money(fees),
            rewards: money(rewards),
            due: money(sales - commission - fees - rewards),
        };
        let what = format!(
            "what the winners of group {group} paid is not divided as its merchant's campaign says"
        );
        self.alliance.next = Some((Next::Sold(expected), what));
    }

    /// What must not be left over at the end.
    pub(super) fn alliance_finish(&self, findings: &mut Findings) {
        if let Some((_, what)) = &self.alliance.next {
            findings.add(what.clone());
        }
        for group in self.alliance.sales.keys() {
            if self
                .vesting
                .get(group)
                .is_none_or(|vesting| vesting.open_orders == 0)
            {
                findings.add(format!(
                    "group {group}: all orders are kept or back, but its sales are not payable"
                ));
            }
        }
    }

    /// Against the replayed world.
    pub(super) fn compare_alliance(&self, world: &World, findings: &mut Findings) {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let book = &self.alliance;
        if (count(book.merchants.len()), count(book.stores.len()))
            != (world.merchants(), world.stores())
        {
            findings.add("other merchants or stores after the replay than by the events");
        }
        for (merchant, known) in (0u32..).map(MerchantId).zip(&book.merchants) {
            let view = world.merchant(merchant);
            let same = view.is_some_and(|view| {
                view.suspended == known.suspended && Some(&view.contract) == known.contracts.last()
            });
            if !same {
                findings.add(format!(
                    "merchant {merchant} is another after the replay than by the events"
                ));
            }
        }
        for (store, merchant) in (0u32..).map(StoreId).zip(&book.stores) {
            if world.store(store).map(|(owner, _)| owner) != Some(*merchant) {
                findings.add(format!(
                    "store {store} is another's after the replay than by the events"
                ));
            }
        }
        for (campaign, merchant) in &book.campaigns {
            if world.merchant_of(*campaign) != Some(*merchant) {
                findings.add(format!(
                    "campaign {campaign} is another's after the replay than by the events"
                ));
            }
        }
    }
}
