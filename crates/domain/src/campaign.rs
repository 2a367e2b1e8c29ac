//! The terms of a campaign: one offer, with its price, seats, winners, rules and rewards (rules 4 and 13).
//!
//! A campaign never changes once published. [`Campaign::check`] is every rule a campaign must keep by itself;
//! the solvency gate, which needs the rewards' bounds, is in [`crate::solvency`].

use draw::{Ident, Origin};
use minicbor::{Decode, Encode};

use crate::{Duration, Money, Profile, RATE_ONE_PPM, Rate, Refusal, kinds, rewards::Reward};

/// Most seats of one group (rules 4).
pub const MAX_SEATS: u32 = 10_000;
/// Most bytes of one text of a campaign.
pub const MAX_TEXT_BYTES: usize = 400;
/// Most reward programs of one campaign.
pub const MAX_REWARDS: usize = 16;
/// Most shared caps of one campaign.
pub const MAX_CAPS: usize = 8;
/// Highest price or cost, in fen: one hundred million yuan. Keeps every total of a group inside 63 bits.
pub const MAX_AMOUNT_FEN: i64 = 10_000_000_000;
/// Longest time to fill.
pub const MAX_FILL_WITHIN: Duration = Duration::seconds(90 * 86_400);
/// Longest payment window.
pub const MAX_PAYMENT_WINDOW: Duration = Duration::seconds(86_400);
/// Shortest time to fill and shortest payment window.
pub const MIN_WINDOW: Duration = Duration::seconds(1);

/// One offer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Campaign {
    /// What members see in the list.
    #[n(0)]
    pub name: Text,
    /// What happens when a group is full.
    #[n(1)]
    pub kind: Kind,
    /// The limits it was published under.
    #[n(2)]
    pub profile: Profile,
    /// Version of the membership plan it uses (rules 3.7).
    #[n(3)]
    pub plan: u32,
    /// What winners get.
    #[n(4)]
    pub product: Product,
    /// Price, seats, winners, windows.
    #[n(5)]
    pub group: GroupTerms,
    /// How the draw is made and logged.
    #[n(6)]
    pub draw: DrawTerms,
    /// What the payment channel takes.
    #[n(7)]
    pub channel: ChannelTerms,
    /// Budgets that several programs share.
    #[n(8)]
    pub caps: Vec<Cap>,
    /// Reward programs in declared order.
    #[n(9)]
    pub rewards: Vec<Reward>,
    /// What the drawn seats of a bonus-draw get beside the product.
    #[n(10)]
    pub prize: Option<Prize>,
    /// Whose campaign it is, if not the platform's own.
    #[n(11)]
    pub merchant: Option<MerchantTerms>,
    /// What the home store gets of the platform's take on each buyer (rules 10.5); absent: nothing.
    #[n(12)]
    pub origin_share: Option<Rate>,
    /// Where what is left of the envelope goes (rules 6.4).
    #[cbor(n(13), skip_if = "Leftover::is_owners")]
    pub leftover: Leftover,
}

/// What the drawn seats of a bonus-draw get beside the product.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Prize {
    /// Its name.
    #[n(0)]
    pub title: Text,
    /// What one costs the owner (Z of the rules).
    #[n(1)]
    pub cost: Money,
}

/// What makes a campaign a merchant's (rules 10.3). The product's cost is the merchant's own affair then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MerchantTerms {
    /// What the platform keeps of each buyer's price, rounded down to the fen.
    #[n(0)]
    pub commission: Rate,
}

/// Where what is left of the envelope goes (rules 6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Leftover {
    /// To whoever runs the campaign.
    #[default]
    #[n(0)]
    Owner,
    /// Into the period's dividend pool.
    #[n(1)]
    Dividend,
}

impl Leftover {
    /// Its name in campaign files and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Leftover::Owner => "owner",
            Leftover::Dividend => "dividend",
        }
    }

    fn is_owners(&self) -> bool {
        *self == Leftover::Owner
    }
}

/// A text in the two languages of the screens.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Text {
    /// Chinese.
    #[n(0)]
    pub zh: String,
    /// English.
    #[n(1)]
    pub en: String,
}

/// What happens when a group is full (rules 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// 拼团抽奖: W seats are drawn and get the product, the others their money and consolation.
    #[n(0)]
    Draw,
    /// 普通拼团: everyone buys, nothing is drawn.
    #[n(1)]
    EveryoneBuys,
    /// Everyone buys, and W of N also get a prize.
    #[n(2)]
    BonusDraw,
    /// 聚餐买单: everyone pays the table's bill, the drawn one's payment settles it, the others get theirs back.
    #[n(3)]
    Treat,
    /// 摇号购: nothing is paid to take part; W of N may buy.
    #[n(4)]
    Ballot,
}

