//! Random campaigns and populations: the domain and the oracle agree on every payment, and what the rules promise holds.
//!
//! A case is its seed. A failing one prints it with the campaign and the population; `PAPER_SEED=123` runs that one alone
//! in every test of this file, `PAPER_CAMPAIGNS=100000` that many campaigns in each.

use std::collections::BTreeMap;

use domain::{
    Campaign, FilledSeat, ProgramKind, Settlement, check_solvency, published_file, solvency,
};
use schema::{parse_json_value, parse_toml, to_json};

use crate::crowd::{self, Crowd};
use crate::dice::Dice;
use crate::feed;
use crate::file::{Budget, Plan};
use crate::gate;
use crate::oracle::{self, Count};
use crate::plans::{self, Size};

/// What was met on the way, so that a generator that stops reaching a rule is noticed.
#[derive(Debug, Default)]
struct Tally(BTreeMap<String, u64>);

impl Tally {
    fn add(&mut self, what: impl Into<String>, times: u64) {
        *self.0.entry(what.into()).or_default() += times;
    }

    fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }
}

/// Prints what is needed to see a failing case again.
struct Witness {
    seed: u64,
    text: String,
    crowd: Crowd,
    winners: Vec<usize>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "PAPER_SEED={}\n{}\n{}won: {:?}",
                self.seed,
                self.text,
                self.crowd.rows(),
                self.winners
            );
        }
    }
}

/// So many campaigns, each with so many groups.
struct Run {
    first_seed: u64,
    size: Size,
    campaigns: u64,
    groups: usize,
    /// Most members beside those with seats.
    others: usize,
}

impl Run {
    fn go(&self) -> Tally {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
        let mut tally = Tally::default();
        if let Some(seed) = number("PAPER_SEED") {
            self.campaign(seed, &mut tally);
            return tally;
        }
        for at in 0..number("PAPER_CAMPAIGNS").unwrap_or(self.campaigns) {
            self.campaign(self.first_seed + at, &mut tally);
        }
        eprintln!("{tally:#?}");
        tally
    }

    fn campaign(&self, seed: u64, tally: &mut Tally) {
        let mut dice = Dice::new(seed);
        let mut witness = Witness {
            seed,
            text: plans::random(&mut dice, self.size),
            crowd: Crowd::default(),
            winners: Vec::new(),
        };
        let campaign = match parse_toml(&witness.text)
            .unwrap()
            .resolve(&feed::installation())
        {
            Ok(campaign) => campaign,
            Err(refusal) => {
                let why = refusal.to_string();
                assert!(
                    self.size == Size::Large && why.contains("100000 payments"),
                    "{why}"
                );
                return tally.add("too many payments", 1);
            }
        };
        let plan = Plan::read(&witness.text);
        says_the_same_when_written_out(&campaign, &plan);
        comes_back_from_the_journal(&campaign);
        let passes = the_gate_is_the_worst_of_all(&campaign, &plan);
        tally.add("campaigns", 1);
        tally.add(plan.kind.clone(), 1);
        tally.add(
            format!(
                "{} under {}",
                if passes { "passes" } else { "refused" },
                plan.profile
            ),
            1,
        );
        for _ in 0..self.groups {
            let others = dice.between(0, self.others);
            witness.crowd = crowd::random(&mut dice, &plan, others);
            let winners = plan.fewest..=plan.most;
            let count = dice.between(
                usize::try_from(*winners.start()).unwrap(),
                usize::try_from(*winners.end()).unwrap(),
            );
            witness.winners = crowd::winners(&mut dice, &plan, count);
            let seats = feed::seats(&campaign, &witness.crowd);
            let settled = feed::settle(&campaign, &seats, &witness.winners);
            let theirs = feed::taken_apart(&campaign, &seats, &witness.winners, &settled);
            let ours = oracle::count(&plan, &witness.crowd, &witness.winners);
            assert_eq!(theirs.payments, ours.payments);
            assert_eq!(theirs.origin_shares, ours.origin_shares);
            assert_eq!(theirs.pool_shares, ours.pool_shares);
            assert_eq!(theirs.totals, ours.totals);
            adds_up_by_program(&settled, &plan, &ours);
            keeps_the_laws(&plan, &ours, witness.winners.len(), passes);
            if self.size == Size::Small {
                seats_come_back_from_the_journal(&seats);
            }
            gives_what_members_are_told(&campaign, &plan, &ours, &witness.winners);
            met(tally, &plan, &witness.crowd, &ours);
        }
    }
}

/// The published file is the same campaign, to the schema and to the oracle; so is its JSON form.
fn says_the_same_when_written_out(campaign: &Campaign, plan: &Plan) {
    let published = published_file(campaign);
    let read = parse_toml(&published).unwrap();
    assert_eq!(read.resolve(&feed::installation()).as_ref(), Ok(campaign));
    assert_eq!(&Plan::read(&published), plan);
    let json = parse_json_value(&to_json(campaign)).unwrap();
    assert_eq!(json.resolve(&feed::installation()).as_ref(), Ok(campaign));
}

