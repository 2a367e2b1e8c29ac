//! Rules 4 and 8: which campaigns may be published, what they promise, and whether it can be paid.

use domain::rewards::{Base, Limit, Program, Reward, Source};
use domain::{BeaconSource, Campaign, Profile};

use super::rewards::consolation;
use super::seats::channel_fee;
use super::{Model, Outcome, Told, refused};

/// One hundred million yuan.
const MOST: i64 = 10_000_000_000;
/// All promises together stay below this.
const MOST_PROMISED: i64 = i64::MAX / 4;

impl Model {
    pub(super) fn deposit(&mut self, amount: i64) -> Outcome {
        if amount <= 0 {
            return refused("amount_not_positive");
        }
        if MOST < amount || MOST_PROMISED < self.money.promised + amount {
            return refused("amount_too_large");
        }
        self.money.capital += amount;
        self.money.channel += amount;
        self.money.promised += amount;
        Outcome::done(Told::Done)
    }

    pub(super) fn publish(&mut self, terms: &Campaign, now: i64) -> Outcome {
        if let Some(code) = forbidden(terms) {
            return refused(code);
        }
        if worst(terms) < 0 {
            return refused("campaign_not_solvent");
        }
        let (genesis, _) = beacon(terms);
        if now.div_euclid(1000) < genesis {
            return refused("campaign_invalid");
        }
        if self.own() < 0 {
            return refused("own_money_below_zero");
        }
        let number = u32::try_from(self.offers.len()).unwrap_or(u32::MAX);
        self.offers.insert(number, terms.clone());
        Outcome::done(Told::Campaign(number))
    }

    /// Whether one more group of this campaign can be promised.
    pub(super) fn can_promise(&self, terms: &Campaign) -> bool {
        self.money.promised + promise(terms) <= MOST_PROMISED
    }

    pub(super) fn promise(&mut self, terms: &Campaign) {
        self.money.promised += promise(terms);
    }

    pub(super) fn unpromise(&mut self, terms: &Campaign) {
        self.money.promised -= promise(terms);
    }
}

/// Genesis and period of the beacon, in seconds.
pub(super) fn beacon(terms: &Campaign) -> (i64, i64) {
    match terms.draw.source {
        BeaconSource::Local {
            genesis, period, ..
        } => (genesis.cast_signed(), period.cast_signed()),
        BeaconSource::DrandQuicknet => (1_692_803_367, 3),
    }
}

/// Every seat's payment, and all coins.
fn promise(terms: &Campaign) -> i64 {
    let coins = terms.rewards.iter().map(|reward| bound(reward, terms).1);
    terms.group.price.0 * i64::from(terms.group.seats) + coins.sum::<i64>()
}

/// What is left of a group if every program pays the most it can, and the channel takes its fees.
pub(crate) fn worst(terms: &Campaign) -> i64 {
    let payers = if terms.channel.kept_on_refund {
        terms.group.seats
    } else {
        terms.group.winners
    };
    least_gain(terms) - i64::from(payers) * channel_fee(terms.group.price.0, terms)
}

/// The same before fees.
pub(super) fn least_gain(terms: &Campaign) -> i64 {
    let group = &terms.group;
    let mut rewards = 0;
    let mut of_caps = vec![0; terms.caps.len()];
    for reward in &terms.rewards {
        let cash = bound(reward, terms).0;
        match reward.limit {
            Limit::None => rewards += cash,
            Limit::Own(cap) => rewards += cash.min(cap.0),
            Limit::Shared(at) => of_caps[at as usize] += cash,
        }
    }
    for (sum, cap) in of_caps.iter().zip(&terms.caps) {
        rewards += cap.limit.0.min(*sum);
    }
    i64::from(group.winners) * (group.price.0 - terms.product.cost.0) - rewards
}

/// The most that a program's rule costs, in cash and coins.
fn bound(reward: &Reward, terms: &Campaign) -> (i64, i64) {
    let (seats, winners) = (i64::from(terms.group.seats), i64::from(terms.group.winners));
    match &reward.program {
        Program::Consolation(program) => {
            let losers = seats - winners;
            (losers * program.cash.0, losers * program.coins.0)
        }
        Program::WinnerBonus(program) => (winners * program.cash.0, winners * program.coins.0),
        Program::Leader(program) => (program.cash.0, program.coins.0),
        Program::Formation(program) => ((seats - 1) * program.per_recruit.0, 0),
        Program::Generation(program) => {
            let sources = match program.source {
                Source::Winners => winners,
                Source::NonWinners => seats - winners,
                Source::All => seats,
            };
            let base = match program.base {
                Base::Price => terms.group.price.0,
                Base::Margin => terms.group.price.0 - terms.product.cost.0,
                Base::Fixed(sum) => sum.0,
                Base::Consolation => consolation(terms),
            };
            let each = program
                .rates
                .iter()
                .map(|rate| (base * i64::from(rate.0)).div_euclid(1_000_000));
            (sources * each.sum::<i64>(), 0)
        }
        // Nothing here publishes them.
        Program::Differential(_)
        | Program::SameLevel(_)
        | Program::Region(_)
        | Program::Dividend(_) => (0, 0),
    }
}