impl Kind {
    /// Its name in campaign files and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Draw => "draw",
            Kind::EveryoneBuys => "everyone-buys",
            Kind::BonusDraw => "bonus-draw",
            Kind::Treat => "treat",
            Kind::Ballot => "ballot",
        }
    }

    /// Whether whoever is not drawn pays and gets his money back.
    pub fn refunds_non_winners(self) -> bool {
        match self {
            Kind::Draw | Kind::Treat => true,
            Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => false,
        }
    }

    /// Whether every seat of a full group buys, drawn or not.
    pub fn everyone_buys(self) -> bool {
        match self {
            Kind::EveryoneBuys | Kind::BonusDraw => true,
            Kind::Draw | Kind::Treat | Kind::Ballot => false,
        }
    }
}

/// What winners get.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Product {
    /// Its name.
    #[n(0)]
    pub title: Text,
    /// What one unit costs the owner (C of the rules).
    #[n(1)]
    pub cost: Money,
    /// How a winner comes to it.
    #[n(2)]
    pub fulfilment: Fulfilment,
}

/// How a winner comes to the product (rules 9.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Fulfilment {
    /// Sent to an address.
    #[n(0)]
    Ship,
    /// Fetched at a store.
    #[n(1)]
    PickUp,
    /// A one-time code that a cashier redeems.
    #[n(2)]
    Voucher,
    /// Had at the table whose bill it is.
    #[n(3)]
    AtTable,
}

impl Fulfilment {
    /// Its name in campaign files and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Fulfilment::Ship => "ship",
            Fulfilment::PickUp => "pick-up",
            Fulfilment::Voucher => "voucher",
            Fulfilment::AtTable => "at-table",
        }
    }
}

/// Price, seats, winners and windows of every group.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GroupTerms {
    /// What every seat pays (P).
    #[n(0)]
    pub price: Money,
    /// Seats of a full group (N).
    #[n(1)]
    pub seats: u32,
    /// Seats that win (W); with a chance the most that may.
    #[n(2)]
    pub winners: u32,
    /// Whether the leader is drawn like anyone.
    #[n(3)]
    pub leader: LeaderRule,
    /// How long a group may stay open, from its opening.
    #[n(4)]
    pub fill_within: Duration,
    /// How long a reserved seat waits for its payment.
    #[n(5)]
    pub payment_window: Duration,
    /// Most seats of one member in one group.
    #[n(6)]
    pub seats_per_member: u32,
    /// Each seat wins by itself, within bounds, instead of a fixed number.
    #[n(7)]
    pub chance: Option<Chance>,
    /// Whether a fixed set of members plays again and again.
    #[cbor(n(8), skip_if = "Circle::is_off")]
    pub circle: Circle,
    /// Most seats of one member in this campaign on one day; 0: no limit of the campaign's own.
    #[cbor(n(9), skip_if = "is_zero")]
    pub entries_per_day: u32,
    /// The fewest guests of a treat's table, where `seats` are the most; absent: `seats`.
    #[n(10)]
    pub seats_from: Option<u32>,
    /// The smallest bill of a treat's table, where `price` is the largest; absent: any that the gate allows.
    #[n(11)]
    pub price_from: Option<Money>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A chance of each seat (rules 4, winners).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Chance {
    /// Of each seat.
    #[n(0)]
    pub p: Rate,
    /// Fewest winners. The most are the campaign's `winners`.
    #[n(1)]
    pub min: u32,
}

/// Whether a fixed set of members plays again and again (rules 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Circle {
    /// Every group is by itself.
    #[default]
    #[n(0)]
    Off,
    /// 圈子轮流: whoever has won waits until all have.
    #[n(1)]
    Rotate,
}

impl Circle {
    /// Its name in campaign files and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Circle::Off => "off",
            Circle::Rotate => "rotate",
        }
    }

    fn is_off(&self) -> bool {
        *self == Circle::Off
    }
}

/// What the leader's seat does in the draw (rules 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum LeaderRule {
    /// Drawn like anyone.
    #[n(0)]
    Equal,
    /// Never drawn, always a non-winner with the leader's rewards.
    #[n(1)]
    Exempt,
    /// Always gets the product; the other W − 1 are drawn among the rest.
    #[n(2)]
    Buys,
}

