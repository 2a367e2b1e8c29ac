//! The numbers in which the kinds of the ledger's and the wallets' lines stand in SQL: there are many of these lines,
//! and a number is stored and found for a fraction of what a word costs. The table `word` tells people what they mean.

use domain::{
    Account, AllianceAccount, AllianceEvent, BallotEvent, CircleEvent, DeliveryEvent, Event,
    GroupId, IdentityEvent, MemberId, MerchantAccount, MerchantId, NoticeKind, RechargeEvent,
    ShopEvent, TableEvent,
};

use crate::names::{WalletAccount, WhyKind, Word};

/// Kinds of accounts in the order in which they came: assets, liabilities, own money, coins, then later ones. A kind's number is its place.
pub(crate) const ACCOUNTS: [Account; 17] = [
    Account::Channel,
    Account::Escrow(GroupId(0)),
    Account::RefundsDue,
    Account::Available(MemberId(0)),
    Account::Vesting(MemberId(0)),
    Account::Suppliers,
    Account::Capital,
    Account::Sales,
    Account::CostOfGoods,
    Account::Rewards,
    Account::ChannelFees,
    Account::CoinsIssued,
    Account::Coins(MemberId(0)),
    Account::VestingCoins(MemberId(0)),
    Account::DividendPool(0),
    Account::WithdrawalsDue,
    Account::WithdrawalFees,
];

/// The numbers of the accounts that are a member's: available, vesting, coins, vesting coins, bought coins.
pub(crate) const MEMBERS_ACCOUNTS: &str = "(3,4,12,13,70)";
/// The numbers of the accounts that count coins.
pub(crate) const COIN_ACCOUNTS: &str = "(11,12,13,70)";
/// The number of escrows.
pub(crate) const ESCROW: i64 = 1;

/// Kinds of the alliance's accounts begin with this number: merchants' first, then the platform's.
const MERCHANTS: i64 = 46;
const ALLIANCE: i64 = 54;
/// Bought coins, and the money that is kept for them.
const BOUGHT_COINS: i64 = 70;
const CUSTODY: i64 = 71;
/// Tax that was withheld.
const TAX: i64 = 72;
/// What was paid from the operator's own bank.
const BANK: i64 = 73;
/// Numbers of the alliance's events begin with this.
const ALLIANCE_EVENTS: i64 = 4_600;
/// Numbers of the shop's events begin with this.
const SHOP_EVENTS: i64 = 5_000;
/// Numbers of events of bought coins begin with this.
const RECHARGE_EVENTS: i64 = 5_100;
/// Numbers of circles' events begin with this.
const CIRCLE_EVENTS: i64 = 4_700;
/// Numbers of tables' events begin with this.
const TABLE_EVENTS: i64 = 4_900;
/// Numbers of ballots' events begin with this.
const BALLOT_EVENTS: i64 = 4_800;
/// Numbers of events about who is who begin with this.
const IDENTITY_EVENTS: i64 = 3_300;
/// Numbers of events about members' own delivery addresses begin with this.
const DELIVERY_EVENTS: i64 = 5_200;

/// All kinds of accounts, by their numbers.
pub(crate) fn accounts() -> impl Iterator<Item = (i64, Account)> {
    let first = (0i64..).zip(ACCOUNTS);
    let merchants = MerchantAccount::ALL.map(|kind| Account::Merchant(kind, MerchantId(0)));
    let own = AllianceAccount::ALL.map(Account::Alliance);
    let alliance = (MERCHANTS..).zip(merchants).chain((ALLIANCE..).zip(own));
    let bought = [
        (BOUGHT_COINS, Account::BoughtCoins(MemberId(0))),
        (CUSTODY, Account::Custody),
        (TAX, Account::Tax),
        (BANK, Account::Bank),
    ];
    first.chain(alliance).chain(bought)
}

fn place<T: PartialEq>(all: &[T], value: &T) -> i64 {
    let place = all.iter().position(|known| known == value);
    place
        .and_then(|place| i64::try_from(place).ok())
        .unwrap_or(i64::MAX / 2)
}

