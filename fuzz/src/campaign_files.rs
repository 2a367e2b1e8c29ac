//! Campaign files, as TOML and as JSON: what an operator uploads.
//!
//! What is accepted has one published form that says the same, keeps every sum inside its type, and pays no draw more
//! than the gate has counted.

use std::path::PathBuf;

use domain::{
    Actor, BeaconSource, Campaign, Command, FilledSeat, MemberId, Millis, Refusal, Request, Upline,
    World, check_solvency, odds, published_file,
    rewards::{self, MAX_RANKS},
    settle,
};
use schema::{CampaignFile, Installation, parse_json, parse_json_value, parse_toml, to_json};

use crate::corpus;

/// Groups of more seats are not settled here: it would only be slow.
const MOST_SETTLED_SEATS: u32 = 200;

/// Plants the examples in both languages, and the files of the simulator's campaigns, which use every program.
pub fn begin() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples"));
    let mut texts: Vec<String> = std::fs::read_dir(folder)
        .expect("the examples are there")
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .map(|path| std::fs::read_to_string(path).expect("an example can be read"))
        .collect();
    let base = crate::history::base();
    let campaigns = (0..).map_while(|id| base.last().campaign(domain::CampaignId(id)));
    texts.extend(campaigns.map(|campaign| published_file(&campaign.terms)));
    texts.sort();
    let json = texts.iter().filter_map(|text| {
        let campaign = parse_toml(text).ok()?.resolve(&local()).ok()?;
        Some(to_json(&campaign).to_string().into_bytes())
    });
    let json: Vec<Vec<u8>> = json.collect();
    corpus::plant(
        "campaign_files",
        texts.into_iter().map(String::into_bytes).chain(json),
    );
}

fn local() -> Installation {
    Installation {
        log: draw::Origin::new("fuzz.example/log").expect("a name"),
        source: BeaconSource::Local {
            beacon: [7; 32],
            genesis: 1_700_000_000,
            period: 3,
        },
        delay_s: 3,
        own: None,
    }
}

fn public() -> Installation {
    Installation {
        source: BeaconSource::DrandQuicknet,
        delay_s: 60,
        ..local()
    }
}

/// Reads the bytes in both languages.
pub fn check(data: &[u8]) {
    if let Ok(file) = std::str::from_utf8(data)
        .map_err(drop)
        .and_then(|text| parse_toml(text).map_err(drop))
    {
        read(&file);
    }
    if let Ok(file) = parse_json(data) {
        let value = serde_json::from_slice(data).expect("what the strict reader takes is JSON");
        assert_eq!(
            parse_json_value(&value).as_ref(),
            Ok(&file),
            "bytes and values are read alike"
        );
        read(&file);
    }
}

fn read(file: &CampaignFile) {
    for installation in [local(), public()] {
        if let Ok(campaign) = file.resolve(&installation) {
            accepted(&campaign, &installation);
        }
    }
}

fn accepted(campaign: &Campaign, installation: &Installation) {
    assert_eq!(
        campaign.check(),
        Ok(()),
        "what was resolved is not refused later"
    );
    let published = published_file(campaign);
    let again = parse_toml(&published).expect("the published file is a campaign file");
    assert_eq!(
        again.resolve(installation).as_ref(),
        Ok(campaign),
        "its published file says something else"
    );
    let again = parse_json_value(&to_json(campaign)).expect("its JSON is a campaign file");
    assert_eq!(
        again.resolve(installation).as_ref(),
        Ok(campaign),
        "its JSON says something else"
    );
    let stored = minicbor::to_vec(campaign).expect("terms can be stored");
    let loaded: Campaign = minicbor::decode(&stored).expect("stored terms can be read");
    assert_eq!(&loaded, campaign, "stored, it says something else");
    assert_eq!(
        published_file(&loaded),
        published,
        "its published file is not stable"
    );

    odds(campaign).expect("its odds can be told");
    let gate = check_solvency(campaign);
    assert!(
        !matches!(gate, Err(Refusal::Overflow)),
        "a sum leaves its type"
    );
    if let Err(refusal) = &gate {
        let _ = refusal.to_string();
    }
    publish(campaign, gate.as_ref().err());
    if let Ok(solvency) = &gate
        && campaign.group.seats <= MOST_SETTLED_SEATS
    {
        settled(campaign, solvency);
    }
}