impl LeaderRule {
    /// Its name in campaign files and JSON.
    pub fn name(self) -> &'static str {
        match self {
            LeaderRule::Equal => "equal",
            LeaderRule::Exempt => "exempt",
            LeaderRule::Buys => "buys",
        }
    }

    /// With these rules the leader holds one seat, whatever others may.
    pub fn holds_one_seat(self) -> bool {
        match self {
            LeaderRule::Equal => false,
            LeaderRule::Exempt | LeaderRule::Buys => true,
        }
    }
}

/// How the draw is made and logged; resolved from the installation's settings when published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawTerms {
    /// The log the open, freeze and result belong to (draw 9); until there is one, its configured name.
    pub log: Origin,
    /// Where the randomness comes from.
    pub source: BeaconSource,
    /// Seconds between the freeze and the earliest time of its round.
    pub delay_s: u64,
}

/// Where the randomness comes from (draw 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum BeaconSource {
    /// The public beacon.
    #[n(0)]
    DrandQuicknet,
    /// The installation's own key, always shown as level 0.
    #[n(1)]
    Local {
        /// Hash of the beacon's file.
        #[cbor(n(0), with = "minicbor::bytes")]
        beacon: [u8; 32],
        /// Unix seconds of its round 1.
        #[n(1)]
        genesis: u64,
        /// Seconds between rounds.
        #[n(2)]
        period: u64,
    },
}

impl BeaconSource {
    /// When its rounds happen.
    pub fn timing(&self) -> draw::BeaconTiming {
        match *self {
            BeaconSource::DrandQuicknet => draw::QUICKNET,
            BeaconSource::Local {
                genesis, period, ..
            } => draw::BeaconTiming { genesis, period },
        }
    }

    /// The line of the `open` file.
    pub fn source(&self) -> draw::Source {
        match self {
            BeaconSource::DrandQuicknet => draw::Source::DrandQuicknet,
            BeaconSource::Local { beacon, .. } => draw::Source::Local {
                beacon: draw::Hash(*beacon),
            },
        }
    }
}

/// What the payment channel takes of each payment (rules 13, `[channel]`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ChannelTerms {
    /// Its fee, of each payment, rounded half up to the fen.
    #[n(0)]
    pub fee: Rate,
    /// Whether it keeps the fee when the payment is refunded.
    #[n(1)]
    pub kept_on_refund: bool,
}

/// A budget that several programs share, per group.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Cap {
    /// The name programs refer to.
    #[n(0)]
    pub name: String,
    /// The most cash all of them together pay in one group.
    #[n(1)]
    pub limit: Money,
}

