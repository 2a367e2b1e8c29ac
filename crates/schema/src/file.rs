//! Reads a campaign file and resolves it to the domain's terms.

use domain::{
    BeaconSource, Campaign, Cap, Chance, ChannelTerms, Circle, DrawTerms, Duration, Fulfilment,
    GroupTerms, Kind, LeaderRule, Leftover, MerchantTerms, Money, OwnProfile, Prize, Product,
    Profile, Rate, Refusal, Text, rewards::Reward,
};

use crate::reader::{Field, Table};
use crate::value::Value;
use crate::{SchemaError, keys, rewards};

/// Most bytes of a campaign file.
pub const MAX_FILE_BYTES: usize = 65_536;
/// Most entries of any list of a campaign file.
pub(crate) const MAX_LIST_ENTRIES: usize = 64;

/// What stands where `group.fill_within` is absent.
const FILL_WITHIN: Duration = Duration::seconds(86_400);
/// What stands where `group.payment_window` is absent.
const PAYMENT_WINDOW: Duration = Duration::seconds(300);
/// Seconds of `draw.delay` with the public beacon (draw 2).
const PUBLIC_DELAY_S: u64 = 60;
/// Seconds of `draw.delay` with a local beacon (draw 2).
const LOCAL_DELAY_S: u64 = 3;

/// What a campaign takes from the installation that publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The log its draws belong to.
    pub log: draw::Origin,
    /// The source of randomness of campaigns that name none. If it is local it is also what `"local"` means.
    pub source: BeaconSource,
    /// Seconds of delay of campaigns that name none and use this source.
    pub delay_s: u64,
    /// What `"own"` means as a profile, where it means something.
    pub own: Option<Box<OwnProfile>>,
}

/// A campaign file that has been read: every key known, every value of its type, every default in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignFile {
    name: Text,
    kind: Kind,
    profile: ProfileName,
    plan: u32,
    product: Product,
    group: GroupTerms,
    win_rate: Option<Rate>,
    source: Option<SourceName>,
    delay: Option<Duration>,
    channel: ChannelTerms,
    caps: Vec<Cap>,
    rewards: Vec<Reward>,
    prize: Option<Prize>,
    merchant: Option<MerchantTerms>,
    origin_share: Option<Rate>,
    leftover: Leftover,
}

/// What a file calls its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProfileName {
    Seed,
    CnDefault,
    Own,
}

