//! Profiles: named limits on what may be published and paid (rules 11).
//!
//! Two stand here; an operator's own is a file that is adopted with who signs for it. A campaign carries the profile it was
//! published under, an own one with all its limits: a later change of them changes no campaign.

use std::sync::LazyLock;

use minicbor::{Decode, Encode};

use crate::{
    Campaign, Duration, Event, HOUR_MS, Kind, LeaderRule, Leftover, Millis, Money, Overflow,
    PlanTerms, ProgramKind, RATE_ONE_PPM, Rate, Refusal, VipRule, World,
    rewards::{self, Program, Source},
};

/// Longest text of an own profile, in bytes.
pub const MAX_PROFILE_TEXT: usize = 200;
/// Most campaigns that an own profile can name.
pub const MAX_COVERED: usize = 1_000;
/// Longest time that coins can last, in months.
pub const MAX_COIN_MONTHS: u32 = 120;
/// Most years that a profile can promise to keep things.
pub const MAX_RETENTION_YEARS: u32 = 100;

/// The limits a campaign is published under, and those of the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Everything, for demonstration and tests.
    #[default]
    Seed,
    /// Cautious limits for mainland China.
    CnDefault,
    /// The operator's own, with who signs for it.
    Own(Box<OwnProfile>),
}

/// A profile that an operator answers for (rules 11).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OwnProfile {
    /// What it is called.
    #[n(0)]
    pub name: String,
    /// Who signs for it.
    #[n(1)]
    pub signed_by: String,
    /// SHA-256 of the legal opinion's file.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub opinion: [u8; 32],
    /// From this moment on nothing new begins under it.
    #[n(3)]
    pub expires: Millis,
    /// The campaigns it covers, by either name; none named: all.
    #[n(4)]
    pub campaigns: Vec<String>,
    /// Its limits.
    #[n(5)]
    pub terms: ProfileTerms,
}

/// The limits of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ProfileTerms {
    /// The kinds of campaigns that may be published.
    #[n(0)]
    pub kinds: Vec<Kind>,
    /// The reward programs that may be used.
    #[n(1)]
    pub programs: Vec<ProgramKind>,
    /// Most generations of a generation program.
    #[n(2)]
    pub max_generations: u32,
    /// Which seats rewards may start from.
    #[n(3)]
    pub sources: RewardSources,
    /// What VIP levels may be counted by, where a campaign's rewards depend on them.
    #[n(4)]
    pub vip_by: VipBasis,
    /// The most cash that all rewards of a group may cost, of what its winners pay.
    #[n(5)]
    pub rewards_cap: Rate,
    /// The most that one prize may be worth.
    #[n(6)]
    pub prize_cap: Money,
    /// What the leader's seat may do in the draw.
    #[n(7)]
    pub leader_rules: Vec<LeaderRule>,
    /// What consolation may be paid in.
    #[n(8)]
    pub consolation: ConsolationIn,
    /// What share of "all winners return" must be covered too (rules 8).
    #[n(9)]
    pub return_reserve: Rate,
    /// What share of "all coins at face" must be covered too (rules 8).
    #[n(10)]
    pub coin_reserve: Rate,
    /// θ: the most of a bill that coins can pay (rules 10.2).
    #[n(11)]
    pub coin_offset: Rate,
    /// How long coins last: to the end of the month that comes so many months later (rules 10.1).
    #[n(12)]
    pub coin_months: u32,
    /// The most that one member may have paid for coins he has not used; none: coins are not sold.
    #[n(13)]
    pub recharge_cap: Option<Money>,
    /// The most money that one member may have in groups at once (rules 9.7).
    #[n(14)]
    pub money_in_groups: Option<Money>,
    /// The most entries of one member a day.
    #[n(15)]
    pub entries_per_day: Option<u32>,
    /// The pause after a run of losses.
    #[n(16)]
    pub loss_pause: Option<LossPause>,
    /// What may be withdrawn.
    #[n(17)]
    pub withdrawal: WithdrawalTerms,
    /// The tax on rewards.
    #[n(18)]
    pub withholding: Withholding,
    /// The least age of whoever withdraws, in years, as somebody has seen it; whoever is known to be younger enters nothing
    /// either. 0: nobody is asked.
    #[cbor(n(19), skip_if = "is_zero", default)]
    pub minimum_age: u32,
    /// Whether a member's name and age must be verified before his first entry already, and not only before he withdraws.
    #[cbor(n(20), skip_if = "is_false", default)]
    pub names_at_entry: bool,
    /// For how many years the platform promises to keep what was published, drawn and paid.
    #[cbor(n(21), skip_if = "is_zero", default)]
    pub retention_years: u32,
    /// What every public notice must tell.
    #[cbor(n(22), skip_if = "Vec::is_empty", default)]
    pub disclosures: Vec<Disclosure>,
    /// What every group of the platform's own campaigns must at least leave (rules 8).
    #[cbor(n(24), skip_if = "crate::recharge::no_cash", default)]
    pub margin_floor: Money,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What a public notice tells (rules 11). All but the organiser is made from the data that runs the campaign, so it cannot be
/// missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Disclosure {
    /// What is sold and what can be won.
    #[n(0)]
    Prizes,
    /// How many.
    #[n(1)]
    Quantity,
    /// The odds.
    #[n(2)]
    Odds,
    /// How winners are found.
    #[n(3)]
    Draw,
    /// Until when a group fills, and how long a place waits for its payment.
    #[n(4)]
    Times,
    /// What everyone can earn at most and what the median member earned.
    #[n(5)]
    Earnings,
    /// Who runs the platform, and how he is reached.
    #[n(6)]
    Organiser,
}

impl Disclosure {
    /// All of them.
    pub const ALL: [Disclosure; 7] = [
        Disclosure::Prizes,
        Disclosure::Quantity,
        Disclosure::Odds,
        Disclosure::Draw,
        Disclosure::Times,
        Disclosure::Earnings,
        Disclosure::Organiser,
    ];

    /// Its name in profile files.
    pub fn name(self) -> &'static str {
        match self {
            Disclosure::Prizes => "prizes",
            Disclosure::Quantity => "quantity",
            Disclosure::Odds => "odds",
            Disclosure::Draw => "draw",
            Disclosure::Times => "times",
            Disclosure::Earnings => "earnings",
            Disclosure::Organiser => "organiser",
        }
    }
}

/// Which seats rewards may start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RewardSources {
    /// Any.
    #[n(0)]
    Any,
    /// Those of buyers only.
    #[n(1)]
    Buyers,
}

/// What VIP levels may be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum VipBasis {
    /// Invitees or kept sales.
    #[n(0)]
    Any,
    /// Kept sales only.
    #[n(1)]
    KeptSales,
}

/// What consolation may be paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ConsolationIn {
    /// Cash, coins or both.
    #[n(0)]
    Any,
    /// Coins only.
    #[n(1)]
    Coins,
    /// Cash only.
    #[n(2)]
    Cash,
}

/// A member who has lost so often in a row waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LossPause {
    /// How many losses in a row.
    #[n(0)]
    pub losses: u32,
    /// How long he waits.
    #[n(1)]
    pub pause: Duration,
}

/// What may be withdrawn (rules 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WithdrawalTerms {
    /// The least of one withdrawal.
    #[n(0)]
    pub minimum: Money,
    /// What the platform keeps of each, rounded down.
    #[n(1)]
    pub fee: Rate,
    /// The most of one member in one day of Shanghai.
    #[n(2)]
    pub daily_limit: Money,
}

/// The tax that is withheld when a reward is received (rules 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Withholding {
    /// On cash that came by chance: consolation and the winner's bonus.
    #[n(0)]
    pub occasional: Rate,
    /// Who bears it.
    #[n(1)]
    pub borne_by: TaxBearer,
}

/// Who bears the tax on a reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum TaxBearer {
    /// It is taken out of the reward.
    #[n(0)]
    Member,
    /// The owner pays it on top.
    #[n(1)]
    Owner,
}

