//! The end of a journal is lost and given up, or an older backup is put back, while the channel remembers everything:
//! numbers of places and refunds are given a second time, and nobody is seated, or kept waiting, by what they named
//! before.

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::files::small;
use crate::site::{Caller, Site, yuan};

/// What is put back.
#[derive(Clone, Copy, Debug)]
enum Back {
    /// The whole directory, as of the backup.
    All,
    /// The journal alone; the views and snapshots, which have seen more, are moved away.
    Journal,
}

const WAYS: [Back; 2] = [Back::All, Back::Journal];

/// A platform with a backup: a group whose leader has paid, and members who have signed up.
struct Story {
    site: Site,
    leader: Caller,
    members: Vec<Caller>,
    group: String,
    backup: Option<TempDir>,
}

impl Story {
    async fn begin() -> Story {
        let site = Site::open().await;
        let campaign = site.publish(small(6)).await;
        let leader = site.member(1, None).await;
        let (group, payment) = leader.open_group(&campaign).await;
        site.pay(&payment).await;
        site.payment(&leader, &payment, "paid").await;
        let mut members = Vec::new();
        for number in 2..=3 {
            members.push(site.member(number, None).await);
        }
        let mut story = Story {
            site,
            leader,
            members,
            group,
            backup: None,
        };
        story.back_up().await;
        story
    }

    /// Keeps what there is now.
    async fn back_up(&mut self) {
        self.site.stop_server().await;
        let backup = tempfile::tempdir().unwrap();
        copy(self.site.data_dir(), backup.path(), &|_| true);
        self.backup = Some(backup);
        self.site.start_server().await;
    }

    /// Stops and puts back what was kept.
    async fn lose_the_end(&mut self, back: Back) {
        self.site.stop_server().await;
        self.put_back(back);
        self.site.start_server().await;
    }

    fn put_back(&self, back: Back) {
        let data = self.site.data_dir();
        let of_it = |name: &str| match back {
            Back::All => true,
            Back::Journal => ["journal.db", "views.db", "snapshots"]
                .iter()
                .any(|part| name.starts_with(part)),
        };
        for entry in std::fs::read_dir(data).unwrap().map(Result::unwrap) {
            if !of_it(entry.file_name().to_str().unwrap()) {
                continue;
            }
            match entry.path() {
                path if path.is_dir() => std::fs::remove_dir_all(path).unwrap(),
                path => std::fs::remove_file(path).unwrap(),
            }
        }
        let kept = self.backup.as_ref().unwrap().path();
        copy(kept, data, &|name: &str| match back {
            Back::All => true,
            Back::Journal => name.starts_with("journal.db"),
        });
    }

    /// Reserves and pays a place.
    async fn take(&self, member: &Caller) -> String {
        let payment = member.join(&self.group).await;
        self.site.pay(&payment).await;
        self.site.payment(member, &payment, "paid").await;
        payment
    }

    /// Gives up a member's places, and waits until the money is back.
    async fn leave(&self, member: &Caller, payment: &str) {
        let path = format!("/groups/{}/leave", self.group);
        let left = member.post(&path, json!({})).await;
        assert_eq!(left.status, 200, "{left:?}");
        self.site.payment(member, payment, "refunded").await;
    }

    async fn refunded(&self, fen: i64) {
        let what = format!("{fen} fen are back");
        let is_back = async || {
            let books = self.site.provider_books().await;
            (books.refunded_fen == fen && books.callbacks_pending == 0).then_some(())
        };
        self.site.until(&what, is_back).await;
    }

    /// Whether our books say as much as the channel's, when nothing is under way.
    async fn agrees(&self) {
        let books = self.site.settled_books().await;
        let held = self.site.provider_books().await.held_fen;
        assert_eq!(books["channel"]["by_our_books"], yuan_text(held), "{books}");
    }
}

