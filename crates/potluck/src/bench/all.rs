//! `potluck bench all`: every measurement several times, as tables for `docs/benchmarks.md`.
//!
//! Why each run is a process of its own: memory and caches of one must not stand in the figures of the next.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Map, Value};

use super::common::{Report, machine, plain, rounded};
use super::sections::{Case, SECTIONS, Section};

/// Everything between these lines of a file is written anew.
const BEGIN: &str = "<!-- written by `potluck bench all`: begin -->";
const END: &str = "<!-- written by `potluck bench all`: end -->";
/// Most runs of one measurement.
const MAX_RUNS: usize = 99;

/// Every measurement, several times
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AllArgs {
    /// How often each is run; the longest ones run once
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only sections of these names, such as joins,settle
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// With numbers so small that the figures mean nothing: tries the measurements out
    #[arg(long)]
    tiny: bool,
    /// Put the tables between the two marker lines of this file instead of printing them
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Where to make the directories that the measurements write to
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// The figures of one run by their names.
type Figures = Map<String, Value>;

pub(crate) fn run(args: &AllArgs) -> Result<String, String> {
    let sections = chosen(args)?;
    if !(1..=MAX_RUNS).contains(&args.runs) {
        return Err(format!("--runs: must be between 1 and {MAX_RUNS}"));
    }
    // Before half an hour of measuring, not after it.
    let target = args.write.as_deref().map(read_marked).transpose()?;
    let mut text = heading(&machine(args.data.as_deref()), args);
    for section in sections {
        text += &measured(section, args)?;
    }
    match (&args.write, target) {
        (Some(path), Some(before)) => {
            let after = replaced(&before, &text).ok_or("the marker lines are gone")?;
            fs::write(path, after).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(format!("written: {}\n", path.display()))
        }
        (None, _) | (_, None) => Ok(text),
    }
}

fn chosen(args: &AllArgs) -> Result<Vec<&'static Section>, String> {
    for name in &args.only {
        if !SECTIONS.iter().any(|section| section.name == name) {
            let names: Vec<&str> = SECTIONS.iter().map(|section| section.name).collect();
            return Err(format!(
                "--only {name}: the sections are {}",
                names.join(", ")
            ));
        }
    }
    let wanted =
        |section: &&Section| args.only.is_empty() || args.only.iter().any(|n| n == section.name);
    Ok(SECTIONS.iter().filter(wanted).collect())
}

/// The file with both marker lines, or what is wrong with it.
fn read_marked(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    match replaced(&text, "") {
        Some(_) => Ok(text),
        None => Err(format!(
            "{}: has no line `{BEGIN}` and after it one `{END}`",
            path.display()
        )),
    }
}

/// The text with something else between its marker lines; none if it has none.
fn replaced(text: &str, between: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{between}{END}{after}"))
}

fn heading(machine: &Report, args: &AllArgs) -> String {
    let told = machine.fields().iter().skip(1);
    let told: Vec<String> = told
        .map(|(name, value)| format!("{name} {}", plain(value)))
        .collect();
    let tiny = if args.tiny {
        " Tried out with tiny numbers: **these figures mean nothing**."
    } else {
        ""
    };
    format!(
        "Machine: {}; commit {}. Median of {} runs, in brackets the least and the most.{tiny}\n\n",
        told.join(", "),
        commit(),
        args.runs,
    )
}

/// The commit that is checked out here, and whether files differ from it.
fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    match git(&["rev-parse", "--short=12", "HEAD"]) {
        None => "unknown".to_owned(),
        Some(hash) => match git(&["status", "--porcelain", "--", "crates", "Cargo.lock"]) {
            Some(changes) if changes.is_empty() => hash,
            Some(_) | None => format!("{hash} with changes"),
        },
    }
}

/// Runs a section's cases; one row each.
fn measured(section: &Section, args: &AllArgs) -> Result<String, String> {
    let runs = if section.once { 1 } else { args.runs };
    let mut rows = Vec::new();
    for case in section.cases {
        let mut figures = Vec::new();
        for number in 1..=runs {
            let label = case.label;
            eprintln!("{}: {label}, run {number} of {runs}", section.name);
            figures.push(one_run(section, case, args)?);
        }
        rows.push((case.label, figures));
    }
    Ok(table(section, &rows))
}

