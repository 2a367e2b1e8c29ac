//! `potluck audit` counts ballots again by the events alone: the order of the scores, who may buy and until when, who gets what.

use std::path::Path;

use domain::*;
use draw::{BeaconKey, LocalBeacon};

use crate::shop::{Shop, finds, passes, sale};

const GENESIS_S: u64 = 1_700_000_000;

fn ballot() -> Campaign {
    let beacon = LocalBeacon::from_seed(&[7; 32]).unwrap();
    let mut terms = sale();
    terms.kind = Kind::Ballot;
    terms.group.seats = 4;
    terms.group.winners = 1;
    terms.rewards = vec![rewards::Reward {
        program: rewards::Program::Consolation(rewards::Consolation {
            cash: Money::ZERO,
            coins: Coins(300),
        }),
        limit: rewards::Limit::None,
    }];
    terms.draw.source = BeaconSource::Local {
        beacon: beacon.file(GENESIS_S, 3).hash().0,
        genesis: GENESIS_S,
        period: 3,
    };
    terms
}

impl Shop {
    fn enter(&mut self, payment: PaymentId, member: MemberId) {
        self.must(Command::Ballot(BallotCommand::Register {
            payment,
            member,
            tag: [u8::try_from(member.0).unwrap() + 1; 32],
        }));
    }
}

/// Four register, one of them comes back; the first lets his right lapse and pays too late, the second buys.
fn live(data: &Path) {
    let beacon = LocalBeacon::from_seed(&[7; 32]).unwrap();
    let mut shop = Shop::open(data);
    shop.must(Command::PublishCampaign {
        campaign: Box::new(ballot()),
    });
    let members = [0, 1, 2, 3].map(MemberId);
    shop.register(&[None; 4]);
    shop.must(Command::OpenGroup {
        campaign: CampaignId(0),
        member: members[0],
        via: None,
    });
    let group = GroupId(0);
    let place = |index| PaymentId { group, index };
    shop.enter(place(0), members[0]);
    for (index, member) in (1..).zip([members[1], members[2]]) {
        let via = None;
        shop.must(Command::JoinGroup { group, member, via });
        shop.enter(place(index), member);
    }
    let (member, via) = (members[1], None);
    shop.must(Command::LeaveGroup { group, member });
    shop.must(Command::JoinGroup { group, member, via });
    shop.enter(place(1), member);
    let member = members[3];
    shop.must(Command::JoinGroup { group, member, via });
    shop.enter(place(3), member);
    shop.wait(20_000);
    let files = shop.step.world().draw_files(group).unwrap();
    let key = BeaconKey::from_file(&beacon.file(GENESIS_S, 3)).unwrap();
    let round = files.freeze.round;
    let verified = key.verify(round, &beacon.sign(round)).unwrap();
    let outcome = draw::draw(&files.open, &files.seats, &files.freeze, &verified).unwrap();
    let outcome = Box::new(outcome);
    shop.must(Command::SettleGroup { group, outcome });
    let open = |shop: &Shop| {
        let waiting = shop.step.world().waiting_reservations(None, 9);
        (waiting[0].payment, waiting[0].member)
    };
    let (first, late) = open(&shop);
    shop.wait(ballot().group.payment_window.0);
    shop.pay(first, late);
    let (second, buyer) = open(&shop);
    assert_ne!(first, second);
    shop.pay(second, buyer);
}

#[test]
fn forged_rights_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut Event) -> bool| {
        finds(dir.path(), finding, change);
    };
    fails("is not that of its scores", &mut |event| match event {
        Event::Ballot(BallotEvent::Drawn(drawn)) => {
            drawn.order.swap(2, 3);
            true
        }
        _ => false,
    });
    fails("are not those who were drawn", &mut |event| match event {
        Event::Ballot(BallotEvent::Drawn(drawn)) => {
            drawn.until.0 += 1;
            true
        }
        _ => false,
    });
    fails(
        "do not pass to the next lowest scores",
        &mut |event| match event {
            Event::Ballot(BallotEvent::RightsPassed { until, .. }) => {
                until.0 += 1;
                true
            }
            _ => false,
        },
    );
    fails("the seed of group 0 is not", &mut |event| match event {
        Event::Ballot(BallotEvent::Drawn(drawn)) => {
            drawn.signature[9] ^= 1;
            true
        }
        _ => false,
    });
    fails("or whose right was not used", &mut |event| match event {
        Event::GroupSettled(settled) => {
            let ballot = settled.ballot.as_mut().unwrap();
            ballot.unused.clear();
            true
        }
        _ => false,
    });
    fails("coins, its rules say", &mut |event| match event {
        Event::GroupSettled(settled) => {
            settled.consolation_coins = Coins(299);
            true
        }
        _ => false,
    });
    fails(
        "which he does not hold, or which must be paid",
        &mut |event| match event {
            Event::Ballot(BallotEvent::Registered { tag, .. }) => {
                *tag = [0; 32];
                true
            }
            _ => false,
        },
    );
}