fn yuan_text(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

fn copy(from: &Path, to: &Path, which: &dyn Fn(&str) -> bool) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        if !which(name.to_str().unwrap()) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name), &|_| true);
        } else {
            std::fs::copy(path, to.join(name)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_given_twice_is_paid_by_whoever_has_it_now() {
    for back in WAYS {
        let mut story = Story::begin().await;
        let (first, second) = (story.members[0].clone(), story.members[1].clone());
        let place = story.take(&first).await;
        story.lose_the_end(back).await;

        assert_eq!(story.take(&second).await, place, "{back:?}");
        let orders = story.site.orders_of(&place).await;
        assert_eq!(orders.len(), 2, "{back:?}: {orders:?}");
        let page = format!("/groups/{}", story.group);
        assert_eq!(story.leader.get(&page).await.json()["paid"], 2);
        // The first one's money, which was lost sight of, is what the channel has more.
        let books = story.site.settled_books().await;
        assert_eq!(books["channel"]["verdict"], "channel_has_more", "{books}");
        assert_eq!(books["channel"]["difference"], "10.00", "{books}");
        story.site.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_payment_goes_back_to_its_payer_when_its_notice_comes() {
    for back in WAYS {
        let mut story = Story::begin().await;
        let (first, second) = (story.members[0].clone(), story.members[1].clone());
        let place = first.join(&story.group).await;
        let withheld = json!({ "callback": { "gather": 9 } });
        story.site.faults(None, withheld).await;
        story.site.pay(&place).await;
        story.lose_the_end(back).await;

        assert_eq!(second.join(&story.group).await, place);
        story.site.faults(None, json!({})).await;
        story.refunded(yuan(10)).await;
        let told = async || first.lines("in_groups").await.pop();
        let line = story.site.until("he is told", told).await;
        assert_eq!(line["why"]["kind"], "bounced", "{back:?}: {line}");
        assert_eq!(line["why"]["group"], story.group, "{back:?}: {line}");
        assert!(second.lines("in_groups").await.is_empty());
        story.site.pay(&place).await;
        story.site.payment(&second, &place, "paid").await;
        story.agrees().await;
        story.site.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_payment_counts_for_who_reserves_the_same_place_again() {
    for back in WAYS {
        let mut story = Story::begin().await;
        let member = story.members[0].clone();
        let place = story.take(&member).await;
        story.lose_the_end(back).await;

        assert_eq!(member.join(&story.group).await, place);
        story.site.payment(&member, &place, "paid").await;
        let books = story.site.provider_books().await;
        assert_eq!(
            (books.transactions, books.refunds),
            (2, 0),
            "the leader's and the one he had made"
        );
        story.agrees().await;
        story.site.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_whose_lost_payment_went_back_can_be_paid_anew() {
    for back in WAYS {
        let mut story = Story::begin().await;
        let member = story.members[0].clone();
        let place = member.join(&story.group).await;
        story
            .site
            .faults(None, json!({ "callback": { "gather": 9 } }))
            .await;
        story.site.pay(&place).await;
        story.lose_the_end(back).await;
        // Nobody has reserved it yet in this history.
        story.site.faults(None, json!({})).await;
        story.refunded(yuan(10)).await;

        assert_eq!(member.join(&story.group).await, place);
        let page = format!("/payments/{place}?refresh=true");
        assert_eq!(member.get(&page).await.json()["state"], "waiting");
        assert_eq!(story.site.orders_of(&place).await.len(), 2);
        story.site.pay(&place).await;
        story.site.payment(&member, &place, "paid").await;
        assert_eq!(story.site.provider_books().await.refunded_fen, yuan(10));
        story.agrees().await;
        story.site.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_of_another_group_of_the_same_number_is_another() {
    for back in WAYS {
        let mut story = Story::begin().await;
        let member = story.members[0].clone();
        let (first, place) = member.open_group("0").await;
        let withheld = json!({ "callback": { "gather": 9 } });
        story.site.faults(None, withheld).await;
        story.site.pay(&place).await;
        story.lose_the_end(back).await;

        story.site.advance_s(1);
        let (second, again) = member.open_group("0").await;
        assert_eq!((&first, &place), (&second, &again));
        story.site.faults(None, json!({})).await;
        story.refunded(yuan(10)).await;
        let page = member.get(&format!("/payments/{place}")).await.json();
        assert_eq!(page["state"], "waiting", "{back:?}: {page}");
        story.site.pay(&place).await;
        story.site.payment(&member, &place, "paid").await;
        story.agrees().await;
        story.site.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refunds_number_given_twice_sends_both_back_once() {
    for back in WAYS {
        let mut story = Story::begin().await;
        let (first, second) = (story.members[0].clone(), story.members[1].clone());
        let places = [story.take(&first).await, story.take(&second).await];
        story.back_up().await;
        story.leave(&first, &places[0]).await;
        story.lose_the_end(back).await;

        // Another refund has the number of the first one's now, and that one gets another; its money is back already.
        story.leave(&second, &places[1]).await;
        story.leave(&first, &places[0]).await;
        let books = story.site.provider_books().await;
        assert_eq!((books.refunded_fen, books.refunds), (yuan(20), 2));
        story.agrees().await;
        story.site.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signed_up_in_the_lost_part_keeps_the_journal_from_being_opened() {
    let mut story = Story::begin().await;
    story.site.member(5, None).await;
    story.site.stop_server().await;
    story.put_back(Back::Journal);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = server::start(story.site.config.clone(), listener)
        .unwrap()
        .ended()
        .await;
    let Err(server::ServeError::DirectoryNewer { .. }) = refused else {
        panic!("{refused:?}");
    };
    // With the directory of the same moment it opens, and he signs up anew.
    let elsewhere = tempfile::tempdir().unwrap();
    let kept = story.backup.as_ref().unwrap().path();
    copy(kept, elsewhere.path(), &|_| true);
    story.site.config.data_dir = elsewhere.path().to_owned();
    story.site.start_server().await;
    assert_eq!(story.site.member(5, None).await.id, "3");
    story.site.close().await;
}
