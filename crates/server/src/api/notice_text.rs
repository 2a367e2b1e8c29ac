//! A campaign's public notice in sentences (rules 11), in both languages.
//!
//! Why every figure is the wire's or the domain's: whoever reads the sentences and whoever reads the fields must be told one
//! thing. Of a chance the fewest and the most are called bounds, and what is expected is called average.

use domain::{Campaign, Kind, LeaderRule};
use views::Earned;

use crate::wire::{ChanceCard, Odds, RunBy, Words, chance};

/// The notice in sentences.
pub(super) fn text(
    terms: &Campaign,
    odds: &Odds,
    (most, merchant): (domain::rewards::Bound, Option<&RunBy>),
    earned: &Earned,
) -> Vec<Words> {
    let (seats, price) = (terms.group.seats, terms.group.price.to_decimal());
    let mut lines: Vec<Words> = merchant.map(told_by).into_iter().collect();
    let mut say = |zh: String, en: String| lines.push(Words { zh, en });
    match terms.kind {
        Kind::Draw => draw_text(terms, odds, &mut say),
        Kind::BonusDraw => bonus_text(terms, odds, &mut say),
        Kind::Treat => treat_text(terms, odds, &mut say),
        Kind::Ballot => ballot_text(terms, odds, &mut say),
        Kind::EveryoneBuys => say(
            format!("满 {seats} 人成团，每人 {price} 元，人人得货，不抽签。"),
            format!(
                "{seats} buy together at {price} each; everybody gets the product, nothing is drawn."
            ),
        ),
    }
    if let Some(leader) = leader_text(terms) {
        say(leader.zh, leader.en);
    }
    if terms.is_drawn() {
        say(RANDOM_ZH.to_owned(), RANDOM_EN.to_owned());
    }
    let (cash, coins) = (
        most.cash.to_decimal(),
        domain::Money(most.coins.0).to_decimal(),
    );
    say(
        format!("每团全部奖励合计最多 {cash} 元和 {coins} 购物币，由所有参与者及其上级分享。"),
        format!(
            "All rewards of a group together are at most {cash} yuan and {coins} coins, shared by everybody in it and their uplines."
        ),
    );
    let years = terms.profile.terms().retention_years;
    if years != 0 {
        say(
            format!("规则、抽签结果和付款记录至少保存 {years} 年。"),
            format!("Rules, results and payments are kept for at least {years} years."),
        );
    }
    if 0 < earned.groups {
        let (groups, members, median) = (earned.groups, earned.members, earned.median.to_decimal());
        say(
            format!(
                "最近 {groups} 个已结算的团共 {members} 人参与，处于中间的一人在本活动中得到 {median} 元。"
            ),
            format!(
                "In the last {groups} settled groups {members} members took part; the one in the middle has earned {median} yuan in this campaign."
            ),
        );
    } else {
        say(
            "还没有已结算的团，尚无人获得奖励。".to_owned(),
            "No group is settled yet: nobody has earned anything.".to_owned(),
        );
    }
    lines
}

const RANDOM_ZH: &str =
    "中签由事先约定的公开随机数决定，任何人都可以核对；主办方不能选择、替换或重抽。";
const RANDOM_EN: &str = "Winners follow from public randomness fixed beforehand, and anybody can check them; whoever runs this \
    cannot choose, replace or draw again.";