const EVERY_PROGRAM: [ProgramKind; 10] = [
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

static SEED: LazyLock<ProfileTerms> = LazyLock::new(|| ProfileTerms {
    kinds: vec![
        Kind::Draw,
        Kind::EveryoneBuys,
        Kind::BonusDraw,
        Kind::Treat,
        Kind::Ballot,
    ],
    programs: EVERY_PROGRAM.to_vec(),
    max_generations: u32::MAX,
    sources: RewardSources::Any,
    vip_by: VipBasis::Any,
    rewards_cap: Rate(u32::MAX),
    prize_cap: Money(i64::MAX),
    leader_rules: vec![LeaderRule::Equal, LeaderRule::Exempt, LeaderRule::Buys],
    consolation: ConsolationIn::Any,
    return_reserve: Rate(0),
    coin_reserve: Rate(0),
    coin_offset: Rate(RATE_ONE_PPM / 10),
    coin_months: 12,
    recharge_cap: Some(Money(10_000_000)),
    money_in_groups: None,
    entries_per_day: None,
    loss_pause: None,
    withdrawal: WithdrawalTerms {
        minimum: Money(100),
        fee: Rate(0),
        daily_limit: Money(5_000_000),
    },
    withholding: Withholding {
        occasional: Rate(0),
        borne_by: TaxBearer::Member,
    },
    minimum_age: 0,
    names_at_entry: false,
    retention_years: 0,
    disclosures: Vec::new(),
    margin_floor: Money::ZERO,
});

static CN_DEFAULT: LazyLock<ProfileTerms> = LazyLock::new(|| ProfileTerms {
    kinds: vec![Kind::EveryoneBuys, Kind::BonusDraw, Kind::Ballot],
    programs: vec![
        ProgramKind::Consolation,
        ProgramKind::WinnerBonus,
        ProgramKind::Leader,
        ProgramKind::Generation,
        ProgramKind::Region,
        ProgramKind::OriginShare,
    ],
    max_generations: 1,
    sources: RewardSources::Buyers,
    vip_by: VipBasis::KeptSales,
    rewards_cap: Rate(u32::MAX),
    prize_cap: Money(5_000_000),
    leader_rules: vec![LeaderRule::Equal, LeaderRule::Exempt, LeaderRule::Buys],
    consolation: ConsolationIn::Coins,
    return_reserve: Rate(RATE_ONE_PPM),
    coin_reserve: Rate(RATE_ONE_PPM),
    coin_offset: Rate(RATE_ONE_PPM / 10),
    coin_months: 12,
    recharge_cap: None,
    money_in_groups: Some(Money(100_000)),
    entries_per_day: None,
    loss_pause: Some(LossPause {
        losses: 5,
        pause: Duration(24 * HOUR_MS),
    }),
    withdrawal: WithdrawalTerms {
        minimum: Money(1_000),
        fee: Rate(6_000),
        daily_limit: Money(500_000),
    },
    withholding: Withholding {
        occasional: Rate(RATE_ONE_PPM / 5),
        borne_by: TaxBearer::Member,
    },
    minimum_age: 18,
    names_at_entry: false,
    retention_years: 10,
    disclosures: Disclosure::ALL.to_vec(),
    margin_floor: Money::ZERO,
});

impl Profile {
    /// Its name in campaign files.
    pub fn name(&self) -> &'static str {
        match self {
            Profile::Seed => "seed",
            Profile::CnDefault => "cn-default",
            Profile::Own(_) => "own",
        }
    }

    /// Its limits.
    pub fn terms(&self) -> &ProfileTerms {
        match self {
            Profile::Seed => &SEED,
            Profile::CnDefault => &CN_DEFAULT,
            Profile::Own(own) => &own.terms,
        }
    }

    /// Refuses a campaign that this profile does not allow, naming the limit.
    pub fn check(&self, campaign: &Campaign) -> Result<(), Refusal> {
        let broken = match self {
            // Everything, so nothing is looked at.
            Profile::Seed => None,
            Profile::CnDefault => self.terms().broken_by(campaign)?,
            Profile::Own(own) if !own.covers(campaign) => Some("campaigns"),
            Profile::Own(own) => own.terms.broken_by(campaign)?,
        };
        self.allow_unless(broken)
    }

    /// Refuses a campaign whose plan this profile does not allow: where VIP levels count, by kept sales only (rules 11).
    pub(crate) fn check_plan(&self, campaign: &Campaign, plan: &PlanTerms) -> Result<(), Refusal> {
        let by_heads = matches!(plan.vip, VipRule::Invitees(_));
        let counts = campaign.rewards.iter().any(|reward| {
            matches!(&reward.program, Program::Generation(program) if program.vip_depth.is_some())
        });
        let kept_only = self.terms().vip_by == VipBasis::KeptSales;
        self.allow_unless((by_heads && counts && kept_only).then_some("vip_by_invitees"))
    }

    /// Refuses what begins under an own profile after its last day.
    pub(crate) fn check_day(&self, now: Millis) -> Result<(), Refusal> {
        let over = matches!(self, Profile::Own(own) if own.expires <= now);
        self.allow_unless(over.then_some("expires"))
    }

    fn allow_unless(&self, broken: Option<&'static str>) -> Result<(), Refusal> {
        broken.map_or(Ok(()), |limit| {
            Err(Refusal::ProfileForbids {
                profile: self.name(),
                limit,
            })
        })
    }
}