fn comes_back_from_the_journal(campaign: &Campaign) {
    let bytes = minicbor::to_vec(campaign).unwrap();
    assert_eq!(
        minicbor::decode::<Campaign>(&bytes).as_ref().ok(),
        Some(campaign)
    );
}

fn seats_come_back_from_the_journal(seats: &[FilledSeat]) {
    for seat in seats {
        let bytes = minicbor::to_vec(seat).unwrap();
        assert_eq!(
            minicbor::decode::<FilledSeat>(&bytes).as_ref().ok(),
            Some(seat)
        );
    }
}

/// Every bound and every line with every number of winners; the printed worst is the least of them, and the gate refuses
/// exactly what could go below zero. Says whether it passes.
fn the_gate_is_the_worst_of_all(campaign: &Campaign, plan: &Plan) -> bool {
    let span = plan.most - plan.fewest;
    for winners in (plan.fewest..=plan.most).step_by(usize::try_from(span / 50 + 1).unwrap()) {
        let case = campaign.case(u32::try_from(winners).unwrap());
        for (rule, reward) in campaign.rewards.iter().enumerate() {
            let theirs = reward.program.bound(case, rule).unwrap().cash.0;
            assert_eq!(
                i128::from(theirs),
                gate::rule_bound(plan, rule, winners),
                "rule {rule}"
            );
        }
        let envelope = domain::rewards::envelope(case).unwrap().cash.0;
        assert_eq!(
            i128::from(envelope),
            gate::envelope(plan, winners),
            "W = {winners}"
        );
    }
    let worst = gate::worst(plan);
    let printed = solvency(campaign).unwrap();
    assert_eq!(i128::from(printed.platform.0), worst.platform);
    assert_eq!(i128::from(printed.merchant.0), worst.merchant);
    let owner = gate::owners(plan, worst);
    assert_eq!(i128::from(printed.worst.0), owner);
    assert_eq!(i128::from(printed.margin_floor.0), 0);
    let gate = check_solvency(campaign);
    if let Err(domain::Refusal::NotSolvent(shortfall)) = &gate {
        let shown = &shortfall.solvency;
        assert_eq!(i128::from(shown.platform.0), worst.platform);
        assert_eq!(i128::from(shown.merchant.0), worst.merchant);
    }
    let passes = gate.is_ok();
    assert_eq!(passes, gate::passes(plan));
    assert!(!passes || 0 <= owner, "passes with {owner}");
    passes
}

fn adds_up_by_program(settled: &Settlement, plan: &Plan, ours: &Count) {
    for kind in [
        ProgramKind::Consolation,
        ProgramKind::WinnerBonus,
        ProgramKind::Leader,
        ProgramKind::Formation,
        ProgramKind::Generation,
        ProgramKind::Differential,
        ProgramKind::SameLevel,
        ProgramKind::Region,
    ] {
        let mine = plan.programs.iter().zip(&ours.programs);
        let mine = mine.filter(|(program, _)| program.name == kind.name());
        let (cash, coins) = mine.fold((0, 0), |sum, (_, paid)| (sum.0 + paid.0, sum.1 + paid.1));
        assert_eq!(
            i128::from(settled.cash_of(kind).unwrap().0),
            cash,
            "{kind:?}"
        );
        assert_eq!(
            i128::from(settled.coins_of(kind).unwrap().0),
            coins,
            "{kind:?}"
        );
    }
}

/// What the rules promise of every group. The oracle's figures are the domain's by now.
fn keeps_the_laws(plan: &Plan, count: &Count, winners: usize, passes: bool) {
    let winners = i128::try_from(winners).unwrap();
    let totals = &count.totals;
    // Rules 13: what came in is what went out.
    assert_eq!(
        oracle::payers(plan, winners) * plan.price,
        totals.refunds
            + totals.rewards
            + totals.supplier
            + totals.fees
            + totals.merchant
            + totals.platform
    );
    let mut all = 0;
    for (rule, &(cash, _)) in count.programs.iter().enumerate() {
        assert!(
            cash <= gate::bound(plan, rule, winners),
            "rule {rule} paid {cash}"
        );
        all += cash;
    }
    let envelope = gate::envelope(plan, winners);
    assert!(all <= envelope, "{all} of an envelope of {envelope}");
    if plan.rest_to_pool {
        assert_eq!(totals.rewards - totals.origin_share, envelope);
    }
    for payment in &count.payments {
        assert!(0 <= payment.cash && 0 <= payment.coins, "{payment:?}");
    }
    for part in [
        totals.refunds,
        totals.pool,
        totals.origin_share,
        totals.supplier,
        totals.fees,
        totals.commission,
    ] {
        assert!(0 <= part, "{totals:?}");
    }
    let worst = gate::worst(plan);
    assert!(worst.platform <= totals.platform, "{totals:?}");
    assert!(worst.merchant <= totals.merchant, "{totals:?}");
    if passes {
        assert!(0 <= totals.platform && 0 <= totals.merchant, "{totals:?}");
    }
}