/// The number of an account's kind.
pub(crate) fn account_code(account: &Account) -> i64 {
    match account {
        Account::Merchant(kind, _) => MERCHANTS.saturating_add(place(&MerchantAccount::ALL, kind)),
        Account::Alliance(kind) => ALLIANCE.saturating_add(place(&AllianceAccount::ALL, kind)),
        Account::Channel => 0,
        Account::Escrow(_) => ESCROW,
        Account::RefundsDue => 2,
        Account::Available(_) => 3,
        Account::Vesting(_) => 4,
        Account::Suppliers => 5,
        Account::Capital => 6,
        Account::Sales => 7,
        Account::CostOfGoods => 8,
        Account::Rewards => 9,
        Account::ChannelFees => 10,
        Account::CoinsIssued => 11,
        Account::Coins(_) => 12,
        Account::VestingCoins(_) => 13,
        Account::DividendPool(_) => 14,
        Account::BoughtCoins(_) => BOUGHT_COINS,
        Account::Custody => CUSTODY,
        Account::Tax => TAX,
        Account::Bank => BANK,
        Account::WithdrawalsDue => 15,
        Account::WithdrawalFees => 16,
    }
}

/// The number of the kind with this name.
pub(crate) fn account_named(name: &str) -> Option<i64> {
    let mut all = accounts();
    let found = all.find(|(_, account)| account.name() == name);
    found.map(|(code, _)| code)
}

/// A kind of account by its number; its holder is nobody's.
pub(crate) fn account_kind(code: i64) -> Option<Account> {
    if code < MERCHANTS {
        return ACCOUNTS.get(usize::try_from(code).ok()?).copied();
    }
    let mut all = accounts();
    all.find(|(known, _)| *known == code)
        .map(|(_, account)| account)
}

/// The account of a stored kind and holder.
pub(crate) fn account_of(code: i64, holder: i64) -> Option<Account> {
    let group = || u64::try_from(holder).ok().map(GroupId);
    let member = || u32::try_from(holder).ok().map(MemberId);
    Some(match account_kind(code)? {
        Account::Escrow(_) => Account::Escrow(group()?),
        Account::Available(_) => Account::Available(member()?),
        Account::Vesting(_) => Account::Vesting(member()?),
        Account::Coins(_) => Account::Coins(member()?),
        Account::VestingCoins(_) => Account::VestingCoins(member()?),
        Account::BoughtCoins(_) => Account::BoughtCoins(member()?),
        Account::DividendPool(_) => Account::DividendPool(u32::try_from(holder).ok()?),
        plain @ (Account::Channel
        | Account::RefundsDue
        | Account::Suppliers
        | Account::Capital
        | Account::Sales
        | Account::CostOfGoods
        | Account::Rewards
        | Account::ChannelFees
        | Account::CoinsIssued
        | Account::WithdrawalsDue
        | Account::WithdrawalFees
        | Account::Tax
        | Account::Bank
        | Account::Custody
        | Account::Alliance(_)) => plain,
        Account::Merchant(kind, _) => {
            Account::Merchant(kind, u32::try_from(holder).ok().map(MerchantId)?)
        }
    })
}

/// The holder column of accounts that nobody holds.
pub(crate) const NO_HOLDER: i64 = -1;

/// The holder column of an account.
pub(crate) fn holder_of(account: &Account) -> i64 {
    account.holder().map_or(NO_HOLDER, |holder| {
        i64::try_from(holder).unwrap_or(i64::MAX)
    })
}

/// Names of events in the ledger, by number. Only those that move money are ever stored.
const EVENTS: &[(i64, &str)] = &[
    (0, "member_registered"),
    (1, "inviter_bound"),
    (2, "campaign_published"),
    (3, "capital_deposited"),
    (4, "group_opened"),
    (5, "seat_reserved"),
    (6, "seat_lapsed"),
    (7, "payment_accepted"),
    (8, "payment_bounced"),
    (9, "seat_left"),
    (10, "group_filled"),
    (11, "group_closed"),
    (12, "group_settled"),
    (13, "refund_paid"),
    (14, "order_shipped"),
    (15, "order_received"),
    (16, "order_kept"),
    (17, "rewards_vested"),
    (18, "order_returning"),
    (19, "order_returned"),
    (20, "plan_published"),
    (21, "ranks_counted"),
    (22, "rank_set"),
    (23, "region_declared"),
    (24, "agent_appointed"),
    (25, "agent_dismissed"),
    (26, "member_frozen"),
    (27, "member_unfrozen"),
    (28, "dividend_closed"),
    (29, "dividends_paid"),
    (30, "limits_set"),
    (31, "self_excluded"),
    (32, "pauses_begun"),
    (38, "withdrawal_requested"),
    (39, "withdrawal_approved"),
    (40, "withdrawal_rejected"),
    (41, "withdrawal_waiting"),
    (42, "withdrawal_paid"),
    (43, "withdrawal_failed"),
    (44, "clawed_back"),
    (53, "tax_paid"),
    (54, "round_found_late"),
    (55, "suppliers_paid"),
    (56, "account_deleted"),
    (70, "profile_adopted"),
    (71, "coins_expired"),
];