/// The world takes what the gate lets through, but for what members cannot use yet, and refuses the rest for the same reason;
/// but the plan is looked at first, and by the world alone: this one knows only plan 1, whose VIP levels count heads.
fn publish(campaign: &Campaign, refusal: Option<&Refusal>) {
    let mut world = World::default();
    let request = Request {
        actor: Actor::System,
        key: None,
        command: Command::PublishCampaign {
            campaign: Box::new(campaign.clone()),
        },
    };
    let answer = world.execute(&request, Millis(1_700_000_000_000), &mut |_| {});
    match (answer.err(), refusal) {
        (Some(Refusal::UnknownPlan { plan }), _) => assert_ne!(plan, 1, "every world has plan 1"),
        (
            Some(Refusal::ProfileForbids {
                limit: "vip_by_invitees",
                ..
            }),
            _,
        )
        | (Some(Refusal::Alliance(_)), None) => {}
        (answer, refusal) => assert_eq!(answer.as_ref(), refusal, "the gate and the world differ"),
    }
    let snapshot = world.to_snapshot();
    let again = World::from_snapshot(&snapshot).expect("a snapshot of its own is read");
    assert_eq!(again.to_snapshot(), snapshot, "a snapshot is not stable");
}

/// The longest line of uplines that any program can ask for: every rank of a table, and its last as often as may be paid.
fn uplines() -> impl Iterator<Item = Upline> {
    let most = u16::try_from(MAX_RANKS).expect("a table is short");
    let ranks = (0..most).chain((0..most).map(move |_| most));
    (1_000..).zip(ranks).map(|(member, rank)| Upline {
        member: MemberId(member),
        vip: 9,
        rank,
        frozen: false,
    })
}

/// A full group with agents and stores and the longest lines of uplines pays at most what the gate has counted, whatever the
/// number of winners, and the worst is the least that is left.
fn settled(campaign: &Campaign, solvency: &domain::Solvency) {
    let agent = |member| {
        Some(domain::Agent {
            member: MemberId(member),
            frozen: false,
        })
    };
    let seat = |index: u32| FilledSeat {
        index,
        member: MemberId(index),
        via: (0 < index).then(|| MemberId(index / 2)),
        uplines: uplines().take(rewards::generations(campaign)).collect(),
        walk: rewards::walk_of(campaign, uplines()),
        agents: domain::Agents {
            county: agent(2_000),
            city: agent(2_001),
            province: agent(2_002),
        },
        home_store: Some(domain::StoreId(1)),
    };
    let seats: Vec<FilledSeat> = (0..campaign.group.seats).map(seat).collect();
    let counts = campaign.winner_counts();
    for winners in [*counts.start(), solvency.winners, *counts.end()] {
        // The leader, seat 0, wins only where he may.
        let first = campaign.group.seats - winners;
        let won: Vec<u32> = (first..campaign.group.seats).collect();
        let settlement = settle(campaign, &seats, &won).expect("a checked campaign can be settled");
        let case = campaign.case(winners);
        let cash = settlement.rewards_cash().expect("rewards add up");
        let most = rewards::envelope(case).and_then(|most| most.cash.plus(case.origin_bound()?));
        let most = most.expect("bounds add up");
        assert!(cash <= most, "{cash} is paid, {most} was counted");
        if winners == solvency.winners {
            let platform = settlement
                .platform(campaign)
                .expect("what is left can be counted");
            let merchant = settlement
                .merchant(campaign)
                .expect("what is left can be counted");
            let (least_platform, least_merchant) = (solvency.platform, solvency.merchant);
            assert!(
                least_platform <= platform,
                "{platform} is left, {least_platform} was the worst"
            );
            assert!(
                least_merchant <= merchant,
                "{merchant} is left, {least_merchant} was the worst"
            );
        }
    }
}
