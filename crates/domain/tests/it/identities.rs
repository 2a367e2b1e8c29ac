//! Who is who (rules 11): what a profile asks before members enter and withdraw, and before a campaign is published.

use domain::*;

use crate::profiles::own_profile;
use crate::shop::{Shop, e0};
use crate::withdrawals::{approve, available, loser, reject, rich, withdraw};

const YEAR_S: i64 = 366 * 86_400;

fn verify(shop: &mut Shop, member: MemberId, age: u32) -> Result<Answer, Refusal> {
    shop.try_do(Command::Identity(IdentityCommand::Verify { member, age }))
}

pub(crate) fn organiser(name: &str, contact: &str) -> Command {
    let name = Text {
        zh: name.to_owned(),
        en: name.to_owned(),
    };
    let contact = contact.to_owned();
    let organiser = Organiser { name, contact };
    Command::Identity(IdentityCommand::StateOrganiser(organiser))
}

fn adopt(shop: &mut Shop, change: impl FnOnce(&mut ProfileTerms)) {
    let mut own = own_profile();
    change(&mut own.terms);
    shop.must(Command::AdoptProfile {
        profile: Box::new(Profile::Own(Box::new(own))),
    });
}

fn code<T>(result: Result<T, Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.code(), |_| "ok")
}

fn opens(shop: &mut Shop, member: MemberId) -> &'static str {
    let open = Command::OpenGroup {
        campaign: CampaignId(0),
        member,
        via: None,
    };
    code(shop.try_do(open))
}

fn restored(shop: &Shop) -> bool {
    let bytes = shop.world.to_snapshot();
    World::from_snapshot(&bytes).unwrap().to_snapshot() == bytes
}

#[test]
fn nobody_withdraws_who_is_too_young_or_not_known() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    assert_eq!(
        code(withdraw(&mut shop, member, 1, 100)),
        "ok",
        "nobody asks"
    );
    adopt(&mut shop, |terms| terms.minimum_age = 18);
    assert_eq!(code(withdraw(&mut shop, member, 2, 100)), "not_verified");
    let open = WithdrawalId(0);
    assert_eq!(
        code(approve(&mut shop, open)),
        "not_verified",
        "at payout, too"
    );

    assert_eq!(code(verify(&mut shop, member, MAX_AGE + 1)), "age_invalid");
    assert_eq!(code(verify(&mut shop, MemberId(99), 30)), "member_unknown");
    assert_eq!(code(verify(&mut shop, member, 17)), "ok");
    let refused = withdraw(&mut shop, member, 2, 100).unwrap_err();
    assert_eq!(refused, IdentityRefusal::TooYoung { least: 18 }.into());
    assert_eq!(code(approve(&mut shop, open)), "too_young");
    assert!(restored(&shop), "a snapshot knows who is who");

    // A birthday is not known: a year later he is surely 18, a day earlier he may be not.
    shop.wait(YEAR_S - 86_400);
    assert_eq!(code(withdraw(&mut shop, member, 2, 100)), "too_young");
    shop.wait(86_400);
    assert_eq!(shop.world.verified_age(member, shop.clock), Some(18));
    assert_eq!(code(withdraw(&mut shop, member, 2, 100)), "ok");
    assert_eq!(code(approve(&mut shop, open)), "ok");
    shop.check();
}

#[test]
fn what_was_asked_for_before_is_given_back_if_it_cannot_be_paid() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let before = available(&shop, member);
    let asked = withdraw(&mut shop, member, 1, 200).unwrap();
    adopt(&mut shop, |terms| terms.minimum_age = 18);
    verify(&mut shop, member, 15).unwrap();
    assert_eq!(code(approve(&mut shop, asked)), "too_young");
    assert_eq!(code(reject(&mut shop, asked)), "ok");
    assert_eq!(available(&shop, member), before);
    shop.check();
}

#[test]
fn who_is_known_to_be_too_young_enters_nothing() {
    let mut shop = Shop::new();
    shop.publish(e0());
    let (young, unknown, grown) = (shop.member(None), shop.member(None), shop.member(None));
    verify(&mut shop, young, 12).unwrap();
    verify(&mut shop, grown, 40).unwrap();
    assert_eq!(opens(&mut shop, young), "ok", "seed asks nobody");
    adopt(&mut shop, |terms| terms.minimum_age = 18);
    let found = [young, unknown, grown].map(|member| opens(&mut shop, member));
    assert_eq!(found, ["too_young", "ok", "ok"]);
    adopt(&mut shop, |terms| {
        terms.minimum_age = 18;
        terms.names_at_entry = true;
    });
    let found = [young, unknown, grown].map(|member| opens(&mut shop, member));
    assert_eq!(found, ["too_young", "not_verified", "ok"]);
    // The second look corrects the first.
    verify(&mut shop, young, 21).unwrap();
    assert_eq!(opens(&mut shop, young), "ok");
    shop.check();
}

#[test]
fn a_campaign_is_published_when_members_can_read_who_runs_it() {
    let mut shop = Shop::new();
    shop.must(Command::AdoptProfile {
        profile: Box::new(Profile::CnDefault),
    });
    let mut terms = e0();
    terms.kind = Kind::EveryoneBuys;
    terms.group.winners = terms.group.seats;
    terms.profile = Profile::CnDefault;
    terms.rewards.clear();
    let publish = Command::PublishCampaign {
        campaign: Box::new(terms),
    };
    match shop.try_do(publish.clone()) {
        Err(Refusal::ProfileForbids { limit, .. }) => assert_eq!(limit, "disclosures"),
        other => panic!("{other:?}"),
    }
    for (name, contact) in [
        ("", "400-1"),
        (" ", "400-1"),
        ("Shop", ""),
        ("Shop", &"x".repeat(201)),
    ] {
        let refused = shop.try_do(organiser(name, contact));
        assert_eq!(code(refused), "organiser_invalid", "{name:?} {contact:?}");
    }
    for (name, contact) in [("保本平台", "400-1"), ("Shop", "参与 即赚")] {
        let refused = shop.try_do(organiser(name, contact));
        assert_eq!(code(refused), "promise_forbidden", "{name:?} {contact:?}");
    }
    shop.must(organiser("Lakeside Ltd", "400-123"));
    let records = shop.records.len();
    shop.must(organiser("Lakeside Ltd", "400-123"));
    assert_eq!(shop.records.len(), records, "nothing new");
    assert!(restored(&shop));
    let again = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    assert_eq!(again.organiser(), shop.world.organiser());
    assert_eq!(code(shop.try_do(publish)), "ok");
    assert_eq!(shop.world.organiser().unwrap().contact, "400-123");
    shop.check();
}

#[test]
fn limits_of_a_profile_must_make_sense() {
    let refused = |change: fn(&mut ProfileTerms)| {
        let mut own = own_profile();
        change(&mut own.terms);
        match own.check() {
            Err(Refusal::InvalidProfile { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|terms| terms.minimum_age = 151), "minimum_age");
    assert_eq!(
        refused(|terms| terms.retention_years = 101),
        "retention_years"
    );
}

/// Records of each kind, for the stored bytes.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let member = shop.member(None);
    verify(&mut shop, member, 30).unwrap();
    shop.must(organiser("Lakeside Ltd", "400-123"));
    adopt(&mut shop, |terms| {
        terms.minimum_age = 18;
        terms.names_at_entry = true;
        terms.retention_years = 10;
        terms.disclosures = Disclosure::ALL.to_vec();
    });
    shop.check();
    shop.records
}
