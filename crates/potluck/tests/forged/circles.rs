//! `potluck audit` counts turns again by the events alone, and `potluck draw --earlier` by the files alone.
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};

use domain::*;
use draw::{BeaconKey, LocalBeacon};

use crate::shop::{Shop, finds, passes, sale};

const GENESIS_S: u64 = 1_700_000_000;

fn beacon() -> LocalBeacon {
    LocalBeacon::from_seed(&[7; 32]).unwrap()
}

/// Two take turns to buy rice.
fn turns() -> Campaign {
    let mut terms = sale();
    terms.kind = Kind::Draw;
    terms.group.winners = 1;
    terms.group.circle = Circle::Rotate;
    terms.draw.source = BeaconSource::Local {
        beacon: beacon().file(GENESIS_S, 3).hash().0,
        genesis: GENESIS_S,
        period: 3,
    };
    terms
}

/// What one group leaves behind, and its round's signature.
struct Files {
    dir: PathBuf,
    signature: String,
}

impl Shop {
    /// Seats the other member and draws; the files stand in a directory of the group's.
    fn draw_round(&mut self, group: GroupId, to: &Path) -> Files {
        self.wait(20_000);
        let files = self.step.world().draw_files(group).unwrap();
        let round = files.freeze.round;
        let key = BeaconKey::from_file(&beacon().file(GENESIS_S, 3)).unwrap();
        let signature = beacon().sign(round);
        let verified = key.verify(round, &signature).unwrap();
        let outcome = draw::draw(&files.open, &files.seats, &files.freeze, &verified).unwrap();
        let dir = to.join(group.to_string());
        std::fs::create_dir(&dir).unwrap();
        for (name, bytes) in [
            ("open.txt", files.open.to_bytes()),
            ("seats.txt", files.seats.to_bytes()),
            ("freeze.txt", files.freeze.to_bytes()),
            ("result.txt", outcome.result_bytes()),
        ] {
            std::fs::write(dir.join(name), bytes).unwrap();
        }
        let outcome = Box::new(outcome);
        self.must(Command::SettleGroup { group, outcome });
        let signature = draw::to_hex(&signature);
        Files { dir, signature }
    }

    fn next_round(&mut self, circle: GroupId, [leader, member]: [MemberId; 2]) -> GroupId {
        let group = GroupId(self.step.world().groups());
        let open = CircleCommand::OpenRound {
            circle,
            member: leader,
        };
        self.must(Command::Circle(open));
        self.pay(PaymentId { group, index: 0 }, leader);
        let via = None;
        self.must(Command::JoinGroup { group, member, via });
        self.pay(PaymentId { group, index: 1 }, member);
        group
    }
}

/// Three groups of one circle, then one that expires; a member leaves, and somebody else has his place.
fn live(data: &Path, files: &Path) -> Vec<Files> {
    let mut shop = Shop::open(data);
    shop.must(Command::PublishCampaign {
        campaign: Box::new(turns()),
    });
    let members = [0, 1, 2].map(MemberId);
    shop.register(&[None, None, None]);
    let circle = shop.buy([0, 1]);
    let mut played = vec![shop.draw_round(circle, files)];
    for _ in 0..2 {
        let group = shop.next_round(circle, [members[1], members[0]]);
        played.push(shop.draw_round(group, files));
    }
    let member = members[0];
    shop.must(Command::Circle(CircleCommand::OpenRound { circle, member }));
    shop.wait(86_400_000);
    shop.must(Command::Circle(CircleCommand::Leave { circle, member }));
    let group = shop.next_round(circle, [members[1], members[2]]);
    played.push(shop.draw_round(group, files));
    played
}

