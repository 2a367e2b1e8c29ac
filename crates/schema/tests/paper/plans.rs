//! Random campaign files that keep the rules: all kinds, all programs, all limits. What may be left out is left out half
//! of the time.

use std::fmt::Write;

use crate::dice::Dice;

/// How large the groups are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Middle,
    /// Up to the 10 000 seats of rules 4, with few programs.
    Large,
}

/// What later parts of the file depend on.
struct Terms {
    kind: &'static str,
    /// Published under `cn-default`, which allows less (rules 11).
    cautious: bool,
    seats: usize,
    price: i64,
    merchants: bool,
    has_margin: bool,
    has_consolation: bool,
    caps: usize,
}

/// The text of a campaign file.
pub(crate) fn random(dice: &mut Dice, size: Size) -> String {
    let kinds = [
        "draw",
        "draw",
        "everyone-buys",
        "bonus-draw",
        "treat",
        "ballot",
    ];
    let kind = dice.pick(&kinds);
    let seats = match size {
        Size::Small => dice.between(2, 8),
        Size::Middle => dice.between(2, 60),
        Size::Large => *dice.pick(&[&200, &1_000, &9_999, &10_000]),
    };
    let price = price(dice);
    let cautious = kind != "draw" && kind != "treat" && dice.percent(30);
    let merchants = kind == "treat" || dice.percent(30);
    let cost = cost(dice, price);
    let terms = Terms {
        kind,
        cautious,
        seats,
        price,
        merchants,
        has_margin: !merchants && cost <= price,
        has_consolation: dice.percent(70),
        caps: *dice.pick(&[&0, &0, &1, &2, &3]),
    };
    let mut text = format!(
        "name = {{ zh = \"纸面\", en = \"On paper\" }}\nkind = \"{kind}\"\nprofile = \"{}\"\n\
         [product]\ntitle = {{ zh = \"茶\", en = \"Tea\" }}\n",
        if cautious { "cn-default" } else { "seed" }
    );
    if !merchants || dice.percent(50) {
        let _ = writeln!(text, "cost = \"{}\"", yuan(dice, cost));
    }
    if kind == "bonus-draw" {
        let most = if cautious { 5_000_000 } else { i64::MAX };
        let mut cost = portion(dice, most.min(price * 2));
        let is_nothing = cost.chars().all(|sign| matches!(sign, '0' | '.'));
        // Where prizes have a cap a merchant says what his costs.
        if cautious && merchants && is_nothing {
            cost = "0.01".to_owned();
        }
        let _ = writeln!(
            text,
            "[prize]\ntitle = {{ zh = \"奖\", en = \"Prize\" }}\ncost = \"{cost}\""
        );
    }
    group(dice, &mut text, &terms);
    money_parts(dice, &mut text, &terms);
    let most = if size == Size::Large { 2 } else { 7 };
    programs(dice, &mut text, &terms, most);
    text
}

/// From one fen to the hundred million of the rules; mostly what things cost.
fn price(dice: &mut Dice) -> i64 {
    let fen = match dice.between(0, 9) {
        0 => dice.between(1, 20),
        1 => dice.between(1, 10_000_000_000),
        2..=5 => 100 * dice.between(1, 2_000),
        _ => dice.between(100, 200_000),
    };
    i64::try_from(fen).unwrap()
}

fn cost(dice: &mut Dice, price: i64) -> i64 {
    let percent = *dice.pick(&[&0, &10, &20, &50, &80, &100, &130]);
    (price * percent / 100).min(10_000_000_000)
}

/// At most so many fen, small shares more often than large ones.
fn part(dice: &mut Dice, most: i64) -> i64 {
    let most = usize::try_from(most.clamp(0, 10_000_000_000)).unwrap();
    let most = most / *dice.pick(&[&1, &5, &20, &100]);
    i64::try_from(dice.between(0, most)).unwrap()
}

/// The same as an amount of a file.
fn portion(dice: &mut Dice, most: i64) -> String {
    let fen = part(dice, most);
    yuan(dice, fen)
}

/// An amount with as many decimals as it needs, or two.
fn yuan(dice: &mut Dice, fen: i64) -> String {
    let (whole, rest) = (fen / 100, fen % 100);
    match rest {
        0 if dice.percent(50) => whole.to_string(),
        _ if rest % 10 == 0 && dice.percent(50) => format!("{whole}.{}", rest / 10),
        _ => format!("{whole}.{rest:02}"),
    }
}

/// A rate of at most so many parts per million.
fn rate(dice: &mut Dice, most: usize) -> String {
    let ppm = match dice.between(0, 4) {
        0 => dice.between(0, most),
        1 => dice.between(0, most / 100),
        _ => most / 20 * dice.between(0, 20),
    };
    percent(ppm)
}