/// Rules 8: what a non-winner is told he gets is sure, and what playing until he wins costs is not more than he is told.
fn gives_what_members_are_told(campaign: &Campaign, plan: &Plan, count: &Count, winners: &[usize]) {
    let told = domain::odds(campaign).unwrap();
    let cash = i128::from(told.consolation_cash_at_least.0);
    let coins = i128::from(told.consolation_coins_at_least.0);
    let mut got = vec![(0, 0); usize::try_from(plan.seats).unwrap()];
    for payment in &count.payments {
        if let Some(seat) = payment
            .source_seat
            .filter(|_| payment.program == "consolation")
        {
            got[seat] = (payment.cash, payment.coins);
        }
    }
    for &seat in winners {
        got[seat] = (cash, coins);
    }
    assert!(
        got.iter().all(|&had| cash <= had.0 && coins <= had.1),
        "{told:?}"
    );
    if plan.fewest == plan.most && plan.leader != "buys" && oracle::buyers(plan, 0) == 0 {
        // At a table who is drawn pays: an exempt leader, who never does, is not counted among the others.
        let exempt = plan.kind == "treat" && plan.leader == "exempt";
        let seats = plan.seats - i128::from(exempt);
        let gained = cash * (seats - plan.most) / plan.most;
        assert_eq!(i128::from(told.average_cost.0), plan.price - gained);
        let odds = told.average_rounds;
        assert_eq!(
            i128::from(odds.num) * plan.most,
            i128::from(odds.den) * seats
        );
    }
}

/// Notes which rules a group has used.
fn met(tally: &mut Tally, plan: &Plan, crowd: &Crowd, count: &Count) {
    tally.add("groups", 1);
    tally.add("payments", u64::try_from(count.payments.len()).unwrap());
    let winners = count.origin_shares.len();
    tally.add("with home stores", u64::from(winners != 0));
    tally.add("with a pool", u64::from(count.totals.pool != 0));
    tally.add("for merchants", u64::from(plan.commission.is_some()));
    tally.add(
        "with frozen members",
        u64::from(crowd.people.iter().any(|one| one.frozen)),
    );
    tally.add("several seats each", u64::from(plan.seats_per_member != 1));
    tally.add("winners by chance", u64::from(plan.fewest != plan.most));
    tally.add(format!("leader {}", plan.leader), 1);
    for (program, &(cash, coins)) in plan.programs.iter().zip(&count.programs) {
        tally.add(
            format!("{} paid", program.name),
            u64::from(cash + coins != 0),
        );
    }
    for (name, &cap) in &plan.caps {
        let mine = plan.programs.iter().zip(&count.programs);
        let mine: Vec<_> = mine
            .filter(|(program, _)| program.budget == Budget::Shared(name.clone()))
            .collect();
        let paid: i128 = mine.iter().map(|(_, paid)| paid.0).sum();
        tally.add(
            "shared cap met",
            u64::from(1 < mine.len() && paid == cap && cap != 0),
        );
    }
}

/// Every rule is reached often: kinds, programs, limits, leaders.
fn check_reach(tally: &Tally, least: u64) {
    if std::env::var("PAPER_SEED").is_ok() {
        return;
    }
    for what in [
        "passes under seed",
        "refused under seed",
        "passes under cn-default",
        "refused under cn-default",
        "draw",
        "everyone-buys",
        "bonus-draw",
        "treat",
        "ballot",
        "leader equal",
        "leader exempt",
        "leader buys",
        "winners by chance",
        "several seats each",
        "with frozen members",
        "with home stores",
        "with a pool",
        "for merchants",
        "shared cap met",
        "consolation paid",
        "winner-bonus paid",
        "leader paid",
        "formation paid",
        "generation paid",
        "differential paid",
        "same-level paid",
        "region paid",
        "dividend paid",
    ] {
        assert!(
            least <= tally.of(what),
            "{what}: {} times only",
            tally.of(what)
        );
    }
}

#[test]
fn small_groups_agree_and_keep_the_laws() {
    let run = Run {
        first_seed: 0,
        size: Size::Small,
        campaigns: 8_000,
        groups: 12,
        others: 12,
    };
    check_reach(&run.go(), 50);
}

#[test]
fn groups_of_sixty_agree_and_keep_the_laws() {
    let run = Run {
        first_seed: 1_000_000,
        size: Size::Middle,
        campaigns: 1_000,
        groups: 30,
        others: 60,
    };
    check_reach(&run.go(), 10);
}

#[test]
fn ten_thousand_members_agree_and_keep_the_laws() {
    let run = Run {
        first_seed: 2_000_000,
        size: Size::Large,
        campaigns: 30,
        groups: 1,
        others: 10_000,
    };
    let tally = run.go();
    assert!(15 <= tally.of("campaigns"), "{tally:?}");
}
