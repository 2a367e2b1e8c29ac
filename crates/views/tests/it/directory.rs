//! The directory.

use domain::*;
use views::*;

use crate::kit::{connect, dump, number, tamper};

const NOW: Millis = Millis(1_000_000);
const PHONE: &str = "13812345678";

async fn directory() -> (Directory, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::open(&Place::from(dir.path().join("directory.db").as_path()), NOW)
        .await
        .unwrap();
    (directory, dir)
}

fn person(number: u8, phone: Option<&str>) -> NewPerson {
    NewPerson {
        token: [number; 16],
        phone: phone.map(str::to_owned),
        inviter: None,
        invite_code: invite_code([number; 8]) + &number.to_string(),
        is_demo: false,
        gateway: None,
        member_secret: [number; 32],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_phone_is_one_person_however_many_sign_up_at_once() {
    let (directory, _dir) = directory().await;
    let signing: Vec<_> = (0..20)
        .map(|number| {
            let directory = directory.clone();
            tokio::spawn(async move {
                directory
                    .sign_up(&person(number, Some(PHONE)), NOW)
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut people = Vec::new();
    for signing in signing {
        people.push(signing.await.unwrap());
    }
    assert_eq!(people.iter().filter(|(_, new)| *new).count(), 1);
    assert!(people.windows(2).all(|pair| pair[0].0 == pair[1].0));
}

#[tokio::test]
async fn from_sign_up_to_member() {
    let (directory, _dir) = directory().await;
    let (known, new) = directory
        .sign_up(&person(1, Some(PHONE)), NOW)
        .await
        .unwrap();
    assert!(new && known.member.is_none());
    assert_eq!(
        directory.people_without_member(10).await.unwrap(),
        std::slice::from_ref(&known)
    );
    directory
        .set_members(&[(known.token, MemberId(7))])
        .await
        .unwrap();
    directory
        .set_members(&[(known.token, MemberId(7))])
        .await
        .unwrap();
    for wrong in [([9; 16], MemberId(8)), (known.token, MemberId(8))] {
        let refused = directory.set_members(&[wrong]).await;
        assert!(matches!(refused, Err(DirectoryError::UnknownToken)));
    }
    assert_eq!(directory.people_without_member(10).await.unwrap(), []);
    let known = directory
        .person_by_member(MemberId(7))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(known.name, None);
    assert_eq!(
        directory.person_by_phone(PHONE).await.unwrap().as_ref(),
        Some(&known)
    );
    assert_eq!(
        directory
            .person_by_invite_code(&known.invite_code)
            .await
            .unwrap()
            .as_ref(),
        Some(&known)
    );
    assert_eq!(
        directory.person_by_phone("13800000000").await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_taken_invite_code_is_told() {
    let (directory, _dir) = directory().await;
    directory
        .sign_up(&person(1, Some(PHONE)), NOW)
        .await
        .unwrap();
    let clash = NewPerson {
        invite_code: person(1, None).invite_code,
        ..person(2, Some("13900000000"))
    };
    let refused = directory.sign_up(&clash, NOW).await;
    assert!(matches!(refused, Err(DirectoryError::InviteCodeTaken)));
    assert_eq!(
        directory.person_by_phone("13900000000").await.unwrap(),
        None
    );
    directory
        .sign_up(&person(2, Some("13900000000")), NOW)
        .await
        .unwrap();
}

#[tokio::test]
async fn many_people_at_once() {
    let (directory, _dir) = directory().await;
    let gateway = directory.add_gateway("shop", &[1; 32], NOW).await.unwrap();
    let people: Vec<NewPerson> = (0..200)
        .map(|number| NewPerson {
            gateway: Some(gateway),
            ..person(number, None)
        })
        .collect();
    directory.add_gateway_members(&people, NOW).await.unwrap();
    // Again, with one token twice: nothing changes.
    let again: Vec<NewPerson> = people.iter().chain(&people[..1]).cloned().collect();
    directory.add_gateway_members(&again, NOW).await.unwrap();
    let members: Vec<_> = (0u32..)
        .zip(&people)
        .map(|(id, person)| (person.token, MemberId(id)))
        .collect();
    directory.set_members(&members).await.unwrap();
    let ids: Vec<MemberId> = (0..300).map(MemberId).collect();
    let found = directory.people(&ids).await.unwrap();
    assert_eq!(found.len(), 200);
    assert_eq!(
        (
            found[&MemberId(3)].gateway,
            found[&MemberId(3)].phone.as_deref()
        ),
        (Some(gateway), None)
    );
    assert_eq!(found[&MemberId(123)].pseudonym(), "会员 **23");
    let served = directory.served(&ids).await.unwrap();
    let ninth = served[&MemberId(9)];
    assert_eq!((served.len(), ninth.by), (200, Some(gateway)));
    assert_eq!(ninth.secret, [9; 32]);
    assert_eq!(directory.people(&[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn deleting_a_person_keeps_nothing_that_identifies() {
    let (directory, dir) = directory().await;
    let (id, other) = (MemberId(7), MemberId(8));
    for (number, phone, member) in [(77, PHONE, id), (88, "13987654321", other)] {
        directory
            .sign_up(&person(number, Some(phone)), NOW)
            .await
            .unwrap();
        directory
            .set_members(&[([number; 16], member)])
            .await
            .unwrap();
        directory.put_code(phone, &[number; 32], NOW).await.unwrap();
        let session = Session {
            of: SessionOf::Member(member),
            expires_at: Millis(9_000_000),
        };
        directory
            .put_session(&[number; 32], &session, NOW)
            .await
            .unwrap();
        let shipping = Shipping {
            carrier: "SF".to_owned(),
            number: format!("SF{phone}"),
            at: NOW,
        };
        directory
            .put_shipping(OrderId(u64::from(number)), member, &shipping)
            .await
            .unwrap();
        let message = DemoMessage {
            phone: phone.to_owned(),
            code: "123456".to_owned(),
            at: NOW,
        };
        directory.put_demo_message(&message).await.unwrap();
        let note = RefusalNote {
            at: NOW,
            who: Some(Actor::Member(member)),
            code: "group_full".to_owned(),
            detail: phone.to_owned(),
            times: 1,
        };
        directory.note_refusals(&[note], &[]).await.unwrap();
        let own = views::Delivery {
            name: "Name".to_owned(),
            phone: phone.to_owned(),
            region: "330106".parse().unwrap(),
            address: "Street 1".to_owned(),
            at: NOW,
        };
        directory.put_own_delivery(member, &own).await.unwrap();
        let known = directory.own_delivery(member).await.unwrap();
        assert_eq!(known.map(|known| known.phone).as_deref(), Some(phone));
    }
    let first = directory.own_delivery(id).await.unwrap().unwrap();
    directory.remove_own_delivery(id).await.unwrap();
    assert!(directory.own_delivery(id).await.unwrap().is_none());
    directory.put_own_delivery(id, &first).await.unwrap();
    assert!(directory.delete_person(id, None).await.unwrap());
    assert!(!directory.delete_person(id, None).await.unwrap());
    // That a number was refused something by a rule tells of no person, and stays; the words go.
    let refused = directory
        .refusals(&RefusalFilter::default(), Page::new(None, 9))
        .await
        .unwrap();
    let refused = refused.items.iter();
    let refused = refused.map(|note| (note.who, note.code.as_str(), note.detail.len()));
    assert_eq!(
        refused.collect::<Vec<_>>(),
        [
            (Some(Actor::Member(other)), "group_full", 11),
            (Some(Actor::Member(id)), "group_full", 0)
        ]
    );
    directory.close().await;
    let left = dump(&dir.path().join("directory.db")).await;
    for trace in [PHONE.to_owned(), "4D".repeat(16)] {
        assert!(
            !left.iter().any(|line| line.contains(&trace)),
            "{trace} is left in {left:?}"
        );
    }
    assert_eq!(
        left.iter()
            .filter(|line| line.contains("13987654321"))
            .count(),
        5,
        "{left:?}"
    );
}

#[tokio::test]
async fn sign_in_codes() {
    let (directory, _dir) = directory().await;
    let (right, wrong) = ([1; 32], [2; 32]);
    let check = |hash, now| {
        let directory = &directory;
        async move { directory.check_code(PHONE, &hash, now).await.unwrap() }
    };
    assert_eq!(check(right, NOW).await, CodeCheck::Gone);
    directory.put_code(PHONE, &right, NOW).await.unwrap();
    assert_eq!(check(right, NOW).await, CodeCheck::Right);
    assert_eq!(check(right, NOW).await, CodeCheck::Gone);

    directory.put_code(PHONE, &right, NOW).await.unwrap();
    for left in [4, 3, 2, 1, 0] {
        assert_eq!(check(wrong, NOW).await, CodeCheck::Wrong { left });
    }
    assert_eq!(check(right, NOW).await, CodeCheck::Gone);

    // At its deadline it is too late; a new code voids the old one and its wrong answers.
    directory.put_code(PHONE, &right, NOW).await.unwrap();
    assert_eq!(check(wrong, NOW).await, CodeCheck::Wrong { left: 4 });
    directory.put_code(PHONE, &wrong, NOW).await.unwrap();
    assert_eq!(check(right, NOW).await, CodeCheck::Wrong { left: 4 });
    assert_eq!(check(wrong, NOW.after(CODE_LIFE)).await, CodeCheck::Gone);
    directory.put_code(PHONE, &right, NOW).await.unwrap();
    assert_eq!(
        check(right, Millis(NOW.after(CODE_LIFE).0 - 1)).await,
        CodeCheck::Right
    );
}

#[tokio::test]
async fn sessions_end() {
    let (directory, dir) = directory().await;
    let of = SessionOf::Member(MemberId(3));
    let session = Session {
        of,
        expires_at: Millis(NOW.0 + 10),
    };
    for token in 0..4 {
        directory
            .put_session(&[token; 32], &session, NOW)
            .await
            .unwrap();
    }
    let operator = Session {
        of: SessionOf::Operator(OperatorId(3)),
        expires_at: Millis(NOW.0 + 99),
    };
    directory
        .put_session(&[9; 32], &operator, NOW)
        .await
        .unwrap();
    assert_eq!(
        directory.session(&[0; 32], NOW).await.unwrap(),
        Some(session)
    );
    assert_eq!(
        directory
            .session(&[0; 32], session.expires_at)
            .await
            .unwrap(),
        None
    );
    assert_eq!(directory.session(&[8; 32], NOW).await.unwrap(), None);
    directory.end_session(&[0; 32]).await.unwrap();
    assert_eq!(directory.session(&[0; 32], NOW).await.unwrap(), None);
    assert_eq!(
        directory.session(&[1; 32], NOW).await.unwrap(),
        Some(session)
    );
    directory.end_sessions_of(of).await.unwrap();
    assert_eq!(directory.session(&[1; 32], NOW).await.unwrap(), None);
    assert_eq!(
        directory.session(&[9; 32], NOW).await.unwrap(),
        Some(operator)
    );
    directory.put_code(PHONE, &[1; 32], NOW).await.unwrap();
    directory.sweep(NOW.after(CODE_LIFE)).await.unwrap();
    let left = "SELECT (SELECT COUNT(*) FROM session) + (SELECT COUNT(*) FROM sign_in_code)";
    assert_eq!(number(&dir.path().join("directory.db"), left).await, 0);
}

#[tokio::test]
async fn operators_and_gateways_have_names_of_their_own() {
    let (directory, _dir) = directory().await;
    let first = directory
        .add_operator("anna", "$argon2id$x", "owner", NOW)
        .await
        .unwrap();
    let second = directory
        .add_operator("bert", "$argon2id$y", "finance", NOW)
        .await
        .unwrap();
    assert_eq!((first, second), (OperatorId(0), OperatorId(1)));
    let refused = directory.add_operator("anna", "z", "owner", NOW).await;
    assert!(matches!(refused, Err(DirectoryError::NameTaken(name)) if name == "anna"));
    directory
        .set_operator_password(second, "new")
        .await
        .unwrap();
    let known = directory.operator_by_name("bert").await.unwrap().unwrap();
    assert_eq!(
        (known.id, known.password_hash.as_str(), known.role.as_str()),
        (second, "new", "finance")
    );
    assert_eq!(directory.operator_by_id(second).await.unwrap(), Some(known));
    assert_eq!(directory.operator_by_name("carl").await.unwrap(), None);

    let gateway = directory.add_gateway("shop", &[5; 32], NOW).await.unwrap();
    assert!(matches!(
        directory.add_gateway("shop", &[6; 32], NOW).await,
        Err(DirectoryError::NameTaken(_))
    ));
    let known = directory.gateway_by_key(&[5; 32]).await.unwrap();
    assert_eq!(
        known,
        Some(GatewayRow {
            id: gateway,
            name: "shop".to_owned()
        })
    );
    assert_eq!(directory.gateway_by_key(&[6; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn notes() {
    let (directory, _dir) = directory().await;
    let note = |number: u32, who| RefusalNote {
        at: NOW,
        who,
        code: format!("code{number}"),
        detail: "团".repeat(number as usize),
        times: 1,
    };
    let all = RefusalFilter::default();
    let whos = [
        None,
        Some(Actor::System),
        Some(Actor::Member(MemberId(1))),
        Some(Actor::Operator(OperatorId(2))),
        Some(Actor::Gateway(GatewayId(3))),
    ];
    let notes: Vec<RefusalNote> = (0u32..)
        .zip(whos)
        .map(|(number, who)| note(number, who))
        .collect();
    directory.note_refusals(&notes[..2], &[]).await.unwrap();
    directory.note_refusals(&notes[2..], &[]).await.unwrap();
    directory.note_refusals(&[], &[]).await.unwrap();
    let first = directory.refusals(&all, Page::new(None, 3)).await.unwrap();
    let rest = directory
        .refusals(&all, Page::new(first.next, 3))
        .await
        .unwrap();
    let mut listed = [first.items, rest.items].concat();
    listed.reverse();
    assert_eq!((&listed, rest.next), (&notes, None));
    for note in &notes {
        let one = RefusalFilter {
            code: Some(note.code.clone()),
            who: Some(note.who),
        };
        let found = directory.refusals(&one, Page::first()).await.unwrap();
        assert_eq!(found.items, std::slice::from_ref(note));
    }
    let nobodys = RefusalFilter {
        code: Some("code1".to_owned()),
        who: Some(None),
    };
    let found = directory.refusals(&nobodys, Page::first()).await.unwrap();
    assert_eq!(found.items, []);
    // Long texts are cut between characters.
    directory
        .note_refusals(&[note(400, None)], &[])
        .await
        .unwrap();
    let cut = directory
        .refusals(&all, Page::new(None, 1))
        .await
        .unwrap()
        .items
        .remove(0)
        .detail;
    assert_eq!((cut.len(), cut.chars().count()), (399, 133));

    let message = |code: u32| DemoMessage {
        phone: PHONE.to_owned(),
        code: code.to_string(),
        at: NOW,
    };
    for code in 0..25 {
        directory.put_demo_message(&message(code)).await.unwrap();
    }
    let inbox = directory.demo_inbox(PHONE).await.unwrap();
    assert_eq!((inbox.len(), &inbox[0]), (20, &message(24)));
    assert_eq!(directory.demo_inbox("13900000000").await.unwrap(), []);

    let (order, member) = (OrderId(5), MemberId(1));
    let shipping = |number: &str| Shipping {
        carrier: "SF".to_owned(),
        number: number.to_owned(),
        at: NOW,
    };
    directory
        .put_shipping(order, member, &shipping("1"))
        .await
        .unwrap();
    directory
        .put_shipping(order, member, &shipping("2"))
        .await
        .unwrap();
    let found = directory.shippings(&[order, OrderId(6)]).await.unwrap();
    assert_eq!((found.len(), &found[&order]), (1, &shipping("2")));
}

/// A file as the first version wrote it keeps its people and gets what came later.
#[tokio::test]
async fn a_file_of_version_1_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("directory.db");
    let pool = connect(&path).await;
    for statement in include_str!("directory_v1.sql")
        .split(';')
        .filter(|sql| !sql.trim().is_empty())
    {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let place = Place::from(path.as_path());
    let directory = Directory::open(&place, NOW).await.unwrap();
    let known = directory.person_by_phone(PHONE).await.unwrap().unwrap();
    assert_eq!(
        (known.member, known.member_secret, known.is_demo),
        (Some(MemberId(7)), [0xab; 32], true)
    );
    assert_eq!(directory.demo_inbox(PHONE).await.unwrap(), []);
    directory.close().await;
    assert_eq!(
        number(&path, "SELECT MAX(version) FROM migration").await,
        14
    );
    // A second opening changes nothing.
    let before = dump(&path).await;
    Directory::open(&place, Millis(5))
        .await
        .unwrap()
        .close()
        .await;
    assert_eq!(dump(&path).await, before);
}

#[tokio::test]
async fn a_file_of_a_later_version_is_left_alone() {
    let (directory, dir) = directory().await;
    directory.close().await;
    let path = dir.path().join("directory.db");
    tamper(&path, "INSERT INTO migration (version, at) VALUES (99, 0)").await;
    let refused = Directory::open(&Place::from(path.as_path()), NOW).await;
    assert!(matches!(
        refused,
        Err(DirectoryError::Newer {
            found: 99,
            known: 14
        })
    ));
}

#[test]
fn names_for_others() {
    assert_eq!(masked_phone(PHONE), "138****5678");
    assert_eq!(masked_phone("12"), "****12");
    assert_eq!(masked_phone("团购团购团购团"), "****购团");
    assert_eq!(invite_code([0, 1, 7, 8, 31, 32, 255, 9]), "239AZ2ZB");
}

fn decision(seq: u64, reason: &str) -> Decision {
    Decision {
        seq,
        at: NOW,
        operator: OperatorId(1),
        what: "staff-password".to_owned(),
        subject: 7,
        reason: reason.to_owned(),
    }
}

async fn reasons(directory: &Directory, rows: u32) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = directory.decisions(Page::new(after, rows)).await.unwrap();
        found.extend(page.items.into_iter().map(|row| row.reason));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// The journal stands still while accounts are changed: what was decided then differs in nothing but its request.
#[tokio::test]
async fn every_request_is_a_decision_of_its_own_and_each_is_listed_once() {
    let (directory, _dir) = directory().await;
    for (request, reason) in [(1, "one"), (2, "two"), (3, "three"), (2, "two again")] {
        let decision = decision(9, reason);
        directory
            .note_decision(&[request; 32], &decision)
            .await
            .unwrap();
    }
    for rows in 1..5 {
        assert_eq!(reasons(&directory, rows).await, ["three", "two", "one"]);
    }
    // A key that the engine has forgotten is another request.
    let late = Decision {
        at: NOW.after(KEY_LIFE),
        ..decision(9, "a day later")
    };
    directory.note_decision(&[2; 32], &late).await.unwrap();
    assert_eq!(
        reasons(&directory, 2).await,
        ["a day later", "three", "two", "one"]
    );
}

#[tokio::test]
async fn no_application_gets_a_number_that_was_anothers() {
    let (directory, _dir) = directory().await;
    let apply = async |member: u32| {
        let token = [u8::try_from(member).unwrap(); 16];
        let named = ("茶馆", "13900000000");
        let applied = directory.apply_as_merchant(MemberId(member), token, named, NOW);
        applied.await.unwrap()
    };
    let person = person(1, Some(PHONE));
    directory.sign_up(&person, NOW).await.unwrap();
    directory
        .set_members(&[(person.token, MemberId(1))])
        .await
        .unwrap();
    assert_eq!((apply(0).await, apply(1).await, apply(1).await), (0, 1, 1));
    assert!(directory.delete_person(MemberId(1), None).await.unwrap());
    assert_eq!(apply(2).await, 2, "1 was somebody else's");
}

/// What stood before decisions had numbers stands after, in its order; and no number that an approval names is given again.
#[tokio::test]
async fn a_file_of_version_11_keeps_its_decisions_and_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("directory.db");
    let pool = connect(&path).await;
    let scripts = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/directory");
    let version =
        "CREATE TABLE migration (version BIGINT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)";
    sqlx::raw_sql(version).execute(&pool).await.unwrap();
    for number in 1..12 {
        let script = std::fs::read_to_string(scripts.join(format!("{number:04}.sql"))).unwrap();
        let script = sqlx::AssertSqlSafe(script);
        sqlx::raw_sql(script).execute(&pool).await.unwrap();
        let noted = sqlx::query("INSERT INTO migration (version, at) VALUES (?, 0)").bind(number);
        noted.execute(&pool).await.unwrap();
    }
    pool.close().await;
    let rows = "INSERT INTO decision (seq, what, subject, at, operator, reason) VALUES \
        (7, 'staff-password', 2, 1, 0, 'third'), (5, 'freeze', 3, 1, 0, 'first'), (7, 'freeze', 4, 1, 0, 'second'), \
        (9, 'decline-application', 4, 1, 0, 'fourth')";
    tamper(&path, rows).await;
    let directory = Directory::open(&Place::from(path.as_path()), NOW)
        .await
        .unwrap();
    assert_eq!(
        reasons(&directory, 1).await,
        ["fourth", "third", "second", "first"]
    );
    let named = ("茶馆", "13900000000");
    let applied = directory.apply_as_merchant(MemberId(1), [1; 16], named, NOW);
    assert_eq!(applied.await.unwrap(), 5);
}

#[tokio::test]
async fn a_crowd_is_one_row_a_minute_that_counts() {
    let (directory, _dir) = directory().await;
    let note = |who: u32, at: i64, times| RefusalNote {
        at: Millis(at),
        who: Some(Actor::Operator(OperatorId(who))),
        code: "role_missing".to_owned(),
        detail: format!("at {at}"),
        times,
    };
    let all = RefusalFilter::default();
    for crowds in [
        vec![note(1, 1, 10), note(2, 2, 3)],
        vec![note(1, 59_999, 5)],
        vec![note(1, 60_000, 7)],
    ] {
        directory.note_refusals(&[], &crowds).await.unwrap();
    }
    let found = directory.refusals(&all, Page::first()).await.unwrap();
    assert_eq!(
        found.items,
        [note(1, 60_000, 7), note(2, 2, 3), note(1, 59_999, 15)]
    );
}

#[tokio::test]
async fn what_went_back_is_noted_with_its_place() {
    let (directory, _dir) = directory().await;
    assert_eq!(directory.went_back_noted().await.unwrap(), None);
    let note = RefusalNote {
        at: NOW,
        who: None,
        code: "group_full".to_owned(),
        detail: "payment t1 went back".to_owned(),
        times: 1,
    };
    directory.note_went_back(&[], 3).await.unwrap();
    directory
        .note_went_back(std::slice::from_ref(&note), 9)
        .await
        .unwrap();
    assert_eq!(directory.went_back_noted().await.unwrap(), Some(9));
    let all = RefusalFilter::default();
    let found = directory.refusals(&all, Page::first()).await.unwrap();
    assert_eq!(found.items, [note]);
}

#[tokio::test]
async fn answers_are_kept_for_a_day_and_go_with_their_member() {
    let (directory, _dir) = directory().await;
    let person = person(1, Some(PHONE));
    directory.sign_up(&person, NOW).await.unwrap();
    directory
        .set_members(&[(person.token, MemberId(1))])
        .await
        .unwrap();
    let answer = KeptAnswer {
        content: vec![7; 16],
        status: 201,
        body: "{}".to_owned(),
    };
    let (his, others) = (Actor::Member(MemberId(1)), Actor::Operator(OperatorId(1)));
    for (request, who) in [(1, his), (2, others)] {
        directory
            .keep_answer(&[request; 32], who, &answer, NOW)
            .await
            .unwrap();
    }
    let kept = async |request: u8, now: Millis| {
        let found = directory.kept_answer(&[request; 32], now).await;
        found.unwrap()
    };
    assert_eq!(kept(1, NOW).await, Some(answer.clone()));
    assert_eq!(kept(3, NOW).await, None);
    let day = NOW.after(KEY_LIFE);
    assert_eq!(kept(1, Millis(day.0 - 1)).await, Some(answer.clone()));
    assert_eq!(kept(1, day).await, None);
    assert!(directory.delete_person(MemberId(1), None).await.unwrap());
    assert_eq!(kept(1, NOW).await, None);
    assert_eq!(kept(2, NOW).await, Some(answer.clone()));
    // Written in the moment in which he went, it goes at the next sweep, and everybody's after its day.
    let late = directory.keep_answer(&[4; 32], his, &answer, NOW);
    late.await.unwrap();
    directory.sweep_of_nobody().await.unwrap();
    assert_eq!(kept(4, NOW).await, None);
    directory.sweep(Millis(day.0 - 1)).await.unwrap();
    assert_eq!(kept(2, NOW).await, Some(answer));
    directory.sweep(day).await.unwrap();
    assert_eq!(kept(2, NOW).await, None);
}