fn percent(ppm: usize) -> String {
    match ppm % 10_000 {
        0 => format!("{}%", ppm / 10_000),
        rest => format!("{}.{rest:04}%", ppm / 10_000),
    }
}

fn group(dice: &mut Dice, text: &mut String, terms: &Terms) {
    let kind = terms.kind;
    let leader = match kind {
        "draw" => dice.pick(&["equal", "equal", "exempt", "buys"]),
        "everyone-buys" => "equal",
        _ => dice.pick(&["equal", "exempt"]),
    };
    let most = match (kind, leader) {
        ("draw" | "treat", _) | (_, "exempt") => terms.seats - 1,
        _ => terms.seats,
    };
    // Where the leader buys, a second one must win: a group of two cannot have that.
    let leader = if leader == "buys" && most < 2 {
        "equal"
    } else {
        leader
    };
    let price = yuan(dice, terms.price);
    let _ = writeln!(
        text,
        "[group]\nprice = \"{price}\"\nseats = {}",
        terms.seats
    );
    if leader != "equal" || dice.percent(50) {
        let _ = writeln!(text, "leader = \"{leader}\"");
    }
    let chance = kind != "everyone-buys" && leader != "buys" && dice.percent(25);
    if chance {
        let least = usize::from(kind == "draw" || kind == "treat");
        let max = dice.between(1, most);
        let min = dice.between(least, max);
        // With a p of nothing and no fewest nobody could ever win, which is refused.
        let p = match rate(dice, 1_000_000) {
            p if p == "0%" && min == 0 => percent(1),
            p => p,
        };
        let _ = writeln!(text, "chance = {{ p = \"{p}\", min = {min}, max = {max} }}");
    } else if kind == "everyone-buys" {
        if dice.percent(50) {
            let _ = writeln!(text, "winners = {}", terms.seats);
        }
    } else {
        let winners = dice.between(if leader == "buys" { 2 } else { 1 }, most);
        if (winners * 1_000_000).is_multiple_of(terms.seats) && dice.percent(50) {
            let rate = percent(winners * 1_000_000 / terms.seats);
            let _ = writeln!(text, "win_rate = \"{rate}\"");
        } else {
            let _ = writeln!(text, "winners = {winners}");
        }
    }
    if !chance && leader == "equal" && (kind == "draw" || kind == "treat") && dice.percent(20) {
        text.push_str("circle = \"rotate\"\n");
    } else if dice.percent(40) {
        let _ = writeln!(text, "seats_per_member = {}", dice.between(1, terms.seats));
    }
    if dice.percent(20) {
        let _ = writeln!(text, "entries_per_day = {}", dice.between(0, 9));
    }
}

fn money_parts(dice: &mut Dice, text: &mut String, terms: &Terms) {
    if dice.percent(60) {
        let most = *dice.pick(&[&20_000, &1_000_000]);
        let _ = writeln!(text, "[channel]\nfee = \"{}\"", rate(dice, most));
        if dice.percent(50) {
            let _ = writeln!(text, "kept_on_refund = {}", dice.percent(70));
        }
    }
    if terms.merchants {
        let most = *dice.pick(&[&200_000, &1_000_000]);
        let _ = writeln!(text, "[merchant]\ncommission = \"{}\"", rate(dice, most));
    }
    if dice.percent(40) {
        let most = *dice.pick(&[&200_000, &1_000_000]);
        let _ = writeln!(text, "[alliance]\norigin_share = \"{}\"", rate(dice, most));
    }
    if terms.caps != 0 {
        text.push_str("[caps]\n");
        for cap in (0..terms.caps).rev() {
            let most = terms.price.saturating_mul(2);
            let _ = writeln!(text, "cap-{cap} = \"{}\"", portion(dice, most));
        }
    }
    if !terms.cautious && dice.percent(30) {
        let leftover = dice.pick(&["owner", "dividend", "dividend"]);
        let _ = writeln!(text, "[envelope]\nleftover = \"{leftover}\"");
    }
}

fn programs(dice: &mut Dice, text: &mut String, terms: &Terms, most: usize) {
    let mut names: Vec<&str> = Vec::new();
    let all = [
        "winner-bonus",
        "leader",
        "region",
        "generation",
        "generation",
        "formation",
        "differential",
        "differential",
        "same-level",
        "same-level",
        "dividend",
    ];
    let allowed = if terms.cautious { &all[..5] } else { &all[..] };
    for _ in 0..dice.between(0, most) {
        names.push(dice.pick(allowed));
    }
    if terms.has_consolation {
        names.push("consolation");
    }
    dice.shuffle(&mut names);
    let mut walks = false;
    for name in names {
        // Same-level follows a differential program; where there is none yet, it becomes one.
        let name = match name {
            "same-level" if !walks => "differential",
            name => name,
        };
        walks |= name == "differential";
        let _ = writeln!(text, "[[reward]]\nprogram = \"{name}\"");
        program(dice, text, terms, name);
        match dice.between(0, 3) {
            0 => {
                let _ = writeln!(text, "cap = \"{}\"", portion(dice, terms.price));
            }
            1 | 2 if terms.caps != 0 => {
                let _ = writeln!(text, "share = \"cap-{}\"", dice.between(0, terms.caps - 1));
            }
            _ => {}
        }
    }
}