impl OwnProfile {
    fn covers(&self, campaign: &Campaign) -> bool {
        let named = |name: &String| *name == campaign.name.zh || *name == campaign.name.en;
        self.campaigns.is_empty() || self.campaigns.iter().any(named)
    }

    /// Every rule that an own profile must keep by itself; errors with the first one it breaks.
    pub fn check(&self) -> Result<(), Refusal> {
        let invalid = |field, must| Err(Refusal::InvalidProfile { field, must });
        for (field, text) in [("name", &self.name), ("signed_by", &self.signed_by)] {
            if text.trim().is_empty() || MAX_PROFILE_TEXT < text.len() {
                return invalid(field, "must have 1 to 200 bytes");
            }
        }
        if self.opinion == [0; 32] {
            return invalid("opinion_sha256", "must be the hash of a file");
        }
        let long = |name: &String| name.is_empty() || MAX_PROFILE_TEXT < name.len();
        if MAX_COVERED < self.campaigns.len() || self.campaigns.iter().any(long) {
            return invalid("campaigns", "must be at most 1000 names of 1 to 200 bytes");
        }
        self.terms.check()
    }
}

impl ProfileTerms {
    /// Whether anything depends on who a member is.
    pub(crate) fn asks_who(&self) -> bool {
        self.minimum_age != 0 || self.names_at_entry
    }

    fn check(&self) -> Result<(), Refusal> {
        let invalid = |field, must| Err(Refusal::InvalidProfile { field, must });
        if self.kinds.is_empty() {
            return invalid("kinds", "must name at least one");
        }
        if self.leader_rules.is_empty() {
            return invalid("leader_rules", "must name at least one");
        }
        let rates = [
            ("return_reserve", self.return_reserve),
            ("coin_reserve", self.coin_reserve),
            ("coin_offset", self.coin_offset),
            ("withdrawal.fee", self.withdrawal.fee),
            ("withholding.occasional", self.withholding.occasional),
        ];
        for (field, rate) in rates {
            if RATE_ONE_PPM < rate.0 {
                return invalid(field, "must be between 0 % and 100 %");
            }
        }
        if self.withdrawal.fee.0 == RATE_ONE_PPM {
            return invalid("withdrawal.fee", "must leave something");
        }
        let amounts = [
            ("prize_cap", Some(self.prize_cap)),
            ("margin_floor", Some(self.margin_floor)),
            ("recharge.cap", self.recharge_cap),
            ("limits.money_in_groups", self.money_in_groups),
            ("withdrawal.daily_limit", Some(self.withdrawal.daily_limit)),
        ];
        for (field, amount) in amounts {
            if amount.is_some_and(|amount| amount < Money::ZERO) {
                return invalid(field, "must not be below zero");
            }
        }
        let untaxed = RATE_ONE_PPM.saturating_sub(self.withholding.occasional.0);
        if self.withholding.borne_by == TaxBearer::Owner && untaxed == 0 {
            return invalid(
                "withholding.occasional",
                "must be below 100 % where owners bear it",
            );
        }
        if !self.withdrawal.minimum.is_positive() {
            return invalid("withdrawal.minimum", "must be above zero");
        }
        if !(1..=MAX_COIN_MONTHS).contains(&self.coin_months) {
            return invalid("coins.months", "must be between 1 and 120");
        }
        if crate::MAX_AGE < self.minimum_age {
            return invalid("minimum_age", "must be at most 150");
        }
        if MAX_RETENTION_YEARS < self.retention_years {
            return invalid("retention_years", "must be at most 100");
        }
        if let Some(pause) = self.loss_pause
            && (pause.losses < 1 || !(1..=366 * 24 * HOUR_MS).contains(&pause.pause.0))
        {
            return invalid(
                "limits.pause",
                "must follow at least one loss and last at most 366 days",
            );
        }
        Ok(())
    }

