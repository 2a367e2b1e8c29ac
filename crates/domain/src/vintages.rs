//! What has become of coins, by when they expire (rules 10.1): how many were given, came back with refunded bills, were used, ended
//! unused, or went back with a refunded recharge.
//!
//! Why it is counted as ledger lines are posted: only then is it known which of a member's lots a bill took. A month is one line
//! for all members, so it stays small.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::{AllianceEvent, Coins, Event, Millis, Month, RechargeEvent, ShopEvent, World, ledger};

/// Coins of all members that expire together, and what has become of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vintage {
    /// From this moment on they are gone.
    pub expires: Millis,
    /// The first month in which any of them were given. Only where profiles let coins last differently long is it another than the last.
    pub first: Month,
    /// The last.
    pub last: Month,
    /// Given: consolation, bonuses, leaders' rewards as they became usable, gifts of packages.
    pub issued: Coins,
    /// Came back with bills that were refunded: of purchases to the months they had, of counters as new ones.
    pub came_back: Coins,
    /// Paid a part of bills.
    pub used: Coins,
    /// Ended before anybody used them.
    pub expired: Coins,
    /// Gifts that went back with refunded recharges.
    pub taken_back: Coins,
}

impl Vintage {
    /// What members still have: all that came less all that went.
    pub fn outstanding(&self) -> Coins {
        let came = self.issued.0.saturating_add(self.came_back.0);
        let went = self.used.0.saturating_add(self.expired.0);
        Coins(came.saturating_sub(went).saturating_sub(self.taken_back.0))
    }
}

/// What an event does with members' coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Those it gives are new, those it takes are used.
    Plain,
    /// It gives back those of a refunded bill.
    CameBack,
    /// It takes those that have ended.
    Expired,
    /// It takes a gift back.
    TakenBack,
}

impl Turn {
    pub(crate) fn of(event: &Event) -> Turn {
        if matches!(
            event,
            Event::Shop(ShopEvent::PurchaseReturned { .. })
                | Event::Alliance(AllianceEvent::CounterReversed(_))
        ) {
            Turn::CameBack
        } else if matches!(event, Event::CoinsExpired { .. }) {
            Turn::Expired
        } else if matches!(event, Event::Recharge(RechargeEvent::Refunded { .. })) {
            Turn::TakenBack
        } else {
            Turn::Plain
        }
    }
}

/// One month's, in hundredths of a coin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
struct Counted {
    #[n(0)]
    first: Month,
    #[n(1)]
    last: Month,
    #[n(2)]
    issued: i64,
    #[n(3)]
    came_back: i64,
    #[n(4)]
    used: i64,
    #[n(5)]
    expired: i64,
    #[n(6)]
    taken_back: i64,
}

/// By the last month in which the coins are good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Vintages(#[n(0)] BTreeMap<Month, Counted>);

impl Vintages {
    pub(crate) fn come(&mut self, (ends, today): (Month, Month), turn: Turn, coins: i64) {
        let first = Counted {
            first: today,
            last: today,
            ..Counted::default()
        };
        let counted = self.0.entry(ends).or_insert(first);
        let sum = match turn {
            Turn::CameBack => &mut counted.came_back,
            Turn::Plain | Turn::Expired | Turn::TakenBack => {
                counted.last = today;
                &mut counted.issued
            }
        };
        ledger::add(sum, coins);
    }

    pub(crate) fn go(&mut self, ends: Month, turn: Turn, coins: i64) {
        if coins == 0 {
            return;
        }
        let counted = self.0.entry(ends).or_default();
        let sum = match turn {
            Turn::Expired => &mut counted.expired,
            Turn::TakenBack => &mut counted.taken_back,
            Turn::Plain | Turn::CameBack => &mut counted.used,
        };
        ledger::add(sum, coins);
    }

    fn all(&self) -> impl Iterator<Item = Vintage> {
        self.0.iter().map(|(ends, counted)| Vintage {
            expires: ends.plus(1).begins(),
            first: counted.first,
            last: counted.last,
            issued: Coins(counted.issued),
            came_back: Coins(counted.came_back),
            used: Coins(counted.used),
            expired: Coins(counted.expired),
            taken_back: Coins(counted.taken_back),
        })
    }
}

impl World {
    /// What has become of all coins that were ever given, by when they expire, the oldest first.
    pub fn vintages(&self) -> Vec<Vintage> {
        self.lots.vintages.all().collect()
    }

    /// What is counted by month is what members have.
    pub(crate) fn check_vintages(&self, found: &mut Vec<String>) {
        let counted = self.vintages().into_iter();
        let counted = counted.map(|vintage| (vintage.expires, vintage.outstanding()));
        let counted: Vec<_> = counted.filter(|(_, coins)| coins.0 != 0).collect();
        let held = self.coin_vintages().into_iter();
        let held: Vec<_> = held.map(|lot| (lot.expires, lot.coins)).collect();
        if counted != held {
            found.push(format!(
                "members hold coins {held:?}, and {counted:?} are counted"
            ));
        }
    }
}
