//! Profile files (rules 11): an operator's own limits, with who signs for them. A key that is absent takes the cautious
//! profile's value, so that whoever forgets a limit has it.

use domain::{
    ConsolationIn, Disclosure, LeaderRule, LossPause, Millis, Money, OwnProfile, Profile,
    ProfileTerms, ProgramKind, Rate, RewardSources, TaxBearer, VipBasis, percent,
};
use serde_json::{Value as Json, json};

use crate::file::{KINDS, named};
use crate::reader::{Field, Table};
use crate::value::Value;
use crate::{SchemaError, keys, units};

const PROGRAMS: [ProgramKind; 10] = [
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
const LEADER_RULES: [LeaderRule; 3] = [LeaderRule::Equal, LeaderRule::Exempt, LeaderRule::Buys];
const SOURCES: [(&str, RewardSources); 2] = [
    ("any", RewardSources::Any),
    ("buyers", RewardSources::Buyers),
];
const VIP_BASES: [(&str, VipBasis); 2] =
    [("any", VipBasis::Any), ("kept-sales", VipBasis::KeptSales)];
const CONSOLATIONS: [(&str, ConsolationIn); 3] = [
    ("any", ConsolationIn::Any),
    ("coins", ConsolationIn::Coins),
    ("cash", ConsolationIn::Cash),
];
/// Before what a name and an age must be verified, and whether that is the first entry.
const REAL_NAMES: [(&str, bool); 2] = [("withdrawal", false), ("entry", true)];
const BEARERS: [(&str, TaxBearer); 2] =
    [("member", TaxBearer::Member), ("owner", TaxBearer::Owner)];

/// Reads a profile file; its rules are checked when it is adopted.
pub(crate) fn read(value: &Value) -> Result<OwnProfile, SchemaError> {
    let root = Field::root(value).table(keys::PROFILE)?;
    let campaigns = match root.get("campaigns") {
        None => Vec::new(),
        Some(field) => texts(&field)?,
    };
    Ok(OwnProfile {
        name: root.need("name")?.text()?.to_owned(),
        signed_by: root.need("signed_by")?.text()?.to_owned(),
        opinion: hash(&root.need("opinion_sha256")?)?,
        expires: expires(&root.need("expires")?)?,
        campaigns,
        terms: terms(&root)?,
    })
}

/// Reads the limits of a profile that nobody has to sign: its name and its limits alone.
pub(crate) fn read_limits(value: &Value) -> Result<(String, ProfileTerms), SchemaError> {
    let root = Field::root(value).table(keys::PROFILE_LIMITS_ALONE)?;
    let name = root.need("name")?.text()?.to_owned();
    Ok((name, terms(&root)?))
}

fn terms(root: &Table<'_>) -> Result<ProfileTerms, SchemaError> {
    let mut terms = Profile::CnDefault.terms().clone();
    if let Some(field) = root.get("kinds") {
        terms.kinds = words(&field, &named(KINDS, domain::Kind::name))?;
    }
    if let Some(field) = root.get("programs") {
        terms.programs = words(&field, &named(PROGRAMS, ProgramKind::name))?;
    }
    if let Some(field) = root.get("leader_rules") {
        terms.leader_rules = words(&field, &named(LEADER_RULES, LeaderRule::name))?;
    }
    let put = |key: &str| root.get(key);
    if let Some(field) = put("max_generations") {
        terms.max_generations = or_none(&field, Field::count)?.unwrap_or(u32::MAX);
    }
    if let Some(field) = put("sources") {
        terms.sources = field.choice(&SOURCES)?;
    }
    if let Some(field) = put("vip_by") {
        terms.vip_by = field.choice(&VIP_BASES)?;
    }
    if let Some(field) = put("rewards_cap") {
        terms.rewards_cap = or_none(&field, Field::rate)?.unwrap_or(Rate(u32::MAX));
    }
    if let Some(field) = put("prize_cap") {
        terms.prize_cap = or_none(&field, Field::money)?.unwrap_or(Money(i64::MAX));
    }
    if let Some(field) = put("consolation") {
        terms.consolation = field.choice(&CONSOLATIONS)?;
    }
    if let Some(field) = put("return_reserve") {
        terms.return_reserve = field.rate()?;
    }
    if let Some(field) = put("coin_reserve") {
        terms.coin_reserve = field.rate()?;
    }
    if let Some(field) = put("margin_floor") {
        terms.margin_floor = field.money()?;
    }
    people(root, &mut terms)?;
    coins(root, &mut terms)?;
    limits(root, &mut terms)?;
    payouts(root, &mut terms)?;
    Ok(terms)
}

/// What is limited, or `"none"` where it is not.
fn or_none<'a, T>(
    field: &Field<'a>,
    read: impl FnOnce(&Field<'a>) -> Result<T, SchemaError>,
) -> Result<Option<T>, SchemaError> {
    if field.text().is_ok_and(|text| text == "none") {
        return Ok(None);
    }
    read(field).map(Some)
}

/// Who may take part, and what everybody is told.
fn people(root: &Table<'_>, terms: &mut ProfileTerms) -> Result<(), SchemaError> {
    if let Some(field) = root.get("minimum_age") {
        terms.minimum_age = field.count()?;
    }
    if let Some(field) = root.get("real_name") {
        terms.names_at_entry = field.choice(&REAL_NAMES)?;
    }
    if let Some(field) = root.get("retention_years") {
        terms.retention_years = field.count()?;
    }
    if let Some(field) = root.get("disclosures") {
        terms.disclosures = words(&field, &named(Disclosure::ALL, Disclosure::name))?;
    }
    Ok(())
}

fn coins(root: &Table<'_>, terms: &mut ProfileTerms) -> Result<(), SchemaError> {
    if let Some(field) = root.get("coins") {
        let table = field.table(keys::PROFILE_COINS)?;
        if let Some(field) = table.get("offset") {
            terms.coin_offset = field.rate()?;
        }
        if let Some(field) = table.get("months") {
            terms.coin_months = field.count()?;
        }
    }
    if let Some(field) = root.get("recharge") {
        let table = field.table(keys::PROFILE_RECHARGE)?;
        terms.recharge_cap = or_none(&table.need("cap")?, Field::money)?;
    }
    Ok(())
}

/// A table of limits says all of them: what it leaves out is not limited.
fn limits(root: &Table<'_>, terms: &mut ProfileTerms) -> Result<(), SchemaError> {
    let Some(field) = root.get("limits") else {
        return Ok(());
    };
    let table = field.table(keys::PROFILE_LIMITS)?;
    terms.money_in_groups = match table.get("money_in_groups") {
        None => None,
        Some(field) => or_none(&field, Field::money)?,
    };
    terms.entries_per_day = match table.get("entries_per_day") {
        None => None,
        Some(field) => or_none(&field, Field::count)?,
    };
    terms.loss_pause = match table.get("losses") {
        None => None,
        Some(losses) => Some(LossPause {
            losses: losses.count()?,
            pause: table.need("pause")?.duration()?,
        }),
    };
    Ok(())
}

fn payouts(root: &Table<'_>, terms: &mut ProfileTerms) -> Result<(), SchemaError> {
    if let Some(field) = root.get("withdrawal") {
        let table = field.table(keys::PROFILE_WITHDRAWAL)?;
        terms.withdrawal.minimum = table.need("minimum")?.money()?;
        terms.withdrawal.fee = table.need("fee")?.rate()?;
        terms.withdrawal.daily_limit = table.need("daily_limit")?.money()?;
    }
    if let Some(field) = root.get("withholding") {
        let table = field.table(keys::PROFILE_WITHHOLDING)?;
        terms.withholding.occasional = table.need("occasional")?.rate()?;
        terms.withholding.borne_by = table.need("borne_by")?.choice(&BEARERS)?;
    }
    Ok(())
}

fn words<T: Copy>(field: &Field<'_>, known: &[(&str, T)]) -> Result<Vec<T>, SchemaError> {
    field
        .list()?
        .iter()
        .map(|item| item.choice(known))
        .collect()
}

fn texts(field: &Field<'_>) -> Result<Vec<String>, SchemaError> {
    let text = |item: &Field<'_>| item.text().map(str::to_owned);
    field.list()?.iter().map(text).collect()
}

fn hash(field: &Field<'_>) -> Result<[u8; 32], SchemaError> {
    let text = field.text()?;
    let mut bytes = [0; 32];
    let digit = |at: usize| {
        text.as_bytes()
            .get(at)
            .and_then(|&byte| char::from(byte).to_digit(16))
    };
    for (at, byte) in bytes.iter_mut().enumerate() {
        let (Some(high), Some(low)) = (digit(2 * at), digit(2 * at + 1)) else {
            return Err(not_a_hash(field, text));
        };
        *byte = u8::try_from(16 * high + low).unwrap_or(0);
    }
    if text.len() != 64 {
        return Err(not_a_hash(field, text));
    }
    Ok(bytes)
}

fn not_a_hash(field: &Field<'_>, text: &str) -> SchemaError {
    field.invalid(format!(
        "is {text:?}: a SHA-256 hash is written as 64 hexadecimal digits"
    ))
}

/// The last day on which something may begin under the profile; it ends with that day.
fn expires(field: &Field<'_>) -> Result<Millis, SchemaError> {
    let text = field.text()?;
    let day = units::date(text).ok_or_else(|| {
        field.invalid(format!("is {text:?}: a day is written like \"2027-12-31\""))
    })?;
    Ok(day.next_midnight())
}

fn written(rate: Rate) -> String {
    format!("{}%", percent(rate))
}

/// The profile's limits as a program reads them, in the keys of its file.
pub fn profile_to_json(profile: &Profile) -> Json {
    let terms = profile.terms();
    let word = |known: &[(&'static str, RewardSources)]| {
        known
            .iter()
            .find(|(_, one)| *one == terms.sources)
            .map(|(word, _)| *word)
    };
    let vip = VIP_BASES.iter().find(|(_, one)| *one == terms.vip_by);
    let consolation = CONSOLATIONS
        .iter()
        .find(|(_, one)| *one == terms.consolation);
    let bearer = BEARERS
        .iter()
        .find(|(_, one)| *one == terms.withholding.borne_by);
    let names = REAL_NAMES
        .iter()
        .find(|(_, at_entry)| *at_entry == terms.names_at_entry);
    let pause = terms.loss_pause;
    let own = match profile {
        Profile::Seed | Profile::CnDefault => Json::Null,
        Profile::Own(own) => json!({
            "name": own.name,
            "signed_by": own.signed_by,
            "opinion_sha256": own.opinion.map(|byte| format!("{byte:02x}")).concat(),
            "expires_at_ms": own.expires.0.to_string(),
            "campaigns": own.campaigns,
        }),
    };
    json!({
        "profile": profile.name(),
        "own": own,
        "kinds": terms.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
        "programs": terms.programs.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
        "leader_rules": terms.leader_rules.iter().map(|rule| rule.name()).collect::<Vec<_>>(),
        "max_generations": (terms.max_generations != u32::MAX).then_some(terms.max_generations),
        "sources": word(&SOURCES),
        "vip_by": vip.map(|(word, _)| *word),
        "rewards_cap": (terms.rewards_cap.0 != u32::MAX).then(|| written(terms.rewards_cap)),
        "prize_cap": (terms.prize_cap.0 != i64::MAX).then(|| terms.prize_cap.to_string()),
        "consolation": consolation.map(|(word, _)| *word),
        "return_reserve": written(terms.return_reserve),
        "coin_reserve": written(terms.coin_reserve),
        "margin_floor": terms.margin_floor.to_string(),
        "coins": { "offset": written(terms.coin_offset), "months": terms.coin_months },
        "recharge": terms.recharge_cap.map(|cap| json!({ "cap": cap.to_string() })),
        "limits": {
            "money_in_groups": terms.money_in_groups.map(|money| money.to_string()),
            "entries_per_day": terms.entries_per_day,
            "losses": pause.map(|pause| pause.losses),
            "pause_s": pause.map(|pause| pause.pause.0 / 1000),
        },
        "minimum_age": terms.minimum_age,
        "real_name": names.map(|(word, _)| *word),
        "retention_years": terms.retention_years,
        "disclosures": terms.disclosures.iter().map(|told| told.name()).collect::<Vec<_>>(),
        "withdrawal": {
            "minimum": terms.withdrawal.minimum.to_string(),
            "fee": written(terms.withdrawal.fee),
            "daily_limit": terms.withdrawal.daily_limit.to_string(),
        },
        "withholding": {
            "occasional": written(terms.withholding.occasional),
            "borne_by": bearer.map(|(word, _)| *word),
        },
    })
}