/// Which seats are drawn, as the end of a sentence: so many, or each by itself.
fn drawn(terms: &Campaign, odds: &Odds) -> Words {
    let others = match terms.group.leader {
        LeaderRule::Equal => None,
        LeaderRule::Exempt | LeaderRule::Buys => Some(terms.group.seats.saturating_sub(1)),
    };
    match (chance(terms), others) {
        (None, None) => Words {
            zh: format!("抽出 {} 个", odds.winners),
            en: format!("{} of them are drawn", odds.winners),
        },
        (None, Some(others)) => Words {
            zh: format!("团长以外的 {others} 个名额中抽出 {} 个", odds.winners),
            en: format!(
                "of the {others} that are not the leader's {} are drawn",
                odds.winners
            ),
        },
        (Some(chance), others) => {
            let ChanceCard { p, min, max } = chance;
            let average = &odds.expected_winners;
            let (whose, whose_en) = match others {
                None => (String::new(), String::new()),
                Some(others) => (
                    format!("团长以外的 {others} 个名额中"),
                    format!(" of the {others} that are not the leader's"),
                ),
            };
            Words {
                zh: format!(
                    "{whose}每个各以 {p} 的机会抽中，至少 {min} 个、至多 {max} 个（这是上下限），平均 {average} 个"
                ),
                en: format!(
                    "each{whose_en} is drawn with a chance of {p}, at least {min} and at most {max} of them (these are bounds), \
                     {average} on average"
                ),
            }
        }
    }
}

/// What the leader's seat does where it is not like the others.
fn leader_text(terms: &Campaign) -> Option<Words> {
    let (zh, en) = match (terms.group.leader, terms.kind) {
        (LeaderRule::Equal, _) => return None,
        (LeaderRule::Buys, _) => (
            "团长的名额不参加抽签：他付款后必得商品。",
            "The leader's seat is not drawn: he pays and always gets the product.",
        ),
        (LeaderRule::Exempt, Kind::Draw | Kind::EveryoneBuys) => (
            "团长的名额不参加抽签：他必不中奖，款项全额退回。",
            "The leader's seat is not drawn: he never wins and has his money back in full.",
        ),
        (LeaderRule::Exempt, Kind::BonusDraw) => (
            "团长的名额不参加抽签：他照样付款得到商品，没有奖品。",
            "The leader's seat is not drawn: he pays for the product like everybody and never gets the prize.",
        ),
        (LeaderRule::Exempt, Kind::Treat) => (
            "最先入座的客人（团长）不参加抽签：他不会被抽中买单。",
            "The first guest, the leader, is not drawn: he never pays the bill.",
        ),
        (LeaderRule::Exempt, Kind::Ballot) => (
            "最先登记的人（团长）不参加摇号：他没有购买权。",
            "Who registered first, the leader, is not drawn: he gets no right to buy.",
        ),
    };
    Some(Words {
        zh: zh.to_owned(),
        en: en.to_owned(),
    })
}

/// Seats that pay, of which some are drawn to win what is sold.
fn draw_text(terms: &Campaign, odds: &Odds, say: &mut impl FnMut(String, String)) {
    let (seats, price) = (terms.group.seats, terms.group.price.to_decimal());
    let drawn = drawn(terms, odds);
    say(
        format!("每团 {seats} 个名额，每个 {price} 元，{}。", drawn.zh),
        format!("A group has {seats} seats at {price} each; {}.", drawn.en),
    );
    say(
        format!("平均每 {} 轮中一次。", odds.average_rounds),
        format!(
            "Who keeps playing wins once in {} rounds on average.",
            odds.average_rounds
        ),
    );
}

/// Everybody buys, and some get a prize besides.
fn bonus_text(terms: &Campaign, odds: &Odds, say: &mut impl FnMut(String, String)) {
    let (seats, price) = (terms.group.seats, terms.group.price.to_decimal());
    let drawn = drawn(terms, odds);
    let (product, prize) = (&terms.product.title, terms.prize.as_ref());
    let (prize_zh, prize_en) = prize.map_or(("", ""), |prize| (&prize.title.zh, &prize.title.en));
    say(
        format!(
            "每团 {seats} 个名额，每个 {price} 元；满员后人人付款买下并得到商品“{}”，无人退款。",
            product.zh
        ),
        format!(
            "A group has {seats} seats at {price} each. When it is full everybody buys and gets the product ({}); nobody is refunded.",
            product.en
        ),
    );
    say(
        format!("另有奖品“{prize_zh}”：{}，每个得一份。", drawn.zh),
        format!(
            "There is a prize besides ({prize_en}), one for each seat drawn: {}.",
            drawn.en
        ),
    );
    say(
        format!(
            "平均每参加 {} 轮得一次奖品，每轮都要买下商品。",
            odds.average_rounds
        ),
        format!(
            "Who keeps joining gets the prize once in {} rounds on average, and buys the product in each.",
            odds.average_rounds
        ),
    );
}