/// The rule that a campaign breaks by itself, as its code.
fn forbidden(terms: &Campaign) -> Option<&'static str> {
    let texts = [
        &terms.name.zh,
        &terms.name.en,
        &terms.product.title.zh,
        &terms.product.title.en,
    ];
    let texts = texts.iter().all(|text| {
        !text.trim().is_empty() && text.len() <= 400 && !text.chars().any(char::is_control)
    });
    let group = &terms.group;
    let sums = |sum: i64, least: i64| (least..=MOST).contains(&sum);
    let seats = (2..=10_000).contains(&group.seats)
        && (1..group.seats).contains(&group.winners)
        && (1..=group.seats).contains(&group.seats_per_member);
    let windows = (1_000..=90 * super::DAY).contains(&group.fill_within.0)
        && (1_000..=super::DAY).contains(&group.payment_window.0);
    let least_delay = match terms.draw.source {
        BeaconSource::DrandQuicknet => 30,
        BeaconSource::Local { .. } => 3,
    };
    let draw = beacon(terms).1 != 0 && (least_delay..=2_592_000).contains(&terms.draw.delay_s);
    if !(texts && seats && windows && draw && sums(group.price.0, 1)) {
        return Some("campaign_invalid");
    }
    if terms.plan == 0 {
        return Some("plan_unknown");
    }
    let mut names = terms.caps.iter().map(|cap| cap.name.as_str());
    let caps = terms.caps.len() <= 8
        && terms.caps.iter().all(|cap| sums(cap.limit.0, 0))
        && names.all(|name| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            (1..=32).contains(&name.len()) && name.bytes().all(plain)
        })
        && terms.caps.is_sorted_by(|one, next| one.name < next.name);
    let fine = terms.channel.fee.0 <= 1_000_000 && sums(terms.product.cost.0, 0) && caps;
    if !(fine && rewards_allowed(terms)) {
        return Some("campaign_invalid");
    }
    if terms.profile != Profile::Seed {
        return Some("profile_forbids");
    }
    (terms.plan != 1).then_some("plan_unknown")
}

fn rewards_allowed(terms: &Campaign) -> bool {
    let sums = |sum: i64| (0..=MOST).contains(&sum);
    let of_kind = |reward: &&Reward| matches!(reward.program, Program::Consolation(_));
    let consolations = terms.rewards.iter().filter(of_kind).count();
    let each = terms.rewards.iter().all(|reward| {
        let limit = match reward.limit {
            Limit::None => true,
            Limit::Own(cap) => sums(cap.0),
            Limit::Shared(at) => (at as usize) < terms.caps.len(),
        };
        let program = match &reward.program {
            Program::Consolation(program) => sums(program.cash.0) && sums(program.coins.0),
            Program::WinnerBonus(program) => sums(program.cash.0) && sums(program.coins.0),
            Program::Leader(program) => sums(program.cash.0) && sums(program.coins.0),
            Program::Formation(program) => sums(program.per_recruit.0),
            Program::Generation(program) => {
                let table = program.vip_depth.as_ref().is_none_or(|table| {
                    (1..=20).contains(&table.len()) && table.iter().all(|&depth| depth <= 20)
                });
                let base = match program.base {
                    Base::Price => true,
                    Base::Fixed(sum) => sums(sum.0),
                    Base::Consolation => consolations == 1,
                    Base::Margin => terms.product.cost <= terms.group.price,
                };
                let rates = (1..=20).contains(&program.rates.len())
                    && program.rates.iter().all(|rate| rate.0 <= 1_000_000);
                table && base && rates
            }
            Program::Differential(_)
            | Program::SameLevel(_)
            | Program::Region(_)
            | Program::Dividend(_) => false,
        };
        limit && program
    });
    each && terms.rewards.len() <= 16 && consolations <= 1
}