#[test]
fn forged_turns_are_found() {
    let (dir, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    live(dir.path(), files.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut Event) -> bool| {
        finds(dir.path(), finding, change);
    };
    let said = "of a circle's group it is said";
    fails(said, &mut |event| match event {
        Event::Circle(CircleEvent::RoundFilled { tiers, .. }) if tiers.contains(&1) => {
            tiers.reverse();
            true
        }
        _ => false,
    });
    fails(said, &mut |event| match event {
        Event::Circle(CircleEvent::RoundFilled { prev, .. }) if prev.is_some() => {
            *prev = None;
            true
        }
        _ => false,
    });
    fails(said, &mut |event| match event {
        Event::Circle(CircleEvent::RoundOver { last, drawn, .. }) if drawn.is_none() => {
            last[0] ^= 1;
            true
        }
        _ => false,
    });
    fails(said, &mut |event| match event {
        Event::Circle(CircleEvent::RoundOver { drawn, .. }) if drawn.is_some() => {
            *drawn = None;
            true
        }
        _ => false,
    });
    fails("and cannot be that", &mut |event| match event {
        Event::Circle(CircleEvent::RoundOpened { circle, name, .. }) if circle.0 == 0 => {
            name.push('x');
            true
        }
        _ => false,
    });
    fails("which he was not in", &mut |event| match event {
        Event::Circle(CircleEvent::Left { member, .. }) => {
            *member = MemberId(2);
            true
        }
        _ => false,
    });
}

fn draw_again(files: &Files, earlier: &[&Files], beacon_file: &Path) -> Output {
    let mut run = Process::new(env!("CARGO_BIN_EXE_potluck"));
    run.arg("draw");
    for name in ["open", "seats", "freeze"] {
        let file = files.dir.join(format!("{name}.txt"));
        run.arg(format!("--{name}")).arg(file);
    }
    run.arg("--beacon").arg(beacon_file);
    run.arg("--signature").arg(&files.signature);
    for earlier in earlier {
        run.arg("--earlier").arg(&earlier.dir);
    }
    run.output().unwrap()
}

#[test]
fn turns_are_checked_from_files() {
    let (dir, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let played = live(dir.path(), files.path());
    let beacon_file = files.path().join("beacon.txt");
    std::fs::write(&beacon_file, beacon().file(GENESIS_S, 3).to_bytes()).unwrap();
    let run = |at: usize, earlier: &[usize]| {
        let earlier: Vec<&Files> = earlier.iter().map(|&at| &played[at]).collect();
        let output = draw_again(&played[at], &earlier, &beacon_file);
        let errors = String::from_utf8(output.stderr).unwrap();
        (output.status.success(), errors, output.stdout)
    };
    let result = std::fs::read(played[2].dir.join("result.txt")).unwrap();
    assert_eq!(run(0, &[]), (true, String::new(), run(0, &[]).2));
    assert_eq!(run(2, &[0, 1]), (true, String::new(), result));
    let (ok, says, _) = run(2, &[]);
    assert!(ok && says.contains("not checked: turns"), "{says}");
    for (at, earlier) in [
        (2, &[0][..]),
        (2, &[1]),
        (2, &[1, 0]),
        (1, &[0, 1]),
        (3, &[0, 1, 2]),
    ] {
        let (ok, says, _) = run(at, earlier);
        assert!(!ok, "{at} after {earlier:?}: {says}");
    }
    // An earlier result that its own signature does not give, and one of another circle.
    let replaced = |at: usize, name: &str, change: &dyn Fn(String) -> String| {
        let file = played[at].dir.join(name);
        let was = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, change(was.clone())).unwrap();
        let (ok, says, _) = run(2, &[0, 1]);
        std::fs::write(&file, was).unwrap();
        assert!(!ok, "{name}: {says}");
        says
    };
    let says = replaced(0, "result.txt", &|result| {
        let seed = result
            .lines()
            .find(|line| line.starts_with("seed "))
            .unwrap();
        result.replace(seed, &format!("seed {}", "0".repeat(64)))
    });
    assert!(
        says.contains("not what its seats and signature give"),
        "{says}"
    );
    let says = replaced(0, "open.txt", &|open| {
        let circle = open
            .lines()
            .find(|line| line.starts_with("circle "))
            .unwrap();
        open.replace(circle, "circle another")
    });
    assert!(
        says.contains("rules are not those of this circle"),
        "{says}"
    );
    // Somebody else's turn, with everything else as it was.
    let seats = played[1].dir.join("seats.txt");
    let forged = std::fs::read_to_string(&seats)
        .unwrap()
        .replace(" 1 -", " 0 -");
    std::fs::write(&seats, forged).unwrap();
    let (ok, says, _) = run(2, &[0, 1]);
    assert!(
        !ok && says.contains("freeze is of other rules or seats"),
        "{says}"
    );
}
