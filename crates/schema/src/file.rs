//! Reads a campaign file and resolves it to the domain's terms.

use domain::{
    BeaconSource, Campaign, Cap, ChannelTerms, DrawTerms, Duration, Fulfilment, GroupTerms, Kind,
    LeaderRule, Product, Profile, Rate, Refusal, Text, rewards::Reward,
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
}

/// A campaign file that has been read: every key known, every value of its type, every default in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignFile {
    name: Text,
    kind: Kind,
    profile: Profile,
    plan: u32,
    product: Product,
    group: GroupTerms,
    win_rate: Option<Rate>,
    source: Option<SourceName>,
    delay: Option<Duration>,
    channel: ChannelTerms,
    caps: Vec<Cap>,
    rewards: Vec<Reward>,
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
            group.winners = domain::winners_of_rate(group.seats, rate)?;
        }
        let campaign = Campaign {
            name: self.name.clone(),
            kind: self.kind,
            profile: self.profile,
            plan: self.plan,
            product: self.product.clone(),
            group,
            draw: self.draw_terms(installation)?,
            channel: self.channel,
            caps: self.caps.clone(),
            rewards: self.rewards.clone(),
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

/// Reads the whole file. What it is (kind, profile) comes before what it says, so that a kind that is left out is
/// named first.
pub(crate) fn read(value: &Value) -> Result<CampaignFile, SchemaError> {
    let root = Field::root(value).table(keys::ROOT)?;
    let kind = root.need("kind")?.choice(&[
        ("draw", Some(Kind::Draw)),
        ("everyone-buys", None),
        ("bonus-draw", None),
        ("treat", None),
        ("ballot", None),
    ])?;
    let profiles =
        [Profile::Seed, Profile::CnDefault].map(|profile| (profile.name(), Some(profile)));
    let profile = root.need("profile")?.choice(&profiles)?;
    left_out_tables(&root)?;
    let (group, win_rate) = group(&root.need("group")?.table(keys::GROUP)?)?;
    let (source, delay) = draw_table(&root)?;
    let caps = caps(&root)?;
    Ok(CampaignFile {
        name: root.need("name")?.both_languages()?,
        kind,
        profile,
        plan: root.get("plan").map_or(Ok(1), |field| field.count())?,
        product: product(&root.need("product")?.table(keys::PRODUCT)?)?,
        group,
        win_rate,
        source,
        delay,
        channel: channel(&root)?,
        rewards: rewards::read(&root, &caps)?,
        caps,
    })
}

/// Tables that the rules know and this version does not do. Their keys are checked all the same, so that a slip of
/// the pen is found before the operator is told to wait for another version.
fn left_out_tables(root: &Table<'_>) -> Result<(), SchemaError> {
    let tables = [
        ("prize", keys::PRIZE),
        ("merchant", keys::MERCHANT),
        ("alliance", keys::ALLIANCE),
    ];
    for (name, known) in tables {
        if let Some(field) = root.get(name) {
            field.table(known)?;
            return Err(SchemaError::not_supported(&field.path, ""));
        }
    }
    if let Some(field) = root.get("envelope") {
        let envelope = field.table(keys::ENVELOPE)?;
        if let Some(leftover) = envelope.get("leftover") {
            leftover.choice(&[("owner", Some(())), ("dividend", None)])?;
        }
    }
    Ok(())
}

fn product(table: &Table<'_>) -> Result<Product, SchemaError> {
    let known = [
        ("ship", Some(Fulfilment::Ship)),
        ("pick-up", None),
        ("voucher", None),
        ("at-table", None),
    ];
    Ok(Product {
        title: table.need("title")?.both_languages()?,
        cost: table.need("cost")?.money()?,
        fulfilment: table
            .get("fulfilment")
            .map_or(Ok(Fulfilment::Ship), |field| field.choice(&known))?,
    })
}

fn group(table: &Table<'_>) -> Result<(GroupTerms, Option<Rate>), SchemaError> {
    let (winners, win_rate) = winners(table)?;
    let leaders = [
        ("equal", Some(LeaderRule::Equal)),
        ("exempt", Some(LeaderRule::Exempt)),
        ("buys", None),
    ];
    if let Some(field) = table.get("circle") {
        field.choice(&[("off", Some(())), ("rotate", None)])?;
    }
    if let Some(field) = table.get("entries_per_day") {
        let entries = field.count()?;
        if entries != 0 {
            return Err(SchemaError::not_supported(
                &field.path,
                &entries.to_string(),
            ));
        }
    }
    let duration = |key, absent| table.get(key).map_or(Ok(absent), |field| field.duration());
    let terms = GroupTerms {
        price: table.need("price")?.money()?,
        seats: table.need("seats")?.count()?,
        winners,
        leader: table
            .get("leader")
            .map_or(Ok(LeaderRule::Equal), |field| field.choice(&leaders))?,
        fill_within: duration("fill_within", FILL_WITHIN)?,
        payment_window: duration("payment_window", PAYMENT_WINDOW)?,
        seats_per_member: table
            .get("seats_per_member")
            .map_or(Ok(1), |field| field.count())?,
    };
    Ok((terms, win_rate))
}

/// The number of winners, or the rate that will give it (and 0 for now).
fn winners(table: &Table<'_>) -> Result<(u32, Option<Rate>), SchemaError> {
    let key = table.one_of(&["winners", "win_rate", "chance"])?;
    let field = table.need(key)?;
    match key {
        "winners" => Ok((field.count()?, None)),
        "win_rate" => Ok((0, Some(field.rate()?))),
        _ => {
            field.table(keys::CHANCE)?;
            Err(SchemaError::not_supported(&field.path, ""))
        }
    }
}

fn draw_table(root: &Table<'_>) -> Result<(Option<SourceName>, Option<Duration>), SchemaError> {
    let Some(field) = root.get("draw") else {
        return Ok((None, None));
    };
    let table = field.table(keys::DRAW)?;
    let known = [
        ("drand-quicknet", Some(SourceName::DrandQuicknet)),
        ("local", Some(SourceName::Local)),
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
