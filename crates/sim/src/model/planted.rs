//! Mistakes made on purpose.

/// A rule that the slow model tells wrongly on purpose: a harness that does not find it within a few seeds proves
/// nothing about the mistakes nobody planted. To the comparison it is all the same which of the two sides is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// The channel's fee is rounded down.
    FeeRoundedDown,
    /// A reservation lapses a millisecond later.
    LapsesLater,
    /// The VIP level counts invitees without a settled seat, too.
    VipOfAllInvitees,
    /// Rewards vest when the first winner's return window closes.
    VestsAtFirstKept,
    /// An idempotency key is forgotten an hour early.
    KeyForgottenEarly,
    /// Places that wait for their payment do not count for the limit of seats.
    LimitCountsPaidOnly,
    /// A leader is paid "unless won" even if he won.
    LeaderPaidAnyway,
    /// A shared cap is given to each of its programs anew.
    SharedCapAnew,
    /// When a product is returned, the rewards that came from its seat stay.
    ReturnKeepsRewards,
    /// What came back of a day's withdrawals counts for its limit all the same.
    RejectedCountsForTheDay,
    /// A withdrawal that was rejected or failed is not the member's again.
    FailedPayoutIsLost,
    /// What was withdrawn cannot be taken back.
    ClawsBackWhatIsThereOnly,
    /// Coins that an unpaid purchase holds can be held by another, too.
    CoinsHeldTwice,
    /// Coins that end last are used first.
    NewestCoinsFirst,
    /// Units that a buyer has returned are owed to the supplier once more.
    ReturnedUnitsAreOwedAgain,
    /// Coins pay more of a bill at a counter than its merchant leaves.
    CoinsPastWhatIsKept,
    /// Coins of a bill that is taken back are not the member's again.
    VoidKeepsCoins,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Mistake; 17] = [
        Mistake::FeeRoundedDown,
        Mistake::LapsesLater,
        Mistake::VipOfAllInvitees,
        Mistake::VestsAtFirstKept,
        Mistake::KeyForgottenEarly,
        Mistake::LimitCountsPaidOnly,
        Mistake::LeaderPaidAnyway,
        Mistake::SharedCapAnew,
        Mistake::ReturnKeepsRewards,
        Mistake::RejectedCountsForTheDay,
        Mistake::FailedPayoutIsLost,
        Mistake::ClawsBackWhatIsThereOnly,
        Mistake::CoinsHeldTwice,
        Mistake::NewestCoinsFirst,
        Mistake::ReturnedUnitsAreOwedAgain,
        Mistake::CoinsPastWhatIsKept,
        Mistake::VoidKeepsCoins,
    ];
}