fn one_run(section: &Section, case: &Case, args: &AllArgs) -> Result<Figures, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let numbers = if args.tiny { section.tiny } else { case.full };
    let mut command = Command::new(program);
    command.args(["bench", section.command]);
    command.args(case.flags.split_whitespace());
    command.args(numbers.split_whitespace());
    if let Some(data) = &args.data {
        command.arg("--data").arg(data);
    }
    let output = command
        .arg("--json")
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}, {}: {said}", section.name, case.label));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{}, {}: {error}", section.name, case.label))
}

fn table(section: &Section, rows: &[(&str, Vec<Figures>)]) -> String {
    let titles: Vec<&str> = section.columns.iter().map(|(_, title)| *title).collect();
    let mut text = format!("### {}\n\n", section.title);
    text += &format!("| | {} |\n", titles.join(" | "));
    text += &format!("|---|{}\n", "---:|".repeat(titles.len()));
    for (label, runs) in rows {
        let cells = section.columns.iter().map(|(key, _)| cell(key, runs));
        text += &format!("| {label} | {} |\n", cells.collect::<Vec<_>>().join(" | "));
    }
    text + "\n"
}

/// One figure of all runs: the median, and the least and the most where they differ.
fn cell(key: &str, runs: &[Figures]) -> String {
    let values: Vec<&Value> = runs.iter().filter_map(|figures| figures.get(key)).collect();
    let Some(first) = values.first() else {
        return "–".to_owned();
    };
    if let Some(parts) = first.as_array() {
        let parts = (0..parts.len()).map(|at| {
            let column: Vec<f64> = values
                .iter()
                .filter_map(|value| value.get(at)?.as_f64())
                .collect();
            number(middle(&column))
        });
        return parts.collect::<Vec<_>>().join(", ");
    }
    let numbers: Vec<f64> = values.iter().filter_map(|value| value.as_f64()).collect();
    let (Some(least), Some(most)) = (
        numbers.iter().copied().reduce(f64::min),
        numbers.iter().copied().reduce(f64::max),
    ) else {
        return plain(first);
    };
    if least == most {
        return number(least);
    }
    format!(
        "{} ({}–{})",
        number(middle(&numbers)),
        number(least),
        number(most)
    )
}

/// The middle one; of an even number the lower of the two.
fn middle(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = sorted.len().saturating_sub(1) / 2;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// Whole from a hundred on, with what digits matter below.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || 100.0 <= value.abs() {
        return plain(&Value::from(value.round().max(0.0) as u64));
    }
    rounded(value, 2).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(json: &[&str]) -> Vec<Figures> {
        let parse = |text: &&str| serde_json::from_str(text).unwrap();
        json.iter().map(parse).collect()
    }

    #[track_caller]
    fn check(key: &str, json: &[&str], expected: &str) {
        assert_eq!(cell(key, &runs(json)), expected, "{key} of {json:?}");
    }

    #[test]
    fn a_cell_is_the_median_with_its_spread() {
        check("a", &[r#"{"a":5}"#], "5");
        check("a", &[r#"{"a":5}"#, r#"{"a":5}"#], "5");
        check("a", &[r#"{"a":3}"#, r#"{"a":1}"#, r#"{"a":2}"#], "2 (1–3)");
        check("a", &[r#"{"a":3}"#, r#"{"a":1}"#], "1 (1–3)");
        check(
            "a",
            &[r#"{"a":1234.6}"#, r#"{"a":2.345}"#],
            "2.35 (2.35–1\u{202f}235)",
        );
        check(
            "a",
            &[r#"{"a":[1,20]}"#, r#"{"a":[3,10]}"#, r#"{"a":[2,30]}"#],
            "2, 20",
        );
        check("a", &[r#"{"a":"ext4"}"#], "ext4");
        check("missing", &[r#"{"a":1}"#], "–");
    }

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let text = format!("# Head\n{BEGIN}\nold\n{END}\ntail\n");
        let after = replaced(&text, "new\n").unwrap();
        assert_eq!(after, format!("# Head\n{BEGIN}\n\nnew\n{END}\ntail\n"));
        assert_eq!(replaced(&after, "new\n").unwrap(), after);
        assert_eq!(replaced("no markers", "new"), None);
        assert_eq!(replaced(&format!("{END}{BEGIN}"), "new"), None);
    }

    #[test]
    fn the_document_has_the_markers() {
        let text = include_str!("../../../../docs/benchmarks.md");
        assert!(replaced(text, "").is_some());
    }
}
