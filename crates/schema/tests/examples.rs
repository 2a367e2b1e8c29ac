//! The rules' worked examples (rules 12) as campaign files: they parse, resolve and count to the fen.

use domain::{
    BeaconSource, Campaign, FilledSeat, MemberId, Money, ProgramKind, Settlement, Upline,
};
use schema::{Installation, parse_toml};

fn example(name: &str) -> Campaign {
    let path = format!("{}/../../examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let installation = Installation {
        log: draw::Origin::new("shop.example/log").unwrap(),
        source: BeaconSource::DrandQuicknet,
        delay_s: 60,
        own: None,
    };
    parse_toml(&text).unwrap().resolve(&installation).unwrap()
}

/// A full group of strangers, each with this many uplines of this VIP level; the first seats win.
fn settled(campaign: &Campaign, uplines: u32, vip: u32) -> Settlement {
    let seat = |index| FilledSeat {
        index,
        member: MemberId(index),
        via: None,
        uplines: (1..=uplines)
            .map(|step| Upline {
                member: MemberId(1_000_000 + index * 10 + step),
                vip,
                rank: 0,
                frozen: false,
            })
            .collect(),
        walk: Vec::new(),
        agents: domain::Agents::default(),
        home_store: None,
    };
    let seats: Vec<_> = (0..campaign.group.seats).map(seat).collect();
    let winners: Vec<_> = (0..campaign.group.winners).collect();
    domain::settle(campaign, &seats, &winners).unwrap()
}

#[test]
fn e0_fully_used() {
    let campaign = example("e0");
    domain::check_solvency(&campaign).unwrap();
    let settled = settled(&campaign, 1, 0);
    assert_eq!(settled.refunds(&campaign), Ok(Money(40_000)));
    assert_eq!(settled.cash_of(ProgramKind::Consolation), Ok(Money(2_000)));
    assert_eq!(settled.cash_of(ProgramKind::Formation), Ok(Money(800)));
    assert_eq!(settled.cash_of(ProgramKind::Generation), Ok(Money(3_000)));
    assert_eq!(settled.supplier(&campaign), Ok(Money(2_000)));
    assert_eq!(settled.platform(&campaign), Ok(Money(2_200)));
    assert_eq!(
        domain::solvency(&campaign).unwrap().all_winners_return,
        Money(-4_000)
    );
}

#[test]
fn e1_has_three_winners() {
    let campaign = example("e1");
    domain::check_solvency(&campaign).unwrap();
    let settled = settled(&campaign, 3, 3);
    assert_eq!(campaign.group.winners, 3);
    assert_eq!(settled.refunds(&campaign), Ok(Money(960_300)));
    assert_eq!(settled.cash_of(ProgramKind::Consolation), Ok(Money(9_700)));
    assert_eq!(settled.platform(&campaign), Ok(Money(20_000 - 3 * 2_000)));
}

#[test]
fn e2_between_no_uplines_and_all_of_them() {
    let campaign = example("e2");
    domain::check_solvency(&campaign).unwrap();
    for (uplines, vip, generation, platform) in
        [(0, 0, 0, 32_400), (3, 0, 0, 32_400), (3, 3, 17_640, 14_760)]
    {
        let settled = settled(&campaign, uplines, vip);
        assert_eq!(settled.refunds(&campaign), Ok(Money(9_800_000)));
        assert_eq!(
            settled.cash_of(ProgramKind::Consolation),
            Ok(Money(117_600))
        );
        assert_eq!(
            settled.coins_of(ProgramKind::Consolation).unwrap().0,
            980_000
        );
        assert_eq!(
            settled.cash_of(ProgramKind::Generation),
            Ok(Money(generation))
        );
        assert_eq!(settled.platform(&campaign), Ok(Money(platform)));
    }
}

#[test]
fn e2_with_fees_kept_on_refunds_is_refused() {
    let campaign = example("e2-fee");
    assert_eq!(domain::solvency(&campaign).unwrap().worst, Money(-45_240));
    let refusal = domain::check_solvency(&campaign).unwrap_err();
    assert_eq!(refusal.code(), "campaign_not_solvent");
}
