//! The words in which states and reasons stand in SQL. The same words are in JSON and on the screens.
//!
//! Why by hand: the tables outlive a rename in Rust only if the words do not come from it.

use domain::{
    Account, Asset, Bounce, Closing, GroupState, MemberId, NoticeKind, NoticeWhy, ProgramKind,
};

/// A kind of thing that has a word for each of its values.
pub(crate) trait Word: Copy + Sized + 'static {
    /// All values.
    const ALL: &'static [Self];
    /// The word.
    fn word(self) -> &'static str;

    /// The value of a stored word.
    fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.word() == word)
    }
}

impl Word for GroupState {
    const ALL: &'static [GroupState] = &[
        GroupState::Open,
        GroupState::Full,
        GroupState::Settled,
        GroupState::Expired,
        GroupState::Cancelled,
        GroupState::Void,
        GroupState::Drawn,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// The state of a group of that name, as [`GroupState::name`] gives it.
pub fn group_state(name: &str) -> Option<GroupState> {
    GroupState::of(name)
}

/// How a seat stands (rules 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatStatus {
    /// Held until it is paid or its window ends.
    Reserved,
    /// Paid, not drawn yet.
    Paid,
    /// Drawn, or its leader always buys.
    Won,
    /// Bought without being drawn: everyone in the group does.
    Bought,
    /// Not drawn; its price goes back.
    Lost,
    /// Not paid in time, or given up.
    Lapsed,
    /// Paid, and the price goes back without a draw.
    Refunded,
    /// Registered for a ballot: nothing is paid for that.
    Registered,
    /// Drawn in a ballot: may buy until its payment is too late.
    MayBuy,
    /// Drawn in a ballot, and not bought in time.
    Unused,
}

impl SeatStatus {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            SeatStatus::Reserved => "reserved",
            SeatStatus::Paid => "paid",
            SeatStatus::Won => "won",
            SeatStatus::Bought => "bought",
            SeatStatus::Lost => "lost",
            SeatStatus::Lapsed => "lapsed",
            SeatStatus::Refunded => "refunded",
            SeatStatus::Registered => "registered",
            SeatStatus::MayBuy => "may_buy",
            SeatStatus::Unused => "unused",
        }
    }
}

impl Word for SeatStatus {
    const ALL: &'static [SeatStatus] = &[
        SeatStatus::Reserved,
        SeatStatus::Paid,
        SeatStatus::Won,
        SeatStatus::Bought,
        SeatStatus::Lost,
        SeatStatus::Lapsed,
        SeatStatus::Refunded,
        SeatStatus::Registered,
        SeatStatus::MayBuy,
        SeatStatus::Unused,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// Why money went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundReason {
    /// It could not hold a place.
    Bounced(Bounce),
    /// The member left before the group was full.
    Left,
    /// The group ended without a draw.
    Closed(Closing),
    /// The seat was not drawn.
    Lost,
    /// The buyer returned the product.
    Returned,
    /// A bill that was paid at a counter was taken back.
    BillReversed,
}

impl RefundReason {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            RefundReason::Bounced(reason) => bounce_name(reason),
            RefundReason::Left => "left",
            RefundReason::Closed(why) => closing_name(why),
            RefundReason::Lost => "lost",
            RefundReason::Returned => "returned",
            RefundReason::BillReversed => "bill_reversed",
        }
    }
}

