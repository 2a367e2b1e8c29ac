//! Reads `[[reward]]`: which program takes which keys (rules 13).

use domain::rewards::{
    Base, Consolation, Differential, Dividend, Formation, Generation, Leader, Limit, Program,
    Region, Reward, SameLevel, Source, WinnerBonus,
};
use domain::{Cap, Coins, MAX_REWARDS, Money, Rate};

use crate::reader::{Field, Table};
use crate::{SchemaError, keys};

/// The reward programs in declared order.
pub(crate) fn read(root: &Table<'_>, caps: &[Cap]) -> Result<Vec<Reward>, SchemaError> {
    let Some(field) = root.get("reward") else {
        return Ok(Vec::new());
    };
    let entries = field.list()?;
    if MAX_REWARDS < entries.len() {
        let says = format!(
            "has {} entries; at most {MAX_REWARDS} are allowed",
            entries.len()
        );
        return Err(SchemaError::at("too_large", &field.path, says));
    }
    entries.iter().map(|entry| reward(entry, caps)).collect()
}

type ReadProgram = fn(&Table<'_>) -> Result<Program, SchemaError>;

/// The programs: the keys each takes beside those that all take, and its reader.
const PROGRAMS: &[(&str, &[&str], ReadProgram)] = &[
    ("consolation", &["cash", "coins"], consolation),
    ("winner-bonus", &["cash", "coins"], winner_bonus),
    ("leader", &["cash", "coins", "unless_won"], leader),
    ("formation", &["per_recruit"], formation),
    (
        "generation",
        &["source", "base", "fixed", "rates", "vip_depth"],
        generation,
    ),
    (
        "differential",
        &["source", "base", "fixed", "rates_by_rank"],
        differential,
    ),
    ("same-level", &["rate", "at_most"], same_level),
    (
        "region",
        &["source", "base", "fixed", "county", "city", "province"],
        region,
    ),
    ("dividend", &["source", "base", "fixed", "rate"], dividend),
];

fn reward(entry: &Field<'_>, caps: &[Cap]) -> Result<Reward, SchemaError> {
    let words: Vec<_> = PROGRAMS
        .iter()
        .map(|program| (program.0, program))
        .collect();
    let (name, own_keys, read) = entry.free_table()?.need("program")?.choice(&words)?;
    let known: Vec<_> = own_keys.iter().chain(keys::ANY_PROGRAM).copied().collect();
    check_keys_of_program(entry, name, &known)?;
    let table = entry.table(&known)?;
    Ok(Reward {
        program: read(&table)?,
        limit: limit(&table, caps)?,
    })
}

/// A key that belongs to another program gets an answer of its own.
fn check_keys_of_program(entry: &Field<'_>, name: &str, known: &[&str]) -> Result<(), SchemaError> {
    for (key, field) in entry.free_table()?.fields() {
        let elsewhere = || PROGRAMS.iter().find(|(_, keys, _)| keys.contains(&key));
        if !known.contains(&key)
            && let Some((other, ..)) = elsewhere()
        {
            let says = format!(
                "is a key of program {other}, not of {name}, which takes {}",
                known.join(", ")
            );
            return Err(SchemaError::at("unknown_key", &field.path, says));
        }
    }
    Ok(())
}

fn consolation(table: &Table<'_>) -> Result<Program, SchemaError> {
    let (cash, coins) = cash_and_coins(table)?;
    Ok(Program::Consolation(Consolation { cash, coins }))
}

fn winner_bonus(table: &Table<'_>) -> Result<Program, SchemaError> {
    let (cash, coins) = cash_and_coins(table)?;
    Ok(Program::WinnerBonus(WinnerBonus { cash, coins }))
}

fn leader(table: &Table<'_>) -> Result<Program, SchemaError> {
    let (cash, coins) = cash_and_coins(table)?;
    let unless_won = table
        .get("unless_won")
        .map_or(Ok(false), |field| field.boolean())?;
    Ok(Program::Leader(Leader {
        cash,
        coins,
        unless_won,
    }))
}

fn formation(table: &Table<'_>) -> Result<Program, SchemaError> {
    let per_recruit = table.need("per_recruit")?.money()?;
    Ok(Program::Formation(Formation { per_recruit }))
}

fn differential(table: &Table<'_>) -> Result<Program, SchemaError> {
    Ok(Program::Differential(Differential {
        source: source(table)?,
        base: base(table)?,
        rates_by_rank: rates(&table.need("rates_by_rank")?)?,
    }))
}

fn same_level(table: &Table<'_>) -> Result<Program, SchemaError> {
    Ok(Program::SameLevel(SameLevel {
        rate: table.need("rate")?.rate()?,
        at_most: table.need("at_most")?.count()?,
    }))
}

fn dividend(table: &Table<'_>) -> Result<Program, SchemaError> {
    Ok(Program::Dividend(Dividend {
        source: source(table)?,
        base: base(table)?,
        rate: table.need("rate")?.rate()?,
    }))
}

fn source(table: &Table<'_>) -> Result<Source, SchemaError> {
    let sources = [Source::Winners, Source::NonWinners, Source::All];
    table
        .need("source")?
        .choice(&sources.map(|source| (source.name(), source)))
}

fn rates(field: &Field<'_>) -> Result<Vec<Rate>, SchemaError> {
    field.list()?.iter().map(Field::rate).collect()
}

/// Regions that get nothing may be left out, but not all three.
fn region(table: &Table<'_>) -> Result<Program, SchemaError> {
    let levels = ["county", "city", "province"];
    if levels.iter().all(|level| table.get(level).is_none()) {
        table.need("county")?;
    }
    let rate = |level| table.get(level).map_or(Ok(Rate(0)), |field| field.rate());
    Ok(Program::Region(Region {
        source: source(table)?,
        base: base(table)?,
        county: rate("county")?,
        city: rate("city")?,
        province: rate("province")?,
    }))
}

fn generation(table: &Table<'_>) -> Result<Program, SchemaError> {
    let vip_depth = match table.get("vip_depth") {
        Some(field) => Some(
            field
                .list()?
                .iter()
                .map(Field::count)
                .collect::<Result<_, _>>()?,
        ),
        None => None,
    };
    Ok(Program::Generation(Generation {
        source: source(table)?,
        base: base(table)?,
        rates: rates(&table.need("rates")?)?,
        vip_depth,
    }))
}

fn base(table: &Table<'_>) -> Result<Base, SchemaError> {
    let key = table.one_of(&["base", "fixed"])?;
    let field = table.need(key)?;
    if key == "fixed" {
        return Ok(Base::Fixed(field.money()?));
    }
    field.choice(&[
        ("price", Base::Price),
        ("consolation", Base::Consolation),
        ("margin", Base::Margin),
    ])
}

/// One of the two must be there; the other is nothing then.
fn cash_and_coins(table: &Table<'_>) -> Result<(Money, Coins), SchemaError> {
    let (cash, coins) = (table.get("cash"), table.get("coins"));
    if cash.is_none() && coins.is_none() {
        let says = "is missing: give cash, coins or both";
        return Err(SchemaError::at("missing_key", &table.path_of("cash"), says));
    }
    Ok((
        cash.map_or(Ok(Money::ZERO), |field| field.money())?,
        coins.map_or(Ok(Coins::ZERO), |field| field.coins())?,
    ))
}

fn limit(table: &Table<'_>, caps: &[Cap]) -> Result<Limit, SchemaError> {
    if table.get("cap").is_none() && table.get("share").is_none() {
        return Ok(Limit::None);
    }
    if table.one_of(&["cap", "share"])? == "cap" {
        return Ok(Limit::Own(table.need("cap")?.money()?));
    }
    let field = table.need("share")?;
    let name = field.text()?;
    match caps
        .iter()
        .position(|cap| cap.name == name)
        .map(u32::try_from)
    {
        Some(Ok(at)) => Ok(Limit::Shared(at)),
        Some(Err(_)) | None => {
            let says = match caps
                .iter()
                .min_by_key(|cap| strsim::damerau_levenshtein(&cap.name, name))
            {
                Some(cap) => format!(
                    "names no cap of [caps]: {name:?}; did you mean {:?}?",
                    cap.name
                ),
                None => format!("names no cap of [caps]: {name:?}"),
            };
            Err(SchemaError::invalid(&field.path, says))
        }
    }
}