/// What happens at a table, or at any of a template's.
fn treat_text(terms: &Campaign, odds: &Odds, say: &mut impl FnMut(String, String)) {
    let group = &terms.group;
    let (seats, price) = (group.seats, group.price.to_decimal());
    let guests = match group.seats_from {
        Some(fewest) if fewest != seats => format!("{fewest}–{seats}"),
        Some(_) | None => seats.to_string(),
    };
    let bills = match group.price_from {
        Some(least) if least != group.price => format!("{}–{price}", least.to_decimal()),
        Some(_) | None => price,
    };
    let (zh, en) = match chance(terms) {
        None => (
            format!("抽出 {} 人买单", group.winners),
            format!("{} of them are drawn to pay it", group.winners),
        ),
        Some(ChanceCard { p, min, max }) => (
            format!("每人各以 {p} 的机会被抽中买单，至少 {min} 人、至多 {max} 人（这是上下限）"),
            format!(
                "each is drawn to pay it with a chance of {p}, at least {min} and at most {max} of them (these are bounds)"
            ),
        ),
    };
    say(
        format!("每桌 {guests} 人，每人先付整桌账单 {bills} 元；{zh}，其余的人全额原路退回。"),
        format!(
            "A table has {guests} guests, and each pays its whole bill of {bills}; {en}, the others have theirs back in full."
        ),
    );
    let (rounds, average) = (&odds.average_rounds, &odds.expected_winners);
    say(
        format!("{seats} 人一桌时，平均抽出 {average} 人，平均每 {rounds} 桌买单一次。"),
        format!(
            "At tables of {seats} {average} are drawn on average, and one pays once in {rounds} tables."
        ),
    );
}

/// What registering gives, and what is left of a right that is not used.
fn ballot_text(terms: &Campaign, odds: &Odds, say: &mut impl FnMut(String, String)) {
    let (seats, price) = (terms.group.seats, terms.group.price.to_decimal());
    let minutes = terms.group.payment_window.0 / 60_000;
    let (zh, en) = match chance(terms) {
        None => (
            format!("抽出 {} 人", odds.winners),
            format!("{} are drawn", odds.winners),
        ),
        Some(ChanceCard { p, min, max }) => {
            let average = &odds.expected_winners;
            (
                format!(
                    "每人各以 {p} 的机会中签，至少 {min} 人、至多 {max} 人（这是上下限），平均 {average} 人"
                ),
                format!(
                    "each is drawn with a chance of {p} (at least {min} and at most {max}: these are bounds; {average} on average)"
                ),
            )
        }
    };
    say(
        format!(
            "免费登记，满 {seats} 人后{zh}；中签者有权在 {minutes} 分钟内以 {price} 元购买，不买也没有费用。"
        ),
        format!(
            "Registering is free. Of {seats} who have registered {en} and may buy at {price} within {minutes} minutes; \
             not buying costs nothing."
        ),
    );
    say(
        "逾期未用的购买权按抽签次序顺延给下一位，放弃者没有购物币。".to_owned(),
        "A right that is not used in time passes to the next in the draw's order; who let it lapse gets no coins.".to_owned(),
    );
    say(
        format!("平均每登记 {} 次中签一次。", odds.average_rounds),
        format!(
            "Who keeps registering is drawn once in {} ballots on average.",
            odds.average_rounds
        ),
    );
}

/// Whose campaign it is.
fn told_by(RunBy { name, contact, .. }: &RunBy) -> Words {
    Words {
        zh: format!("本活动由商家“{name}”发起，联系方式：{contact}。"),
        en: format!("This campaign is run by the merchant {name}, who is reached at {contact}."),
    }
}