    /// The first limit that a campaign does not keep.
    fn broken_by(&self, campaign: &Campaign) -> Result<Option<&'static str>, Overflow> {
        if !self.kinds.contains(&campaign.kind) {
            return Ok(Some("kinds"));
        }
        if !self.leader_rules.contains(&campaign.group.leader) {
            return Ok(Some("leader_rules"));
        }
        if self.is_over_prize_cap(campaign) {
            return Ok(Some("prize_value_cap"));
        }
        let allows = |program| self.programs.contains(&program);
        if campaign.leftover == Leftover::Dividend && !allows(ProgramKind::Dividend) {
            return Ok(Some("dividend"));
        }
        if campaign.origin_share.is_some() && !allows(ProgramKind::OriginShare) {
            return Ok(Some("origin_share"));
        }
        for reward in &campaign.rewards {
            let broken = self.broken_by_reward(campaign, &reward.program);
            if broken.is_some() {
                return Ok(broken);
            }
        }
        let over = self.rewards_cap.0 < RATE_ONE_PPM && self.is_over_cap(campaign)?;
        Ok(over.then_some("rewards_cap"))
    }

    fn broken_by_reward(&self, campaign: &Campaign, program: &Program) -> Option<&'static str> {
        let kind = program.kind();
        if !self.programs.contains(&kind) {
            return Some(limit_of(kind));
        }
        match program {
            Program::Consolation(paid) => match self.consolation {
                ConsolationIn::Coins if paid.cash.is_positive() => return Some("consolation_cash"),
                ConsolationIn::Cash if paid.coins.is_positive() => {
                    return Some("consolation_coins");
                }
                ConsolationIn::Any | ConsolationIn::Coins | ConsolationIn::Cash => {}
            },
            Program::Generation(paid) => {
                if usize::try_from(self.max_generations).is_ok_and(|most| most < paid.rates.len()) {
                    return Some("max_generations");
                }
                // Plan 1 counts heads. Of other plans publication asks: see `check_plan`.
                let by_heads = paid.vip_depth.is_some() && campaign.plan == 1;
                if by_heads && self.vip_by == VipBasis::KeptSales {
                    return Some("vip_by_invitees");
                }
            }
            Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_)
            | Program::Differential(_)
            | Program::SameLevel(_)
            | Program::Region(_)
            | Program::Dividend(_) => {}
        }
        // Where everyone buys, all seats are buyers.
        let of_buyers = match program.source() {
            None | Some(Source::Winners) => true,
            Some(Source::NonWinners | Source::All) => campaign.kind.everyone_buys(),
        };
        (self.sources == RewardSources::Buyers && !of_buyers).then_some("reward_source")
    }

    /// What is drawn for is worth what it sells for or what it costs, whichever is more: of a draw the product, of a treat the
    /// largest bill. A merchant's prize of no stated cost could be worth anything, so where there is a cap it is over it.
    fn is_over_prize_cap(&self, campaign: &Campaign) -> bool {
        let drawn = match campaign.kind {
            Kind::Draw | Kind::Treat => campaign.group.price.max(campaign.product.cost),
            Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => Money::ZERO,
        };
        let prize = campaign.prize.as_ref().map(|prize| prize.cost);
        let unstated = prize.is_some_and(|cost| !cost.is_positive()) && campaign.merchant.is_some();
        let is_capped = self.prize_cap < Money(i64::MAX);
        self.prize_cap < drawn.max(prize.unwrap_or(Money::ZERO)) || (unstated && is_capped)
    }

    fn is_over_cap(&self, campaign: &Campaign) -> Result<bool, Overflow> {
        for winners in campaign.winner_counts() {
            let case = campaign.case(winners);
            if case.sales()?.share(self.rewards_cap)? < rewards::envelope(case)?.cash {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The name of the limit that a program which is switched off breaks.
fn limit_of(program: ProgramKind) -> &'static str {
    match program {
        ProgramKind::Consolation => "consolation",
        ProgramKind::WinnerBonus => "winner_bonus",
        ProgramKind::Leader => "leader",
        ProgramKind::Formation => "formation",
        ProgramKind::Generation => "generation",
        ProgramKind::Differential => "differential",
        ProgramKind::SameLevel => "same_level",
        ProgramKind::Region => "region",
        ProgramKind::Dividend => "dividend",
        ProgramKind::OriginShare => "origin_share",
    }
}

impl World {
    /// The installation's own profile: what may begin here, whatever campaigns were published under.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Its limits.
    pub fn profile_terms(&self) -> &ProfileTerms {
        self.profile.terms()
    }

    pub(crate) fn decide_adopt(
        &self,
        profile: &Profile,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if let Profile::Own(own) = profile {
            own.check()?;
        }
        profile.check_day(now)?;
        if *profile != self.profile {
            events.push(Event::ProfileAdopted {
                profile: profile.clone(),
            });
        }
        Ok(())
    }

    /// A campaign is published under the installation's profile; `seed` lets every campaign choose.
    pub(crate) fn check_published_under(
        &self,
        terms: &Campaign,
        now: Millis,
    ) -> Result<(), Refusal> {
        let own = matches!(terms.profile, Profile::Own(_));
        if terms.profile != self.profile && (own || self.profile != Profile::Seed) {
            return self.profile.allow_unless(Some("profile"));
        }
        let must_say = self
            .profile_terms()
            .disclosures
            .contains(&Disclosure::Organiser);
        let untold = must_say && self.organiser().is_none();
        self.profile.allow_unless(untold.then_some("disclosures"))?;
        self.profile.check_day(now)
    }

    /// No group begins that the installation's profile would not allow today, nor after the last day of the profile that its
    /// campaign was published under; open ones go on under their campaign's.
    pub(crate) fn check_may_begin(&self, terms: &Campaign, now: Millis) -> Result<(), Refusal> {
        let stricter = self.profile != Profile::Seed && self.profile != terms.profile;
        if stricter {
            self.profile.check(terms)?;
            self.profile
                .check_plan(terms, self.require_plan(terms.plan)?)?;
            let under = Campaign {
                profile: self.profile.clone(),
                ..terms.clone()
            };
            let covered = crate::solvency::passes(&under);
            self.profile
                .allow_unless((!covered).then_some("reserves"))?;
        }
        terms.profile.check_day(now)?;
        self.profile.check_day(now)
    }
}

/// Stored as a number, as it was when there were two; an own one as a number and its contents.
impl<C> Encode<C> for Profile {
    fn encode<W: minicbor::encode::Write>(
        &self,
        to: &mut minicbor::Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Profile::Seed => to.u8(0)?.ok(),
            Profile::CnDefault => to.u8(1)?.ok(),
            Profile::Own(own) => {
                to.array(2)?.u8(2)?;
                own.encode(to, context)
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for Profile {
    fn decode(
        from: &mut minicbor::Decoder<'b>,
        context: &mut C,
    ) -> Result<Profile, minicbor::decode::Error> {
        let unknown = |number| Err(minicbor::decode::Error::unknown_variant(i64::from(number)));
        if from.datatype()? == minicbor::data::Type::U8 {
            return match from.u8()? {
                0 => Ok(Profile::Seed),
                1 => Ok(Profile::CnDefault),
                other => unknown(other),
            };
        }
        match (from.array()?, from.u8()?) {
            (Some(2), 2) => OwnProfile::decode(from, context)
                .map(Box::new)
                .map(Profile::Own),
            (_, other) => unknown(other),
        }
    }
}