/// An event's number in the ledger.
pub(crate) fn event_code(event: &Event) -> i64 {
    match event {
        Event::MemberRegistered { .. } => 0,
        Event::InviterBound { .. } => 1,
        Event::CampaignPublished { .. } => 2,
        Event::CapitalDeposited { .. } => 3,
        Event::GroupOpened { .. } => 4,
        Event::SeatReserved { .. } => 5,
        Event::SeatLapsed { .. } => 6,
        Event::PaymentAccepted { .. } => 7,
        Event::PaymentBounced { .. } => 8,
        Event::SeatLeft { .. } => 9,
        Event::GroupFilled { .. } => 10,
        Event::GroupClosed { .. } => 11,
        Event::GroupSettled(_) => 12,
        Event::RefundPaid { .. } => 13,
        Event::OrderShipped { .. } => 14,
        Event::OrderReceived { .. } => 15,
        Event::OrderKept { .. } => 16,
        Event::RewardsVested { .. } => 17,
        Event::OrderReturning { .. } => 18,
        Event::OrderReturned { .. } => 19,
        Event::PlanPublished { .. } => 20,
        Event::RanksCounted { .. } => 21,
        Event::RankSet { .. } => 22,
        Event::RegionDeclared { .. } => 23,
        Event::AgentAppointed { .. } => 24,
        Event::AgentDismissed { .. } => 25,
        Event::MemberFrozen { .. } => 26,
        Event::MemberUnfrozen { .. } => 27,
        Event::DividendClosed { .. } => 28,
        Event::DividendsPaid { .. } => 29,
        Event::LimitsSet { .. } => 30,
        Event::SelfExcluded { .. } => 31,
        Event::PausesBegun { .. } => 32,
        Event::WithdrawalRequested { .. } => 38,
        Event::WithdrawalApproved { .. } => 39,
        Event::WithdrawalRejected { .. } => 40,
        Event::WithdrawalWaiting { .. } => 41,
        Event::WithdrawalPaid { .. } => 42,
        Event::WithdrawalFailed { .. } => 43,
        Event::ClawedBack { .. } => 44,
        Event::TaxPaid { .. } => 53,
        Event::SuppliersPaid { .. } => 55,
        Event::AccountDeleted { .. } => 56,
        Event::ProfileAdopted { .. } => 70,
        Event::Alliance(event) => {
            ALLIANCE_EVENTS.saturating_add(place(&AllianceEvent::NAMES, &event.name()))
        }
        Event::Recharge(event) => {
            RECHARGE_EVENTS.saturating_add(place(&RechargeEvent::NAMES, &event.name()))
        }
        Event::Shop(event) => SHOP_EVENTS.saturating_add(place(&ShopEvent::NAMES, &event.name())),
        Event::Circle(event) => {
            CIRCLE_EVENTS.saturating_add(place(&CircleEvent::NAMES, &event.name()))
        }
        Event::Table(event) => {
            TABLE_EVENTS.saturating_add(place(&TableEvent::NAMES, &event.name()))
        }
        Event::Identity(event) => {
            IDENTITY_EVENTS.saturating_add(place(&IdentityEvent::NAMES, &event.name()))
        }
        Event::Delivery(event) => {
            DELIVERY_EVENTS.saturating_add(place(&DeliveryEvent::NAMES, &event.name()))
        }
        Event::Ballot(event) => {
            BALLOT_EVENTS.saturating_add(place(&BallotEvent::NAMES, &event.name()))
        }
        Event::RoundFoundLate { .. } => 54,
        Event::CoinsExpired { .. } => 71,
    }
}

/// An event's name by its number.
pub(crate) fn event_name(code: i64) -> Option<&'static str> {
    let known = EVENTS.iter().find(|&&(number, _)| number == code);
    if let Some(&(_, name)) = known {
        return Some(name);
    }
    let nested = nested_events().find(|&(number, _)| number == code);
    nested.map(|(_, name)| name)
}

