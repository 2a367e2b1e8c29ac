//! The published campaign file (draw 2): the terms as one text, the same bytes for ever.
//!
//! Why it is written here and not by a library: its SHA-256 is in the name of every group of the campaign, so that
//! the prize cannot be swapped afterwards. A library that wrote one space more in its next version would break that
//! name. The text is a campaign file of rules 13 with every default written out: whoever has it can read it, hash it
//! and give it to `potluck try`. What belongs to the installation (log, local beacon) stands in the `open` file.

use std::fmt::Write;

use crate::rewards::{
    Base, Consolation, Dividend, Formation, Generation, Leader, Limit, Program, Reward, SameLevel,
    Source, WinnerBonus,
};
use crate::{BeaconSource, Campaign, Cap, DAY_MS, Duration, GroupTerms, Rate, Text, percent};

/// The canonical campaign file of these terms: TOML of rules 13, all defaults written out, keys in the order of the
/// rules, lines ended by LF. Never change what it writes for terms that could be published before.
pub fn published_file(campaign: &Campaign) -> String {
    let mut file = File(String::from("# potluck-campaign/v1\n"));
    file.text("name", &campaign.name);
    file.quoted("kind", campaign.kind.name());
    file.quoted("profile", campaign.profile.name());
    file.bare("plan", campaign.plan);
    file.table("[product]");
    file.text("title", &campaign.product.title);
    file.amount("cost", campaign.product.cost);
    file.quoted("fulfilment", campaign.product.fulfilment.name());
    if let Some(prize) = &campaign.prize {
        file.table("[prize]");
        file.text("title", &prize.title);
        file.amount("cost", prize.cost);
    }
    group(&mut file, &campaign.group);
    file.table("[draw]");
    file.quoted("source", source_of_draw(campaign.draw.source));
    file.quoted("delay", &format!("{}s", campaign.draw.delay_s));
    file.table("[channel]");
    file.rate("fee", campaign.channel.fee);
    file.bare("kept_on_refund", campaign.channel.kept_on_refund);
    if let Some(merchant) = campaign.merchant {
        file.table("[merchant]");
        file.rate("commission", merchant.commission);
    }
    if let Some(share) = campaign.origin_share {
        file.table("[alliance]");
        file.rate("origin_share", share);
    }
    caps(&mut file, &campaign.caps);
    file.table("[envelope]");
    file.quoted("leftover", campaign.leftover.name());
    for entry in &campaign.rewards {
        reward(&mut file, entry, &campaign.caps);
    }
    file.0
}

fn group(file: &mut File, terms: &GroupTerms) {
    file.table("[group]");
    file.amount("price", terms.price);
    if let Some(least) = terms.price_from {
        file.amount("price_from", least);
    }
    file.bare("seats", terms.seats);
    if let Some(fewest) = terms.seats_from {
        file.bare("seats_from", fewest);
    }
    match terms.chance {
        None => file.bare("winners", terms.winners),
        Some(chance) => file.bare(
            "chance",
            format_args!(
                "{{ p = \"{}%\", min = {}, max = {} }}",
                percent(chance.p),
                chance.min,
                terms.winners
            ),
        ),
    }
    file.quoted("leader", terms.leader.name());
    file.quoted("circle", terms.circle.name());
    file.quoted("fill_within", &duration(terms.fill_within));
    file.quoted("payment_window", &duration(terms.payment_window));
    file.bare("seats_per_member", terms.seats_per_member);
    file.bare("entries_per_day", terms.entries_per_day);
}

/// In the order of their names, whatever order they came in: it means nothing.
fn caps(file: &mut File, caps: &[Cap]) {
    if caps.is_empty() {
        return;
    }
    file.table("[caps]");
    let mut sorted: Vec<&Cap> = caps.iter().collect();
    sorted.sort_by(|left, right| left.name.cmp(&right.name));
    for cap in sorted {
        file.amount(&cap.name, cap.limit);
    }
}