impl Word for RefundReason {
    const ALL: &'static [RefundReason] = &[
        RefundReason::Bounced(Bounce::GroupFull),
        RefundReason::Bounced(Bounce::GroupExpired),
        RefundReason::Bounced(Bounce::GroupCancelled),
        RefundReason::Bounced(Bounce::GroupVoid),
        RefundReason::Bounced(Bounce::GroupSettled),
        RefundReason::Bounced(Bounce::SecondPayment),
        RefundReason::Bounced(Bounce::AmountDiffers),
        RefundReason::Bounced(Bounce::NothingToPay),
        RefundReason::Bounced(Bounce::SeatLimit),
        RefundReason::Bounced(Bounce::LeaderNotPaid),
        RefundReason::Bounced(Bounce::MemberFrozen),
        RefundReason::Bounced(Bounce::MemberLimit),
        RefundReason::Bounced(Bounce::PurchaseOver),
        RefundReason::Bounced(Bounce::CoinsGone),
        RefundReason::Bounced(Bounce::NotInCircle),
        RefundReason::Bounced(Bounce::RightLapsed),
        RefundReason::Bounced(Bounce::SelfExcluded),
        RefundReason::Bounced(Bounce::TooYoung),
        RefundReason::Bounced(Bounce::NotVerified),
        RefundReason::Bounced(Bounce::LossPause),
        RefundReason::Bounced(Bounce::MoneyLimit),
        RefundReason::Bounced(Bounce::EntriesLimit),
        RefundReason::Bounced(Bounce::ProfileForbids),
        RefundReason::Left,
        RefundReason::Closed(Closing::Expired),
        RefundReason::Closed(Closing::LeaderGone),
        RefundReason::Closed(Closing::Cancelled),
        RefundReason::Closed(Closing::Void),
        RefundReason::Lost,
        RefundReason::Returned,
        RefundReason::BillReversed,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// Why money could not hold a place, in a word.
pub fn bounce_name(reason: Bounce) -> &'static str {
    reason.name()
}

/// Why money could not hold a place, by its word.
pub fn bounce_named(name: &str) -> Option<Bounce> {
    match RefundReason::of(name)? {
        RefundReason::Bounced(reason) => Some(reason),
        RefundReason::Left
        | RefundReason::Closed(_)
        | RefundReason::Lost
        | RefundReason::Returned
        | RefundReason::BillReversed => None,
    }
}

/// Why a group ended without a draw, in a word.
pub fn closing_name(why: Closing) -> &'static str {
    match why {
        Closing::Expired => "expired",
        Closing::LeaderGone => "leader_gone",
        Closing::Cancelled => "cancelled",
        Closing::Void => "void",
    }
}

impl Word for Closing {
    const ALL: &'static [Closing] = &[
        Closing::Expired,
        Closing::LeaderGone,
        Closing::Cancelled,
        Closing::Void,
    ];
    fn word(self) -> &'static str {
        closing_name(self)
    }
}

/// How an order stands (rules 9.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// To be sent.
    Paid,
    /// On its way.
    Shipped,
    /// There; it can still be returned.
    Received,
    /// The return window has closed.
    Kept,
    /// On its way back.
    Returning,
    /// Back; the price goes back, too.
    Returned,
}

impl OrderStatus {
    /// Its name in URLs and JSON.
    pub fn name(self) -> &'static str {
        match self {
            OrderStatus::Paid => "paid",
            OrderStatus::Shipped => "shipped",
            OrderStatus::Received => "received",
            OrderStatus::Kept => "kept",
            OrderStatus::Returning => "returning",
            OrderStatus::Returned => "returned",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<OrderStatus> {
        OrderStatus::of(name)
    }
}

impl Word for OrderStatus {
    const ALL: &'static [OrderStatus] = &[
        OrderStatus::Paid,
        OrderStatus::Shipped,
        OrderStatus::Received,
        OrderStatus::Kept,
        OrderStatus::Returning,
        OrderStatus::Returned,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// How a draw stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawStatus {
    /// Nothing is drawn: everyone buys.
    None,
    /// The group is not full; only its open file exists.
    Open,
    /// Frozen; its round is awaited.
    Waiting,
    /// Drawn.
    Drawn,
    /// There is no draw: the group ended without one.
    Void,
}

impl DrawStatus {
    /// Its name in URLs and JSON.
    pub fn name(self) -> &'static str {
        match self {
            DrawStatus::None => "none",
            DrawStatus::Open => "open",
            DrawStatus::Waiting => "waiting",
            DrawStatus::Drawn => "drawn",
            DrawStatus::Void => "void",
        }
    }
}

