//! Fixed rows: the rules' worked examples (rules 12), the walks of rules 7, and roundings and caps to the fen. Each is
//! counted by the domain and by the oracle, and both must give what stands here.

use domain::{Campaign, check_solvency, solvency};
use schema::parse_toml;

use crate::crowd::{Crowd, Person, Place};
use crate::feed;
use crate::file::Plan;
use crate::gate;
use crate::oracle::{self, Count};

fn example(name: &str) -> String {
    let path = format!("{}/../../examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap()
}

/// A group of two at 100.00, of which the second wins, with these rewards.
fn of_two(rewards: &str) -> String {
    format!(
        "name = {{ zh = \"纸\", en = \"Paper\" }}\nkind = \"draw\"\nprofile = \"seed\"\n\
         [product]\ntitle = {{ zh = \"茶\", en = \"Tea\" }}\ncost = \"20\"\n\
         [group]\nprice = \"100\"\nseats = 2\nwinners = 1\n{rewards}"
    )
}

fn terms(text: &str) -> Campaign {
    let file = parse_toml(text).unwrap();
    file.resolve(&feed::installation()).unwrap()
}

/// What both count.
fn counted(text: &str, crowd: &Crowd, winners: &[usize]) -> Count {
    let campaign = terms(text);
    let seats = feed::seats(&campaign, crowd);
    let settled = feed::settle(&campaign, &seats, winners);
    let theirs = feed::taken_apart(&campaign, &seats, winners, &settled);
    let ours = oracle::count(&Plan::read(text), crowd, winners);
    assert_eq!(theirs.payments, ours.payments);
    assert_eq!(theirs.origin_shares, ours.origin_shares);
    assert_eq!(theirs.totals, ours.totals);
    ours
}

/// Strangers; everyone has this many uplines of his own, of this VIP level.
fn strangers(seats: usize, uplines: usize, vip: usize) -> Crowd {
    let mut crowd = Crowd::default();
    for _ in 0..seats {
        let member = crowd.people.len();
        crowd.seats.push(Place { member, via: None });
        for step in 0..=uplines {
            crowd.people.push(Person {
                inviter: (step < uplines).then_some(member + step + 1),
                vip,
                ..Person::default()
            });
        }
    }
    crowd
}

/// Two strangers, of whom the second, member 1, has uplines of these ranks from the inviter up: members 2, 3 …
fn under(ranks: &[usize]) -> Crowd {
    let mut crowd = strangers(2, 0, 0);
    for (step, &rank) in ranks.iter().enumerate() {
        crowd.people[1 + step].inviter = Some(2 + step);
        crowd.people.push(Person {
            rank,
            ..Person::default()
        });
    }
    crowd
}

/// `(member, cash)` of one program's payments.
fn paid(count: &Count, program: &str) -> Vec<(usize, i128)> {
    let mine = count.payments.iter();
    mine.filter(|payment| payment.program == program)
        .map(|payment| (payment.member, payment.cash))
        .collect()
}

fn sum(count: &Count, program: &str) -> i128 {
    paid(count, program).iter().map(|&(_, cash)| cash).sum()
}

#[test]
fn e0_and_with_its_thirty_over_three_generations() {
    for (name, uplines) in [("e0", 1), ("e0-three-generations", 3)] {
        let count = counted(&example(name), &strangers(5, uplines, 0), &[2]);
        assert_eq!(count.totals.refunds, 40_000);
        assert_eq!(sum(&count, "consolation"), 2_000);
        assert_eq!(sum(&count, "formation"), 800);
        assert_eq!(sum(&count, "generation"), 3_000);
        assert_eq!(count.totals.supplier, 2_000);
        assert_eq!(count.totals.platform, 2_200);
        let printed = check_solvency(&terms(&example(name))).unwrap();
        assert_eq!(printed.worst.0, 2_200);
        assert_eq!(printed.all_winners_return.0, -4_000);
    }
    let count = counted(&example("e0-three-generations"), &strangers(5, 3, 0), &[2]);
    let shares: Vec<_> = paid(&count, "generation").iter().map(|one| one.1).collect();
    assert_eq!(shares, [300, 180, 120].repeat(5));
}

#[test]
fn e1_three_of_a_hundred() {
    let text = example("e1");
    let (plan, count) = (
        Plan::read(&text),
        counted(&text, &strangers(100, 3, 3), &[0, 50, 99]),
    );
    assert_eq!((plan.fewest, plan.most), (3, 3));
    assert_eq!(count.totals.refunds, 960_300);
    assert_eq!(sum(&count, "consolation"), 9_700);
    assert_eq!(count.totals.platform, 20_000 - 3 * plan.cost);
}

#[test]
fn e2_with_no_uplines_all_of_them_and_one_vip_1_inviter() {
    let text = example("e2");
    let mut one = strangers(100, 0, 0);
    one.people.push(Person {
        vip: 1,
        ..Person::default()
    });
    one.people[7].inviter = Some(100);
    //          crowd                   generations platform
    let rows = [
        (strangers(100, 0, 0), 0, 32_400),
        (strangers(100, 3, 0), 0, 32_400),
        (strangers(100, 3, 3), 17_640, 14_760),
        (one, 60, 32_340),
    ];
    for (crowd, generations, platform) in rows {
        let count = counted(&text, &crowd, &[3, 4]);
        assert_eq!(count.totals.refunds, 9_800_000);
        assert_eq!(sum(&count, "consolation"), 117_600);
        let coins: i128 = count.payments.iter().map(|payment| payment.coins).sum();
        assert_eq!(coins, 980_000);
        assert_eq!(sum(&count, "generation"), generations);
        assert_eq!(count.totals.platform, platform);
    }
    assert_eq!(gate::worst(&Plan::read(&text)).platform, 14_760);
}

#[test]
fn e2_with_kept_fees_is_refused() {
    let text = example("e2-fee");
    assert_eq!(gate::worst(&Plan::read(&text)).platform, -45_240);
    assert_eq!(solvency(&terms(&text)).unwrap().worst.0, -45_240);
    let refusal = check_solvency(&terms(&text)).unwrap_err();
    assert_eq!(refusal.code(), "campaign_not_solvent");
    assert!(!gate::passes(&Plan::read(&text)));
}

#[test]
fn e3_a_treat() {
    let count = counted(&example("e3"), &strangers(5, 0, 0), &[4]);
    assert_eq!(count.totals.merchant, 25_000);
    assert_eq!(count.totals.platform, 3_000);
    assert_eq!(sum(&count, "consolation"), 2_000);
}

#[test]
fn a_path_pays_its_highest_rate_and_no_more() {
    let rewards = "[[reward]]\nprogram = \"differential\"\nsource = \"winners\"\nbase = \"price\"\n\
         rates_by_rank = [\"0%\", \"10%\", \"20%\", \"30%\", \"40%\"]\n";
    //          ranks                            payments
    type Row = (&'static [usize], &'static [(usize, i128)]);
    let rows: [Row; 6] = [
        (&[1, 2, 3], &[(2, 1_000), (3, 1_000), (4, 1_000)]),
        (
            &[1, 2, 3, 4],
            &[(2, 1_000), (3, 1_000), (4, 1_000), (5, 1_000)],
        ),
        (&[1, 3, 1, 3, 1, 3], &[(2, 1_000), (3, 2_000)]),
        (&[4, 3, 2, 1], &[(2, 4_000)]),
        (&[0, 0, 9], &[(4, 4_000)]),
        (&[], &[]),
    ];
    for (ranks, payments) in rows {
        let count = counted(&of_two(rewards), &under(ranks), &[1]);
        assert_eq!(paid(&count, "differential"), payments, "{ranks:?}");
    }
}

#[test]
fn a_rate_is_rounded_once() {
    // 2.5 % of 0.99 is 2.475 fen; the rate is not rounded to 2 % first, nor the fen to 0.90.
    let of = |sum: &str| {
        of_two(&format!(
            "[[reward]]\nprogram = \"differential\"\nsource = \"winners\"\nfixed = \"{sum}\"\n\
             rates_by_rank = [\"0%\", \"2.5%\", \"5%\"]\n"
        ))
    };
    //          base    payments of ranks 1 and 2, each the floor of its own difference
    let rows = [
        ("0.99", 2),
        ("1.20", 3),
        ("1.59", 3),
        ("1.60", 4),
        ("0.39", 0),
    ];
    for (base, each) in rows {
        let count = counted(&of(base), &under(&[1, 2]), &[1]);
        assert_eq!(sum(&count, "differential"), 2 * each, "{base}");
    }
    // Rank 2 alone gets the floor of 5 % of 1.59, 7 fen, not twice 3.
    assert_eq!(
        sum(&counted(&of("1.59"), &under(&[2]), &[1]), "differential"),
        7
    );
}

#[test]
fn same_level_follows_the_walk_where_a_cap_has_cut_it_to_nothing() {
    let with = |cap: &str| {
        of_two(&format!(
            "[[reward]]\nprogram = \"differential\"\nsource = \"winners\"\nbase = \"price\"\n\
             rates_by_rank = [\"0%\", \"10%\", \"20%\"]\n{cap}\
             [[reward]]\nprogram = \"same-level\"\nrate = \"3%\"\nat_most = 2\n"
        ))
    };
    //     uplines: 2 has rank 1; 3 and 4 his rank; 5 rank 2; 6 rank 1; 7 rank 2
    let crowd = under(&[1, 1, 1, 2, 1, 2]);
    for (cap, differential) in [
        ("", vec![(2, 1_000), (5, 1_000)]),
        ("cap = \"15\"\n", vec![(2, 1_000), (5, 500)]),
        ("cap = \"0\"\n", vec![]),
    ] {
        let count = counted(&with(cap), &crowd, &[1]);
        assert_eq!(paid(&count, "differential"), differential, "{cap}");
        assert_eq!(paid(&count, "same-level"), [(3, 300), (4, 300)], "{cap}");
    }
    // A frozen one passes on m and his rank, and is none of the two.
    let mut crowd = crowd;
    for frozen in [2, 3] {
        crowd.people[frozen].frozen = true;
    }
    let count = counted(&with(""), &crowd, &[1]);
    assert_eq!(paid(&count, "differential"), [(5, 1_000)]);
    assert_eq!(paid(&count, "same-level"), [(4, 300), (7, 300)]);
}

#[test]
fn programs_of_one_cap_are_cut_in_declared_order() {
    let generation = "[[reward]]\nprogram = \"generation\"\nsource = \"all\"\nfixed = \"6\"\n\
         rates = [\"100%\"]\nshare = \"both\"\n";
    let formation = "[[reward]]\nprogram = \"formation\"\nper_recruit = \"5\"\nshare = \"both\"\n";
    let caps = "[caps]\nboth = \"13\"\n";
    let crowd = strangers(2, 1, 0);
    let count = counted(
        &of_two(&format!("{caps}{generation}{formation}")),
        &crowd,
        &[1],
    );
    assert_eq!(paid(&count, "generation"), [(1, 600), (3, 600)]);
    assert_eq!(paid(&count, "formation"), [(0, 100)]);
    let count = counted(
        &of_two(&format!("{caps}{formation}{generation}")),
        &crowd,
        &[1],
    );
    assert_eq!(paid(&count, "formation"), [(0, 500)]);
    assert_eq!(paid(&count, "generation"), [(1, 600), (3, 200)]);
}

/// Every part that is left out of the stored form when it is absent, alone and with all others.
#[test]
fn terms_come_back_from_the_journal_with_and_without_each_part() {
    let bonus = "name = { zh = \"纸\", en = \"Paper\" }\nkind = \"bonus-draw\"\nprofile = \"seed\"\n\
         [product]\ntitle = { zh = \"茶\", en = \"Tea\" }\ncost = \"20\"\n\
         [prize]\ntitle = { zh = \"奖\", en = \"Prize\" }\ncost = \"9\"\n\
         [group]\nprice = \"100\"\nseats = 4\nchance = { p = \"3%\", min = 0, max = 2 }\n\
         entries_per_day = 3\n[merchant]\ncommission = \"10%\"\n\
         [alliance]\norigin_share = \"5%\"\n[envelope]\nleftover = \"dividend\"\n\
         [[reward]]\nprogram = \"generation\"\nsource = \"all\"\nbase = \"price\"\nrates = [\"1%\"]\n\
         vip_depth = [1]\n";
    let full = terms(bonus);
    type LeaveOut = fn(&mut Campaign);
    let parts: [(&str, LeaveOut); 7] = [
        ("prize", |terms| terms.prize = None),
        ("merchant", |terms| terms.merchant = None),
        ("origin share", |terms| terms.origin_share = None),
        ("leftover", |terms| terms.leftover = domain::Leftover::Owner),
        ("chance", |terms| terms.group.chance = None),
        ("entries", |terms| terms.group.entries_per_day = 0),
        ("circle", |terms| terms.group.circle = domain::Circle::Off),
    ];
    let mut circle = full.clone();
    circle.group.circle = domain::Circle::Rotate;
    for kept in 0..1 << parts.len() {
        let mut some = circle.clone();
        let mut left_out = Vec::new();
        for (at, (name, leave_out)) in parts.iter().enumerate() {
            if kept & (1 << at) == 0 {
                leave_out(&mut some);
                left_out.push(name);
            }
        }
        let bytes = minicbor::to_vec(&some).unwrap();
        let back: Campaign = minicbor::decode(&bytes).unwrap();
        assert_eq!(back, some, "without {left_out:?}");
    }
}