fn reward(file: &mut File, reward: &Reward, caps: &[Cap]) {
    file.table("[[reward]]");
    match &reward.program {
        Program::Consolation(Consolation { cash, coins }) => {
            file.quoted("program", "consolation");
            file.amount("cash", cash);
            file.amount("coins", coins);
        }
        Program::WinnerBonus(WinnerBonus { cash, coins }) => {
            file.quoted("program", "winner-bonus");
            file.amount("cash", cash);
            file.amount("coins", coins);
        }
        Program::Leader(Leader {
            cash,
            coins,
            unless_won,
        }) => {
            file.quoted("program", "leader");
            file.amount("cash", cash);
            file.amount("coins", coins);
            file.bare("unless_won", unless_won);
        }
        Program::Formation(Formation { per_recruit }) => {
            file.quoted("program", "formation");
            file.amount("per_recruit", per_recruit);
        }
        Program::Generation(program) => generation(file, program),
        Program::Differential(program) => {
            file.quoted("program", "differential");
            source_and_base(file, program.source, program.base);
            rates(file, "rates_by_rank", &program.rates_by_rank);
        }
        Program::SameLevel(SameLevel { rate, at_most }) => {
            file.quoted("program", "same-level");
            file.rate("rate", *rate);
            file.bare("at_most", at_most);
        }
        Program::Region(program) => {
            file.quoted("program", "region");
            source_and_base(file, program.source, program.base);
            file.rate("county", program.county);
            file.rate("city", program.city);
            file.rate("province", program.province);
        }
        Program::Dividend(Dividend { source, base, rate }) => {
            file.quoted("program", "dividend");
            source_and_base(file, *source, *base);
            file.rate("rate", *rate);
        }
    }
    match reward.limit {
        Limit::None => {}
        Limit::Own(limit) => file.amount("cap", limit),
        Limit::Shared(at) => {
            let cap = usize::try_from(at).ok().and_then(|at| caps.get(at));
            file.quoted("share", cap.map_or("", |cap| &cap.name));
        }
    }
}

fn source_and_base(file: &mut File, source: Source, base: Base) {
    file.quoted("source", source.name());
    match base {
        Base::Price => file.quoted("base", "price"),
        Base::Consolation => file.quoted("base", "consolation"),
        Base::Margin => file.quoted("base", "margin"),
        Base::Fixed(sum) => file.amount("fixed", sum),
    }
}

fn rates(file: &mut File, key: &str, rates: &[Rate]) {
    let rates: Vec<_> = rates
        .iter()
        .map(|&rate| format!("\"{}%\"", percent(rate)))
        .collect();
    file.bare(key, format_args!("[{}]", rates.join(", ")));
}

fn generation(file: &mut File, program: &Generation) {
    file.quoted("program", "generation");
    source_and_base(file, program.source, program.base);
    rates(file, "rates", &program.rates);
    if let Some(depths) = &program.vip_depth {
        let depths: Vec<_> = depths.iter().map(u32::to_string).collect();
        file.bare("vip_depth", format_args!("[{}]", depths.join(", ")));
    }
}

fn source_of_draw(source: BeaconSource) -> &'static str {
    match source {
        BeaconSource::DrandQuicknet => "drand-quicknet",
        BeaconSource::Local { .. } => "local",
    }
}

/// In the largest unit that gives a whole number: `24h` is `1d`, a second and a half is `1500ms`.
fn duration(length: Duration) -> String {
    let units = [(DAY_MS, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    for (unit_ms, unit) in units {
        if length.0 != 0 && length.0.rem_euclid(unit_ms) == 0 {
            return format!("{}{unit}", length.0.div_euclid(unit_ms));
        }
    }
    format!("{}ms", length.0)
}

/// The text so far.
struct File(String);

impl File {
    /// A line with a value that needs no quotes. Writing to a string cannot fail.
    fn bare(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn quoted(&mut self, key: &str, value: &str) {
        self.bare(key, format_args!("\"{}\"", escaped(value)));
    }

    fn amount(&mut self, key: &str, amount: impl std::fmt::Display) {
        self.bare(key, format_args!("\"{amount}\""));
    }

    fn rate(&mut self, key: &str, rate: Rate) {
        self.quoted(key, &format!("{}%", percent(rate)));
    }

    fn text(&mut self, key: &str, text: &Text) {
        let (zh, en) = (escaped(&text.zh), escaped(&text.en));
        self.bare(key, format_args!("{{ zh = \"{zh}\", en = \"{en}\" }}"));
    }

    /// The head of a table, after an empty line.
    fn table(&mut self, head: &str) {
        let _ = writeln!(self.0, "\n{head}");
    }
}

/// The inside of a TOML basic string.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_toml_basic_strings() {
        for (text, inside) in [
            ("茶 & tea", "茶 & tea"),
            ("a \"b\" \\c", "a \\\"b\\\" \\\\c"),
            ("tab\tline\nbell\u{7f}", "tab\\u0009line\\u000Abell\\u007F"),
        ] {
            assert_eq!(escaped(text), inside);
        }
    }

    #[test]
    fn lengths_of_time_in_the_largest_whole_unit() {
        for (ms, text) in [
            (0, "0ms"),
            (1, "1ms"),
            (1_500, "1500ms"),
            (3_000, "3s"),
            (300_000, "5m"),
            (5_400_000, "90m"),
            (86_400_000, "1d"),
            (90_000_000, "25h"),
        ] {
            assert_eq!(duration(Duration(ms)), text);
        }
    }
}
