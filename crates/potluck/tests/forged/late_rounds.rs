//! `potluck audit` holds a value that was found after a void to its beacon, and `potluck draw --void` names what it may be.
use std::path::Path;
use std::process::Command as Process;

use domain::*;
use draw::{BeaconKey, LocalBeacon, Void};

use crate::shop::{Shop, finds, passes, sale};

const GENESIS_S: u64 = 1_700_000_000;

fn beacon() -> LocalBeacon {
    LocalBeacon::from_seed(&[7; 32]).unwrap()
}

/// A group that becomes void, whose files stand in a directory; then the value is found.
fn live(data: &Path, files: &Path) -> String {
    let mut shop = Shop::open(data);
    let mut terms = sale();
    terms.kind = Kind::Draw;
    terms.group.winners = 1;
    terms.draw.source = BeaconSource::Local {
        beacon: beacon().file(GENESIS_S, 3).hash().0,
        genesis: GENESIS_S,
        period: 3,
    };
    let campaign = Box::new(terms);
    shop.must(Command::PublishCampaign { campaign });
    shop.register(&[None, None]);
    let group = shop.buy([0, 1]);
    let draw = shop.step.world().draw_files(group).unwrap();
    shop.wait(25 * 3_600_000);
    shop.must(Command::VoidGroup { group });
    let void = Void {
        of: draw.freeze.hash(),
        reason: draw::VoidReason::Timeout,
        at: shop.clock.unix_seconds(),
    };
    let early = Void { at: 1, ..void };
    for (name, bytes) in [
        ("open", draw.open.to_bytes()),
        ("seats", draw.seats.to_bytes()),
        ("freeze", draw.freeze.to_bytes()),
        ("void", void.to_bytes()),
        ("early", early.to_bytes()),
        ("beacon", beacon().file(GENESIS_S, 3).to_bytes()),
    ] {
        std::fs::write(files.join(name), bytes).unwrap();
    }
    let round = draw.freeze.round;
    let key = BeaconKey::from_file(&beacon().file(GENESIS_S, 3)).unwrap();
    let verified = key.verify(round, &beacon().sign(round)).unwrap();
    shop.wait(3_600_000);
    let round = Box::new(verified);
    shop.must(Command::NoteLateRound { group, round });
    draw::to_hex(&beacon().sign(draw.freeze.round))
}

#[test]
fn a_value_found_after_a_void_is_held_to_its_beacon() {
    let (dir, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    live(dir.path(), files.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut Event) -> bool| {
        finds(dir.path(), finding, change);
    };
    fails("which is not void for the lack of it", &mut |event| {
        let Event::RoundFoundLate { round, .. } = event else {
            return false;
        };
        *round += 1;
        true
    });
    std::fs::copy(files.path().join("beacon"), dir.path().join("beacon")).unwrap();
    passes(dir.path());
    fails("is not its round's", &mut |event| {
        let Event::RoundFoundLate { signature, .. } = event else {
            return false;
        };
        *signature = beacon().sign(1);
        true
    });
}

#[test]
fn a_void_whose_round_has_a_value_is_named() {
    let (dir, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let signature = live(dir.path(), files.path());
    let run = |void: &str, signature: &str| {
        let mut run = Process::new(env!("CARGO_BIN_EXE_potluck"));
        run.arg("draw");
        for name in ["open", "seats", "freeze", "beacon"] {
            run.arg(format!("--{name}")).arg(files.path().join(name));
        }
        run.arg("--void").arg(files.path().join(void));
        let output = run.args(["--signature", signature]).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = run("void", &signature);
    assert!(said.contains("void although round"), "{said}");
    assert!(said.contains("breach"), "{said}");
    let other = draw::to_hex(&beacon().sign(1));
    let said = run("void", &other);
    assert!(said.contains("signature"), "{said}");
    let said = run("early", &signature);
    assert!(!said.contains("breach"), "{said}");
    let said = run("open", &signature);
    assert!(!said.contains("breach"), "{said}");
}
