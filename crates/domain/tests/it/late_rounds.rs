//! The value of a round that was found after its group had become void (rules 5, draw 8).

use domain::*;

use crate::shop::{Shop, campaign, consolation};

const DAY_S: i64 = 86_400;

/// A void group of two, and the round it waited for.
fn voided(shop: &mut Shop) -> (GroupId, u64) {
    let mut terms = campaign(1_000, 2, 1, 100);
    terms.rewards = vec![consolation(100, 0)];
    let id = shop.publish(terms);
    let members = shop.members(2);
    let group = shop.fill(id, &members);
    let awaited = shop.world.awaiting_draw(9)[0];
    shop.clock = Millis((i64::try_from(awaited.round_time_s).unwrap() + DAY_S) * 1000);
    shop.must(Command::VoidGroup { group });
    (group, awaited.round)
}

fn note(shop: &mut Shop, group: GroupId, round: u64) -> Result<Answer, Refusal> {
    let round = Box::new(shop.verified(round));
    shop.try_do(Command::NoteLateRound { group, round })
}

/// A void group, and its value a day later.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let (group, round) = voided(&mut shop);
    shop.wait(DAY_S);
    note(&mut shop, group, round).unwrap();
    shop.check();
    shop.records
}

#[test]
fn a_value_found_later_is_shown_once_and_moves_nothing() {
    let mut shop = Shop::new();
    let (group, round) = voided(&mut shop);
    let waits = shop.world.late_rounds(9);
    assert_eq!(
        (waits.len(), waits[0].group, waits[0].round),
        (1, group, round)
    );
    assert!(shop.world.late_rounds(0).is_empty());
    let again = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    assert_eq!(again.late_rounds(9), waits);

    let not_awaited = |group| Err(Refusal::RoundNotAwaited(group));
    assert_eq!(note(&mut shop, group, round + 1), not_awaited(group));
    let unknown = GroupId(group.0 + 1);
    assert_eq!(note(&mut shop, unknown, round), not_awaited(unknown));
    let books = shop.world.books();
    note(&mut shop, group, round).unwrap();
    assert_eq!(
        shop.last(),
        Event::RoundFoundLate {
            group,
            round,
            signature: *shop.verified(round).signature(),
        }
    );
    assert_eq!(shop.world.books(), books);
    assert_eq!(shop.state(group), GroupState::Void);
    assert!(shop.world.late_rounds(9).is_empty());
    assert_eq!(note(&mut shop, group, round), not_awaited(group));
    // Everybody has his money back, and nobody won.
    assert_eq!(shop.refund_all(), Money(2_000));
    shop.check();
}

#[test]
fn of_other_groups_no_value_is_shown() {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(1_000, 2, 1, 100));
    let members = shop.members(2);
    let open = shop.open(id, members[0]);
    let full = shop.fill(id, &members);
    let round = shop.world.awaiting_draw(9)[0].round;
    for group in [open, full] {
        let refusal = note(&mut shop, group, round).unwrap_err();
        assert_eq!(refusal.code(), "round_not_awaited");
    }
    shop.settle(full);
    assert_eq!(
        note(&mut shop, full, round),
        Err(Refusal::RoundNotAwaited(full))
    );
    // A round of another beacon is not this one's.
    let mut shop = Shop::new();
    let (group, round) = voided(&mut shop);
    let other = draw::LocalBeacon::from_seed(&[8; 32]).unwrap();
    let key = draw::BeaconKey::from_file(&other.file(0, 3)).unwrap();
    let found = Box::new(key.verify(round, &other.sign(round)).unwrap());
    assert_eq!(
        shop.try_do(Command::NoteLateRound {
            group,
            round: found
        }),
        Err(Refusal::RoundNotAwaited(group))
    );
    shop.check();
}