impl ProfileName {
    /// Which one that is on an installation that has adopted this one of its own.
    pub(crate) fn resolve(self, own: Option<&OwnProfile>) -> Result<Profile, Refusal> {
        match (self, own) {
            (ProfileName::Seed, _) => Ok(Profile::Seed),
            (ProfileName::CnDefault, _) => Ok(Profile::CnDefault),
            (ProfileName::Own, Some(own)) => Ok(Profile::Own(Box::new(own.clone()))),
            (ProfileName::Own, None) => Err(Refusal::InvalidCampaign {
                field: "profile",
                must: "must not be own: this installation has adopted none",
            }),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SourceName {
    DrandQuicknet,
    Local,
}

impl CampaignFile {
    /// The terms this file means on this installation, checked by every rule but the solvency gate.
    ///
    /// # Errors
    /// The [`Refusal`] that publication would give.
    pub fn resolve(&self, installation: &Installation) -> Result<Campaign, Refusal> {
        let mut group = self.group.clone();
        if let Some(rate) = self.win_rate {
            group.winners = domain::winners_of_rate((self.kind, group.leader), group.seats, rate)?;
        }
        let campaign = Campaign {
            name: self.name.clone(),
            kind: self.kind,
            profile: self.profile.resolve(installation.own.as_deref())?,
            plan: self.plan,
            product: self.product.clone(),
            group,
            draw: self.draw_terms(installation)?,
            channel: self.channel,
            caps: self.caps.clone(),
            rewards: self.rewards.clone(),
            prize: self.prize.clone(),
            merchant: self.merchant,
            origin_share: self.origin_share,
            leftover: self.leftover,
        };
        campaign.check()?;
        Ok(campaign)
    }

    fn draw_terms(&self, installation: &Installation) -> Result<DrawTerms, Refusal> {
        let source = match (self.source, installation.source) {
            (None, own) | (Some(SourceName::Local), own @ BeaconSource::Local { .. }) => own,
            (Some(SourceName::DrandQuicknet), _) => BeaconSource::DrandQuicknet,
            (Some(SourceName::Local), BeaconSource::DrandQuicknet) => {
                let must = "must not be local: this installation has no local beacon";
                return Err(Refusal::InvalidCampaign {
                    field: "draw.source",
                    must,
                });
            }
        };
        let delay_s = match (self.delay, source) {
            (Some(delay), _) if delay.0 % 1000 == 0 => {
                u64::try_from(delay.0 / 1000).unwrap_or(u64::MAX)
            }
            (Some(_), _) => {
                return Err(Refusal::InvalidCampaign {
                    field: "draw.delay",
                    must: "must be whole seconds",
                });
            }
            (None, source) if source == installation.source => installation.delay_s,
            (None, BeaconSource::DrandQuicknet) => PUBLIC_DELAY_S,
            (None, BeaconSource::Local { .. }) => LOCAL_DELAY_S,
        };
        Ok(DrawTerms {
            log: installation.log.clone(),
            source,
            delay_s,
        })
    }
}

/// Reads the whole file. What it is (kind, profile) comes before what it says.
pub(crate) fn read(value: &Value) -> Result<CampaignFile, SchemaError> {
    let root = Field::root(value).table(keys::ROOT)?;
    let kind = root.need("kind")?.choice(&named(KINDS, Kind::name))?;
    let profile = root.need("profile")?.choice(&PROFILES)?;
    let (group, win_rate) = group(kind, &root.need("group")?.table(keys::GROUP)?)?;
    let (source, delay) = draw_table(&root)?;
    let caps = caps(&root)?;
    Ok(CampaignFile {
        name: root.need("name")?.both_languages()?,
        kind,
        profile,
        plan: root.get("plan").map_or(Ok(1), |field| field.count())?,
        product: product(&root, kind)?,
        prize: prize(&root)?,
        group,
        win_rate,
        source,
        delay,
        channel: channel(&root)?,
        merchant: merchant(&root)?,
        origin_share: origin_share(&root)?,
        leftover: leftover(&root)?,
        rewards: rewards::read(&root, &caps)?,
        caps,
    })
}

pub(crate) const PROFILES: [(&str, ProfileName); 3] = [
    ("seed", ProfileName::Seed),
    ("cn-default", ProfileName::CnDefault),
    ("own", ProfileName::Own),
];

pub(crate) const KINDS: [Kind; 5] = [
    Kind::Draw,
    Kind::EveryoneBuys,
    Kind::BonusDraw,
    Kind::Treat,
    Kind::Ballot,
];

/// The words of a choice are the domain's names.
pub(crate) fn named<T: Copy, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> [(&'static str, T); N] {
    all.map(|one| (name(one), one))
}

fn prize(root: &Table<'_>) -> Result<Option<Prize>, SchemaError> {
    let Some(field) = root.get("prize") else {
        return Ok(None);
    };
    let table = field.table(keys::PRIZE)?;
    Ok(Some(Prize {
        title: table.need("title")?.both_languages()?,
        cost: table.need("cost")?.money()?,
    }))
}

fn merchant(root: &Table<'_>) -> Result<Option<MerchantTerms>, SchemaError> {
    let Some(field) = root.get("merchant") else {
        return Ok(None);
    };
    let table = field.table(keys::MERCHANT)?;
    Ok(Some(MerchantTerms {
        commission: table.need("commission")?.rate()?,
    }))
}

fn origin_share(root: &Table<'_>) -> Result<Option<Rate>, SchemaError> {
    let Some(field) = root.get("alliance") else {
        return Ok(None);
    };
    let table = field.table(keys::ALLIANCE)?;
    let share = table.get("origin_share").map(|field| field.rate());
    Ok(share.transpose()?.filter(|share| share.0 != 0))
}

fn leftover(root: &Table<'_>) -> Result<Leftover, SchemaError> {
    let Some(field) = root.get("envelope") else {
        return Ok(Leftover::Owner);
    };
    let table = field.table(keys::ENVELOPE)?;
    let known = named([Leftover::Owner, Leftover::Dividend], Leftover::name);
    table
        .get("leftover")
        .map_or(Ok(Leftover::Owner), |field| field.choice(&known))
}

/// A treat is had at the table, whatever else may be shipped. What the product costs a merchant is his own affair.
fn product(root: &Table<'_>, kind: Kind) -> Result<Product, SchemaError> {
    let table = root.need("product")?.table(keys::PRODUCT)?;
    let all = [
        Fulfilment::Ship,
        Fulfilment::PickUp,
        Fulfilment::Voucher,
        Fulfilment::AtTable,
    ];
    let absent = match kind {
        Kind::Treat => Fulfilment::AtTable,
        Kind::Draw | Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => Fulfilment::Ship,
    };
    Ok(Product {
        title: table.need("title")?.both_languages()?,
        cost: match table.get("cost") {
            None if root.get("merchant").is_some() => Money::ZERO,
            Some(_) | None => table.need("cost")?.money()?,
        },
        fulfilment: table.get("fulfilment").map_or(Ok(absent), |field| {
            field.choice(&named(all, Fulfilment::name))
        })?,
    })
}

fn group(kind: Kind, table: &Table<'_>) -> Result<(GroupTerms, Option<Rate>), SchemaError> {
    let seats = table.need("seats")?.count()?;
    let (winners, win_rate, chance) = winners(kind, table, seats)?;
    let leaders = [LeaderRule::Equal, LeaderRule::Exempt, LeaderRule::Buys];
    let circles = [Circle::Off, Circle::Rotate];
    let duration = |key, absent| table.get(key).map_or(Ok(absent), |field| field.duration());
    let count = |key, absent| table.get(key).map_or(Ok(absent), |field| field.count());
    let terms = GroupTerms {
        price: table.need("price")?.money()?,
        seats,
        winners,
        leader: table.get("leader").map_or(Ok(LeaderRule::Equal), |field| {
            field.choice(&named(leaders, LeaderRule::name))
        })?,
        fill_within: duration("fill_within", FILL_WITHIN)?,
        payment_window: duration("payment_window", PAYMENT_WINDOW)?,
        seats_per_member: count("seats_per_member", 1)?,
        chance,
        circle: table.get("circle").map_or(Ok(Circle::Off), |field| {
            field.choice(&named(circles, Circle::name))
        })?,
        entries_per_day: count("entries_per_day", 0)?,
        seats_from: table
            .get("seats_from")
            .map(|field| field.count())
            .transpose()?,
        price_from: table
            .get("price_from")
            .map(|field| field.money())
            .transpose()?,
    };
    Ok((terms, win_rate))
}

/// The number of winners, or the rate that will give it (and 0 for now), or the chance with the most there may be.
/// Where everyone buys it need not be said.
fn winners(
    kind: Kind,
    table: &Table<'_>,
    seats: u32,
) -> Result<(u32, Option<Rate>, Option<Chance>), SchemaError> {
    let ways = ["winners", "win_rate", "chance"];
    if kind == Kind::EveryoneBuys && ways.iter().all(|way| table.get(way).is_none()) {
        return Ok((seats, None, None));
    }
    let key = table.one_of(&ways)?;
    let field = table.need(key)?;
    match key {
        "winners" => Ok((field.count()?, None, None)),
        "win_rate" => Ok((0, Some(field.rate()?), None)),
        _ => {
            let chance = field.table(keys::CHANCE)?;
            let p = chance.need("p")?.rate()?;
            let min = chance.need("min")?.count()?;
            let most = chance.need("max")?.count()?;
            Ok((most, None, Some(Chance { p, min })))
        }
    }
}

fn draw_table(root: &Table<'_>) -> Result<(Option<SourceName>, Option<Duration>), SchemaError> {
    let Some(field) = root.get("draw") else {
        return Ok((None, None));
    };
    let table = field.table(keys::DRAW)?;
    let known = [
        ("drand-quicknet", SourceName::DrandQuicknet),
        ("local", SourceName::Local),
    ];
    let source = table
        .get("source")
        .map(|field| field.choice(&known))
        .transpose()?;
    let delay = table
        .get("delay")
        .map(|field| field.duration())
        .transpose()?;
    Ok((source, delay))
}

fn channel(root: &Table<'_>) -> Result<ChannelTerms, SchemaError> {
    let Some(field) = root.get("channel") else {
        return Ok(ChannelTerms::default());
    };
    let table = field.table(keys::CHANNEL)?;
    Ok(ChannelTerms {
        fee: table.get("fee").map_or(Ok(Rate(0)), |field| field.rate())?,
        kept_on_refund: table
            .get("kept_on_refund")
            .map_or(Ok(false), |field| field.boolean())?,
    })
}

fn caps(root: &Table<'_>) -> Result<Vec<Cap>, SchemaError> {
    let Some(field) = root.get("caps") else {
        return Ok(Vec::new());
    };
    let table = field.free_table()?;
    let mut caps = Vec::new();
    for (name, field) in table.fields() {
        caps.push(Cap {
            name: name.to_owned(),
            limit: field.money()?,
        });
    }
    caps.sort_by(|left: &Cap, right| left.name.cmp(&right.name));
    Ok(caps)
}