impl Word for DrawStatus {
    const ALL: &'static [DrawStatus] = &[
        DrawStatus::None,
        DrawStatus::Open,
        DrawStatus::Waiting,
        DrawStatus::Drawn,
        DrawStatus::Void,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// The files of a draw (draw 2, 3, 4, 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawFile {
    /// The rules, from the group's opening on.
    Open,
    /// Who sits where, from the freeze on.
    Seats,
    /// The seal.
    Freeze,
    /// The receipt.
    Result,
    /// Why there is none.
    Void,
}

impl DrawFile {
    /// Its name in URLs.
    pub fn name(self) -> &'static str {
        match self {
            DrawFile::Open => "open",
            DrawFile::Seats => "seats",
            DrawFile::Freeze => "freeze",
            DrawFile::Result => "result",
            DrawFile::Void => "void",
        }
    }

    /// The file of that name.
    pub fn from_name(name: &str) -> Option<DrawFile> {
        DrawFile::of(name)
    }
}

impl Word for DrawFile {
    const ALL: &'static [DrawFile] = &[
        DrawFile::Open,
        DrawFile::Seats,
        DrawFile::Freeze,
        DrawFile::Result,
        DrawFile::Void,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// The parts of a member's money (rules 9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WalletAccount {
    /// Cash he may withdraw.
    Available,
    /// Rewards that wait for return windows.
    Vesting,
    /// What his seats in unfinished groups have cost.
    InGroups,
    /// Coins he can use.
    Coins,
    /// Coins that wait for return windows.
    VestingCoins,
    /// Coins he has bought and not used.
    BoughtCoins,
}

impl WalletAccount {
    /// Its name in URLs and JSON.
    pub fn name(self) -> &'static str {
        match self {
            WalletAccount::Available => "available",
            WalletAccount::Vesting => "vesting",
            WalletAccount::InGroups => "in_groups",
            WalletAccount::Coins => "coins",
            WalletAccount::VestingCoins => "vesting_coins",
            WalletAccount::BoughtCoins => "bought_coins",
        }
    }

    /// The part and the member whose account of the ledger this is.
    pub(crate) fn of_account(account: &Account) -> Option<(WalletAccount, MemberId)> {
        match account {
            Account::Available(member) => Some((WalletAccount::Available, *member)),
            Account::Vesting(member) => Some((WalletAccount::Vesting, *member)),
            Account::Coins(member) => Some((WalletAccount::Coins, *member)),
            Account::VestingCoins(member) => Some((WalletAccount::VestingCoins, *member)),
            Account::BoughtCoins(member) => Some((WalletAccount::BoughtCoins, *member)),
            Account::Channel
            | Account::Escrow(_)
            | Account::RefundsDue
            | Account::Suppliers
            | Account::Capital
            | Account::Sales
            | Account::CostOfGoods
            | Account::Rewards
            | Account::ChannelFees
            | Account::CoinsIssued
            | Account::DividendPool(_)
            | Account::WithdrawalsDue
            | Account::WithdrawalFees
            | Account::Tax
            | Account::Bank
            | Account::Custody
            | Account::Merchant(..)
            | Account::Alliance(_) => None,
        }
    }

    /// The account of that name.
    pub fn from_name(name: &str) -> Option<WalletAccount> {
        WalletAccount::of(name)
    }
}

