//! Reads `[[reward]]`: which program takes which keys (rules 13).

use domain::rewards::{
    Base, Consolation, Formation, Generation, Leader, Limit, Program, Reward, Source, WinnerBonus,
};
use domain::{Cap, Coins, MAX_REWARDS, Money, ProgramKind};

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

fn reward(entry: &Field<'_>, caps: &[Cap]) -> Result<Reward, SchemaError> {
    let words: Vec<_> = keys::PROGRAMS
        .iter()
        .map(|(name, keys)| (*name, Some((*name, *keys))))
        .collect();
    let (name, own_keys) = entry.free_table()?.need("program")?.choice(&words)?;
    let known: Vec<_> = own_keys.iter().chain(keys::ANY_PROGRAM).copied().collect();
    check_keys_of_program(entry, name, &known)?;
    let table = entry.table(&known)?;
    let kind = table.need("program")?.choice(&built())?;
    Ok(Reward {
        program: program(kind, &table)?,
        limit: limit(&table, caps)?,
    })
}

/// A key that belongs to another program gets an answer of its own.
fn check_keys_of_program(entry: &Field<'_>, name: &str, known: &[&str]) -> Result<(), SchemaError> {
    for (key, field) in entry.free_table()?.fields() {
        let elsewhere = || keys::PROGRAMS.iter().find(|(_, keys)| keys.contains(&key));
        if !known.contains(&key)
            && let Some((other, _)) = elsewhere()
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

/// The programs that this version pays.
fn built() -> Vec<(&'static str, Option<ProgramKind>)> {
    let built = [
        ProgramKind::Consolation,
        ProgramKind::WinnerBonus,
        ProgramKind::Leader,
        ProgramKind::Formation,
        ProgramKind::Generation,
    ];
    let kind_of = |name| built.into_iter().find(|kind| kind.name() == name);
    keys::PROGRAMS
        .iter()
        .map(|&(name, _)| (name, kind_of(name)))
        .collect()
}

fn program(kind: ProgramKind, table: &Table<'_>) -> Result<Program, SchemaError> {
    Ok(match kind {
        ProgramKind::Consolation => {
            let (cash, coins) = cash_and_coins(table)?;
            Program::Consolation(Consolation { cash, coins })
        }
        ProgramKind::WinnerBonus => {
            let (cash, coins) = cash_and_coins(table)?;
            Program::WinnerBonus(WinnerBonus { cash, coins })
        }
        ProgramKind::Leader => {
            let (cash, coins) = cash_and_coins(table)?;
            let unless_won = table
                .get("unless_won")
                .map_or(Ok(false), |field| field.boolean())?;
            Program::Leader(Leader {
                cash,
                coins,
                unless_won,
            })
        }
        ProgramKind::Formation => Program::Formation(Formation {
            per_recruit: table.need("per_recruit")?.money()?,
        }),
        ProgramKind::Generation => Program::Generation(generation(table)?),
    })
}

fn generation(table: &Table<'_>) -> Result<Generation, SchemaError> {
    let sources = [
        ("winners", Some(Source::Winners)),
        ("non-winners", Some(Source::NonWinners)),
        ("all", Some(Source::All)),
    ];
    let rates = table.need("rates")?.list()?;
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
    Ok(Generation {
        source: table.need("source")?.choice(&sources)?,
        base: base(table)?,
        rates: rates.iter().map(Field::rate).collect::<Result<_, _>>()?,
        vip_depth,
    })
}

fn base(table: &Table<'_>) -> Result<Base, SchemaError> {
    let key = table.one_of(&["base", "fixed"])?;
    let field = table.need(key)?;
    if key == "fixed" {
        return Ok(Base::Fixed(field.money()?));
    }
    field.choice(&[
        ("price", Some(Base::Price)),
        ("consolation", Some(Base::Consolation)),
        ("margin", Some(Base::Margin)),
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