fn program(dice: &mut Dice, text: &mut String, terms: &Terms, name: &str) {
    // Registering for a ballot is free, so cash is paid for purchases alone (rules 11).
    let free = terms.kind == "ballot";
    match name {
        "consolation" | "winner-bonus" | "leader" => {
            let no_cash = match name {
                "consolation" => free || terms.cautious,
                "leader" => free,
                _ => false,
            };
            let cash = if no_cash {
                "0".to_owned()
            } else {
                portion(dice, terms.price / 2)
            };
            let coins = portion(dice, terms.price);
            match dice.between(0, 2) {
                0 => writeln!(text, "cash = \"{cash}\""),
                1 => writeln!(text, "coins = \"{coins}\""),
                _ => writeln!(text, "cash = \"{cash}\"\ncoins = \"{coins}\""),
            }
            .unwrap();
            if name == "leader" && dice.percent(60) {
                let _ = writeln!(text, "unless_won = {}", dice.percent(70));
            }
        }
        "formation" => {
            let sum = if free {
                "0.00".to_owned()
            } else {
                portion(dice, terms.price / 4)
            };
            let _ = writeln!(text, "per_recruit = \"{sum}\"");
        }
        "generation" => generation(dice, text, terms),
        "differential" => {
            source_and_base(dice, text, terms);
            let mut rates: Vec<usize> = (0..dice.between(1, 5))
                .map(|_| match dice.between(0, 2) {
                    0 => dice.between(1, 300_000),
                    _ => 25_000 * dice.between(1, 12),
                })
                .collect();
            rates.push(*dice.pick(&[&0, &0, &10_000]));
            rates.sort_unstable();
            rates.dedup();
            let rates: Vec<_> = rates
                .into_iter()
                .map(|ppm| format!("\"{}\"", percent(ppm)))
                .collect();
            let _ = writeln!(text, "rates_by_rank = [{}]", rates.join(", "));
        }
        "same-level" => {
            let (rate, most) = (rate(dice, 200_000), dice.between(1, 4));
            let _ = writeln!(text, "rate = \"{rate}\"\nat_most = {most}");
        }
        "region" => {
            source_and_base(dice, text, terms);
            let kept = dice.between(0, 2);
            for (at, level) in ["county", "city", "province"].into_iter().enumerate() {
                if at == kept || dice.percent(70) {
                    let _ = writeln!(text, "{level} = \"{}\"", rate(dice, 200_000));
                }
            }
        }
        _ => {
            source_and_base(dice, text, terms);
            let _ = writeln!(text, "rate = \"{}\"", rate(dice, 200_000));
        }
    }
}

fn generation(dice: &mut Dice, text: &mut String, terms: &Terms) {
    source_and_base(dice, text, terms);
    let generations = *dice.pick(&[&1, &1, &2, &3, &5]);
    let rates: Vec<_> = (0..if terms.cautious { 1 } else { generations })
        .map(|_| format!("\"{}\"", rate(dice, 200_000)))
        .collect();
    let _ = writeln!(text, "rates = [{}]", rates.join(", "));
    // Plan 1 counts heads, which the cautious profile does not allow.
    if !terms.cautious && dice.percent(60) {
        let depths: Vec<_> = (0..dice.between(1, 4))
            .map(|_| dice.between(0, 5).to_string())
            .collect();
        let _ = writeln!(text, "vip_depth = [{}]", depths.join(", "));
    }
}

fn source_and_base(dice: &mut Dice, text: &mut String, terms: &Terms) {
    let source = if terms.kind == "ballot" {
        "winners"
    } else {
        dice.pick(&["winners", "non-winners", "all"])
    };
    let _ = writeln!(text, "source = \"{source}\"");
    let base = match dice.between(0, 4) {
        0 if terms.has_consolation => "consolation",
        1 if terms.has_margin => "margin",
        2 | 3 => "price",
        _ => "",
    };
    if base.is_empty() {
        let _ = writeln!(text, "fixed = \"{}\"", portion(dice, terms.price));
    } else {
        let _ = writeln!(text, "base = \"{base}\"");
    }
}
