//! Good files to begin from.

use draw::*;

/// The rules of a plain draw of 5 seats and 1 winner by drand.
pub(crate) fn open() -> Open {
    Open {
        log: Origin::new("draw.example/log1").unwrap(),
        group: Ident::new("g1").unwrap(),
        circle: None,
        seats: SeatRange { min: 5, max: 5 },
        mode: Mode::Fixed { winners: 1 },
        leader: LeaderRule::In,
        rotation: Rotation::Off,
        per_member: PerMember::One,
        outcome: OutcomeKind::Win,
        source: Source::DrandQuicknet,
        delay_s: 60,
        timeout: Timeout {
            seconds: 86_400,
            then: TimeoutAction::Void,
        },
        chain: Chain::None,
    }
}

/// The same by the local beacon of [`beacon_file`].
pub(crate) fn local_open() -> Open {
    Open {
        source: Source::Local {
            beacon: beacon_file().hash(),
        },
        delay_s: 3,
        ..open()
    }
}

pub(crate) fn local_beacon() -> LocalBeacon {
    LocalBeacon::from_seed(&[7; 32]).unwrap()
}

/// Genesis 1 700 000 000, a round every 3 s.
pub(crate) fn beacon_file() -> BeaconFile {
    local_beacon().file(1_700_000_000, 3)
}

/// Seats of members 0, 1, 2 ..., the first the leader's, all in tier 0.
pub(crate) fn seats(count: u32) -> Seats {
    Seats(
        (0..count)
            .map(|i| SeatLine {
                tag: tag(i),
                leader: i == 0,
                tier: 0,
            })
            .collect(),
    )
}

pub(crate) fn tag(member: u32) -> Hash {
    hash(&member.to_be_bytes())
}