impl Word for WalletAccount {
    const ALL: &'static [WalletAccount] = &[
        WalletAccount::Available,
        WalletAccount::Vesting,
        WalletAccount::InGroups,
        WalletAccount::Coins,
        WalletAccount::VestingCoins,
        WalletAccount::BoughtCoins,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// Why a line of a wallet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyKind {
    /// A seat was paid.
    SeatPaid,
    /// A seat's price went back.
    SeatRefunded,
    /// 参与奖.
    Consolation,
    /// Another reward.
    Reward,
    /// Vesting rewards became available.
    Vested,
    /// A payment went straight back; no account of the member moved.
    Bounced,
    /// A seat won; its price bought the product.
    SeatWon,
    /// A seat that was not drawn bought the product.
    SeatBought,
    /// A buyer returned the product: rewards that came from his seat, or hung on his group, are taken back.
    Reversed,
    /// A withdrawal was asked for.
    Withdrawn,
    /// A withdrawal was rejected: its money is back.
    WithdrawalRejected,
    /// A withdrawal was not paid: its money is back.
    WithdrawalFailed,
    /// Coins were not used in time.
    CoinsExpired,
    /// A reward that was available already was taken back.
    ClawedBack,
    /// Coins paid a part of a purchase.
    CoinsSpent,
    /// Coins of a purchase that was returned.
    CoinsBack,
    /// The gift of a recharge.
    RechargeGift,
    /// Coins paid part of a bill at a counter.
    CounterPaid,
    /// That bill was taken back.
    CounterReversed,
    /// Tax of a reward that came by chance, withheld as it was received.
    TaxWithheld,
    /// The gift of a recharge that was paid back.
    GiftBack,
    /// A package was paid: its coins.
    Recharged,
    /// What was unused of a package was paid back.
    RechargeRefunded,
}

impl WhyKind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            WhyKind::SeatPaid => "seat_paid",
            WhyKind::SeatRefunded => "seat_refunded",
            WhyKind::Consolation => "consolation",
            WhyKind::Reward => "reward",
            WhyKind::Vested => "vested",
            WhyKind::Bounced => "bounced",
            WhyKind::SeatWon => "seat_won",
            WhyKind::SeatBought => "seat_bought",
            WhyKind::Reversed => "reversed",
            WhyKind::Withdrawn => "withdrawn",
            WhyKind::WithdrawalRejected => "withdrawal_rejected",
            WhyKind::WithdrawalFailed => "withdrawal_failed",
            WhyKind::CoinsExpired => "coins_expired",
            WhyKind::ClawedBack => "clawed_back",
            WhyKind::CoinsSpent => "coins_spent",
            WhyKind::CoinsBack => "coins_back",
            WhyKind::RechargeGift => "recharge_gift",
            WhyKind::CounterPaid => "counter_paid",
            WhyKind::CounterReversed => "counter_reversed",
            WhyKind::TaxWithheld => "tax_withheld",
            WhyKind::GiftBack => "gift_back",
            WhyKind::Recharged => "recharged",
            WhyKind::RechargeRefunded => "recharge_refunded",
        }
    }
}

impl Word for WhyKind {
    const ALL: &'static [WhyKind] = &[
        WhyKind::SeatPaid,
        WhyKind::SeatRefunded,
        WhyKind::Consolation,
        WhyKind::Reward,
        WhyKind::Vested,
        WhyKind::Bounced,
        WhyKind::SeatWon,
        WhyKind::SeatBought,
        WhyKind::Reversed,
        WhyKind::Withdrawn,
        WhyKind::WithdrawalRejected,
        WhyKind::WithdrawalFailed,
        WhyKind::CoinsExpired,
        WhyKind::ClawedBack,
        WhyKind::CoinsSpent,
        WhyKind::CoinsBack,
        WhyKind::RechargeGift,
        WhyKind::CounterPaid,
        WhyKind::CounterReversed,
        WhyKind::TaxWithheld,
        WhyKind::GiftBack,
        WhyKind::Recharged,
        WhyKind::RechargeRefunded,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// How a direct purchase stands (rules 10.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseStatus {
    /// Units are held until it is paid.
    Reserved,
    /// It was not paid in time, or given up.
    Lapsed,
    /// To be sent.
    Paid,
    /// On its way.
    Shipped,
    /// There; it can still be returned.
    Received,
    /// The return window has closed.
    Kept,
    /// On its way back.
    Returning,
    /// Back; what was paid goes back, too.
    Returned,
}