impl Campaign {
    /// Every rule that a campaign must keep by itself; errors with the first one it breaks. The solvency gate comes after it.
    pub fn check(&self) -> Result<(), Refusal> {
        self.check_texts()?;
        self.check_group()?;
        self.check_ranges()?;
        self.check_draw()?;
        if self.plan < 1 {
            return Err(Refusal::UnknownPlan { plan: self.plan });
        }
        if RATE_ONE_PPM < self.channel.fee.0 {
            return Err(invalid("channel.fee", "must be between 0 % and 100 %"));
        }
        within("product.cost", self.product.cost, Money::ZERO)?;
        kinds::check(self)?;
        self.check_caps()?;
        crate::rewards::check(self)?;
        // A cap on rewards is a share of the bill, so the smallest table may be over it where the largest is not.
        for table in self.corner_tables() {
            self.profile.check(&table)?;
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), Refusal> {
        for (field, text) in [
            ("name.zh", &self.name.zh),
            ("name.en", &self.name.en),
            ("product.title.zh", &self.product.title.zh),
            ("product.title.en", &self.product.title.en),
            (
                "prize.title.zh",
                self.prize
                    .as_ref()
                    .map_or(&self.name.zh, |prize| &prize.title.zh),
            ),
            (
                "prize.title.en",
                self.prize
                    .as_ref()
                    .map_or(&self.name.en, |prize| &prize.title.en),
            ),
        ] {
            if text.trim().is_empty() {
                return Err(invalid(field, "must not be empty"));
            }
            if MAX_TEXT_BYTES < text.len() {
                return Err(invalid(field, "is longer than 400 bytes"));
            }
            if text.chars().any(char::is_control) {
                return Err(invalid(field, "must not contain control characters"));
            }
            if let Some(promise) = crate::promises::found_in(text) {
                return Err(Refusal::PromiseForbidden { field, promise });
            }
        }
        Ok(())
    }

    fn check_group(&self) -> Result<(), Refusal> {
        let group = &self.group;
        within("group.price", group.price, Money(1))?;
        if group.seats < 2 || MAX_SEATS < group.seats {
            return Err(invalid("group.seats", "must be between 2 and 10000"));
        }
        kinds::check_winners(self)?;
        if group.seats_per_member < 1 || group.seats < group.seats_per_member {
            return Err(invalid(
                "group.seats_per_member",
                "must be at least 1 and at most the seats",
            ));
        }
        if group.fill_within < MIN_WINDOW || MAX_FILL_WITHIN < group.fill_within {
            return Err(invalid("group.fill_within", "must be between 1s and 90d"));
        }
        if group.payment_window < MIN_WINDOW || MAX_PAYMENT_WINDOW < group.payment_window {
            return Err(invalid(
                "group.payment_window",
                "must be between 1s and 24h",
            ));
        }
        Ok(())
    }

    /// Only a treat's template has ranges, and every table in them must keep what a group must.
    fn check_ranges(&self) -> Result<(), Refusal> {
        let group = &self.group;
        if group.seats_from.is_none() && group.price_from.is_none() {
            return Ok(());
        }
        if self.kind != Kind::Treat {
            let field = match group.seats_from {
                Some(_) => "group.seats_from",
                None => "group.price_from",
            };
            return Err(invalid(field, "is only for treat"));
        }
        if group.seats < self.least_guests() {
            return Err(invalid("group.seats_from", "must be at most the seats"));
        }
        if group.price < self.least_bill() {
            return Err(invalid("group.price_from", "must be at most the price"));
        }
        for table in self.corner_tables() {
            table.check_group()?;
        }
        Ok(())
    }

    fn check_draw(&self) -> Result<(), Refusal> {
        let least = match self.draw.source {
            BeaconSource::DrandQuicknet => 30,
            BeaconSource::Local { period: 0, .. } => {
                return Err(invalid("draw.source", "has a period of zero"));
            }
            BeaconSource::Local { .. } => 3,
        };
        if self.draw.delay_s < least || 2_592_000 < self.draw.delay_s {
            return Err(invalid(
                "draw.delay",
                "must be between 30s (3s for a local source) and 30d",
            ));
        }
        Ok(())
    }

    fn check_caps(&self) -> Result<(), Refusal> {
        if MAX_CAPS < self.caps.len() {
            return Err(invalid("caps", "has more than 8 entries"));
        }
        for (at, cap) in self.caps.iter().enumerate() {
            within("caps", cap.limit, Money::ZERO)?;
            if !is_cap_name(&cap.name) {
                return Err(invalid(
                    "caps",
                    "names are 1 to 32 of A-Z, a-z, 0-9, - and _",
                ));
            }
            if self
                .caps
                .iter()
                .take(at)
                .any(|earlier| cap.name <= earlier.name)
            {
                return Err(invalid(
                    "caps",
                    "must be in the order of their names, each once",
                ));
            }
        }
        Ok(())
    }
}

/// A refusal that names the field of the campaign file and what it must be.
pub(crate) fn invalid(field: &'static str, must: &'static str) -> Refusal {
    Refusal::InvalidCampaign { field, must }
}

/// Refuses amounts below `least` or above [`MAX_AMOUNT_FEN`].
pub(crate) fn within(field: &'static str, amount: Money, least: Money) -> Result<(), Refusal> {
    if amount < least {
        return Err(invalid(field, "is too small"));
    }
    if Money(MAX_AMOUNT_FEN) < amount {
        return Err(invalid(field, "is above 100000000.00"));
    }
    Ok(())
}

fn is_cap_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

impl<C> Encode<C> for DrawTerms {
    fn encode<W: minicbor::encode::Write>(
        &self,
        out: &mut minicbor::Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        out.array(3)?.str(self.log.as_str())?;
        self.source.encode(out, context)?;
        out.u64(self.delay_s)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for DrawTerms {
    fn decode(
        input: &mut minicbor::Decoder<'b>,
        context: &mut C,
    ) -> Result<DrawTerms, minicbor::decode::Error> {
        if input.array()? != Some(3) {
            return Err(minicbor::decode::Error::message(
                "draw terms are three items",
            ));
        }
        let log = Origin::new(input.str()?)
            .map_err(|_| minicbor::decode::Error::message("the log's name is no origin"))?;
        Ok(DrawTerms {
            log,
            source: BeaconSource::decode(input, context)?,
            delay_s: input.u64()?,
        })
    }
}

/// What a published campaign's groups are named after: the first 32 hex digits of the SHA-256 of its file (draw 2).
pub fn group_ident(group: crate::GroupId, published: &draw::Hash) -> Result<Ident, Refusal> {
    let digest = published.to_string();
    let prefix = digest.get(..32).unwrap_or_default();
    Ident::new(&format!("{group}-{prefix}")).map_err(|_| Refusal::Overflow)
}