/// Events of kinds that have several.
fn nested_events() -> impl Iterator<Item = (i64, &'static str)> {
    let alliance = (ALLIANCE_EVENTS..).zip(AllianceEvent::NAMES);
    let circles = (CIRCLE_EVENTS..).zip(CircleEvent::NAMES);
    let ballots = (BALLOT_EVENTS..).zip(BallotEvent::NAMES);
    let shop = (SHOP_EVENTS..).zip(ShopEvent::NAMES);
    let recharges = (RECHARGE_EVENTS..).zip(RechargeEvent::NAMES);
    let tables = (TABLE_EVENTS..).zip(TableEvent::NAMES);
    let identities = (IDENTITY_EVENTS..).zip(IdentityEvent::NAMES);
    let deliveries = (DELIVERY_EVENTS..).zip(DeliveryEvent::NAMES);
    let kinds = circles.chain(ballots).chain(tables).chain(identities);
    let kinds = kinds.chain(deliveries);
    alliance.chain(kinds).chain(shop).chain(recharges)
}

/// A kind of thing that stands as the place of its value among all values.
pub(crate) trait Code: Word + PartialEq {
    /// The number of a value.
    fn code(self) -> i64 {
        let place = Self::ALL.iter().position(|value| *value == self);
        place
            .and_then(|place| i64::try_from(place).ok())
            .unwrap_or(i64::MAX)
    }

    /// The value of a number.
    fn of_code(code: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }
}

impl Code for WalletAccount {}
impl Code for WhyKind {}
impl Code for NoticeKind {}

/// All numbers with what they mean: kind, number, word.
pub(crate) fn words() -> Vec<(&'static str, i64, &'static str)> {
    let accounts = accounts().map(|(code, account)| ("account", code, account.name()));
    let events = EVENTS
        .iter()
        .copied()
        .chain(nested_events())
        .map(|(code, name)| ("event", code, name));
    let wallets = WalletAccount::ALL
        .iter()
        .map(|value| ("wallet_account", value.code(), value.word()));
    let kinds = WhyKind::ALL
        .iter()
        .map(|value| ("wallet_kind", value.code(), value.word()));
    let notices = NoticeKind::ALL
        .iter()
        .map(|value| ("notice_kind", value.code(), value.word()));
    let lines = accounts.chain(events).chain(wallets).chain(kinds);
    lines.chain(notices).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places() {
        for (code, account) in accounts() {
            assert_eq!(account_code(&account), code, "{}", account.name());
            assert_eq!(account_named(account.name()), Some(code));
            let holder = if account.holder().is_some() {
                7
            } else {
                NO_HOLDER
            };
            let found = account_of(code, holder).unwrap();
            assert_eq!((found.name(), holder_of(&found)), (account.name(), holder));
        }
        assert_eq!(account_of(17, 0), None);
        assert_eq!(account_of(3, -1), None);
        assert_eq!(account_named("nobody"), None);
        assert_eq!(
            ACCOUNTS
                .get(usize::try_from(ESCROW).unwrap())
                .unwrap()
                .name(),
            "escrow"
        );
    }

    #[test]
    fn the_members_accounts_are_those_of_wallets() {
        let codes: Vec<String> = accounts()
            .filter(|(_, account)| WalletAccount::of_account(account).is_some())
            .map(|(code, _)| code.to_string())
            .collect();
        assert_eq!(format!("({})", codes.join(",")), MEMBERS_ACCOUNTS);
    }

    #[test]
    fn the_accounts_of_coins_are_named() {
        let codes: Vec<String> = accounts()
            .filter(|(_, account)| account.asset() == domain::Asset::Coin)
            .map(|(code, _)| code.to_string())
            .collect();
        assert_eq!(format!("({})", codes.join(",")), COIN_ACCOUNTS);
    }

    #[test]
    fn every_number_has_one_word() {
        let words = words();
        let mut keys: Vec<_> = words.iter().map(|(kind, code, _)| (kind, code)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), words.len());
        let deposited = Event::CapitalDeposited {
            amount: domain::Money(1),
        };
        assert_eq!(
            event_name(event_code(&deposited)),
            Some("capital_deposited")
        );
        assert_eq!(event_name(-1), None);
        assert_eq!(
            WhyKind::of_code(WhyKind::SeatWon.code()),
            Some(WhyKind::SeatWon)
        );
        assert_eq!(WalletAccount::of_code(99), None);
    }
}