impl PurchaseStatus {
    /// Its name in URLs and JSON.
    pub fn name(self) -> &'static str {
        match self {
            PurchaseStatus::Reserved => "reserved",
            PurchaseStatus::Lapsed => "lapsed",
            PurchaseStatus::Paid => "paid",
            PurchaseStatus::Shipped => "shipped",
            PurchaseStatus::Received => "received",
            PurchaseStatus::Kept => "kept",
            PurchaseStatus::Returning => "returning",
            PurchaseStatus::Returned => "returned",
        }
    }

    /// The status of that name.
    pub fn named(name: &str) -> Option<PurchaseStatus> {
        <PurchaseStatus as Word>::of(name)
    }
}

impl Word for PurchaseStatus {
    const ALL: &'static [PurchaseStatus] = &[
        PurchaseStatus::Reserved,
        PurchaseStatus::Lapsed,
        PurchaseStatus::Paid,
        PurchaseStatus::Shipped,
        PurchaseStatus::Received,
        PurchaseStatus::Kept,
        PurchaseStatus::Returning,
        PurchaseStatus::Returned,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// How a withdrawal stands (rules 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithdrawalStatus {
    /// It waits for a decision.
    Requested,
    /// It is approved, and at the channel or on the way there.
    Sent,
    /// The channel waits for the member's confirmation.
    Waiting,
    /// The member has the money.
    Paid,
    /// Staff rejected it: the money is available again.
    Rejected,
    /// The channel could not pay it: the money is available again.
    Failed,
    /// The member did not confirm it in time: the money is available again.
    Expired,
}

impl WithdrawalStatus {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            WithdrawalStatus::Requested => "requested",
            WithdrawalStatus::Sent => "sent",
            WithdrawalStatus::Waiting => "waiting",
            WithdrawalStatus::Paid => "paid",
            WithdrawalStatus::Rejected => "rejected",
            WithdrawalStatus::Failed => "failed",
            WithdrawalStatus::Expired => "expired",
        }
    }

    /// The status of that name.
    pub fn named(name: &str) -> Option<WithdrawalStatus> {
        <WithdrawalStatus as Word>::of(name)
    }
}

impl Word for WithdrawalStatus {
    const ALL: &'static [WithdrawalStatus] = &[
        WithdrawalStatus::Requested,
        WithdrawalStatus::Sent,
        WithdrawalStatus::Waiting,
        WithdrawalStatus::Paid,
        WithdrawalStatus::Rejected,
        WithdrawalStatus::Failed,
        WithdrawalStatus::Expired,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

/// The kind of notice of that name.
pub fn notice_kind(name: &str) -> Option<NoticeKind> {
    NoticeKind::of(name)
}

impl Word for NoticeKind {
    const ALL: &'static [NoticeKind] = &NoticeKind::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

impl From<NoticeWhy> for RefundReason {
    fn from(why: NoticeWhy) -> RefundReason {
        match why {
            NoticeWhy::Bounced(reason) => RefundReason::Bounced(reason),
            NoticeWhy::Left => RefundReason::Left,
            NoticeWhy::Closed(why) => RefundReason::Closed(why),
            NoticeWhy::Returned => RefundReason::Returned,
        }
    }
}

impl Word for ProgramKind {
    const ALL: &'static [ProgramKind] = &[
        ProgramKind::Consolation,
        ProgramKind::WinnerBonus,
        ProgramKind::Leader,
        ProgramKind::Formation,
        ProgramKind::Generation,
        ProgramKind::Differential,
        ProgramKind::SameLevel,
        ProgramKind::Region,
        ProgramKind::Dividend,
        ProgramKind::OriginShare,
    ];
    fn word(self) -> &'static str {
        self.name()
    }
}

impl Word for Asset {
    const ALL: &'static [Asset] = &[Asset::Cny, Asset::Coin];
    fn word(self) -> &'static str {
        asset_name(self)
    }
}

/// An asset's name in SQL and JSON.
pub fn asset_name(asset: Asset) -> &'static str {
    match asset {
        Asset::Cny => "CNY",
        Asset::Coin => "COIN",
    }
}
