//! What the journal says has happened, read from the file and kept in plain tables, and whether that is what the client
//! was told and what the provider has in its own book.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use domain::{Closing, Event, GroupSettled};
use engine::RecordReader;
use journal::SqliteJournal;
use payments::{BookOrder, BookRefund, Channel, RefundState};

use super::load::Told;

/// Round 1 of the installation's own beacon, and the time between its rounds, in seconds.
const GENESIS_S: u64 = 1_700_000_000;
const PERIOD_S: u64 = 3;

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Open,
    Full,
    Settled,
    /// Closed without a draw, at this time.
    Closed(Closing, i64),
}

/// A refund that was decided.
#[derive(Clone, Debug)]
struct Due {
    txn: String,
    amount_fen: i64,
    paid: bool,
}

/// Everything the journal says.
pub(crate) struct Books {
    data: PathBuf,
    next_seq: u64,
    /// Which place each payment of the provider holds or held.
    seated: HashMap<String, String>,
    /// Which payment of the provider holds or held each place.
    holds: HashMap<String, String>,
    bounced: HashMap<String, u64>,
    reserved: BTreeMap<String, u32>,
    /// Until when each place waits for its payment, as last reserved.
    pay_by: HashMap<String, i64>,
    expires_at: HashMap<u64, i64>,
    /// When each full group's round of the beacon is.
    drawn_at: HashMap<u64, i64>,
    /// When a place was given up because nobody had paid.
    lapsed: HashMap<String, i64>,
    refunds: BTreeMap<u64, Due>,
    refunds_paid: usize,
    groups: HashMap<u64, Group>,
}

impl Books {
    pub(crate) fn new(data: &Path) -> Books {
        Books {
            data: data.to_owned(),
            next_seq: journal::FIRST_SEQ,
            seated: HashMap::new(),
            holds: HashMap::new(),
            bounced: HashMap::new(),
            reserved: BTreeMap::new(),
            pay_by: HashMap::new(),
            expires_at: HashMap::new(),
            drawn_at: HashMap::new(),
            lapsed: HashMap::new(),
            refunds: BTreeMap::new(),
            refunds_paid: 0,
            groups: HashMap::new(),
        }
    }

    /// Reads on to where the journal ends now.
    pub(crate) fn read_on(&mut self) {
        let journal = SqliteJournal::open_read_only(&self.data).unwrap();
        let mut reader = RecordReader::new(Box::new(journal), self.next_seq);
        loop {
            let records = reader.read(1 << 22).unwrap();
            if records.is_empty() {
                return;
            }
            for stored in records {
                assert_eq!(stored.seq, self.next_seq, "a record is missing");
                self.next_seq += 1;
                for event in stored.record.events {
                    self.take(stored.record.at.0, event);
                }
            }
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event, most of which owe nothing"
    )]
    fn take(&mut self, at: i64, event: Event) {
        match event {
            Event::GroupOpened {
                group, expires_at, ..
            } => {
                self.expires_at.insert(group.0, expires_at.0);
                assert_eq!(self.groups.insert(group.0, Group::Open), None);
            }
            Event::SeatReserved {
                payment,
                member,
                pay_by,
                ..
            } => {
                self.pay_by.insert(payment.to_string(), pay_by.0);
                self.reserved.insert(payment.to_string(), member.0);
            }
            Event::SeatLapsed { payment } => {
                self.lapsed.insert(payment.to_string(), at);
            }
            Event::PaymentAccepted { payment, txn, .. } => self.seat(payment, txn.as_str()),
            Event::PaymentBounced {
                txn,
                refund,
                amount,
                ..
            } => self.bounce(txn.as_str(), refund.0, amount.0),
            Event::SeatLeft {
                payment,
                refund,
                amount,
                ..
            } => self.owe_seat(refund.0, payment.group.0, payment.index, amount.0),
            Event::GroupFilled { group, round, .. } => self.fill(group.0, round),
            Event::GroupClosed {
                group,
                why,
                refund_each,
                first_refund,
                refunds,
            } => {
                let before = match why {
                    Closing::Void => Group::Full,
                    Closing::Expired | Closing::LeaderGone | Closing::Cancelled => Group::Open,
                };
                self.moves(group.0, before, Group::Closed(why, at));
                for (refund, seat) in (first_refund.0..).zip(refunds) {
                    self.owe_seat(refund, group.0, seat.index, refund_each.0);
                }
            }
            Event::GroupSettled(settled) => self.settle(&settled),
            Event::RefundPaid { refund, amount, .. } => self.send_back(refund.0, amount.0),
            Event::MemberRegistered { .. }
            | Event::InviterBound { .. }
            | Event::CampaignPublished { .. }
            | Event::CapitalDeposited { .. }
            | Event::OrderShipped { .. }
            | Event::OrderReceived { .. }
            | Event::OrderKept { .. }
            | Event::OrderReturning { .. }
            | Event::OrderReturned { .. }
            | Event::RewardsVested { .. }
            | Event::PlanPublished { .. }
            | Event::RanksCounted { .. }
            | Event::RankSet { .. }
            | Event::RegionDeclared { .. }
            | Event::AgentAppointed { .. }
            | Event::AgentDismissed { .. }
            | Event::MemberFrozen { .. }
            | Event::MemberUnfrozen { .. }
            | Event::ProfileAdopted { .. }
            | Event::DividendClosed { .. }
            | Event::LimitsSet { .. }
            | Event::SelfExcluded { .. }
            | Event::PausesBegun { .. }
            | Event::Ballot(_)
            | Event::RoundFoundLate { .. }
            | Event::AccountDeleted { .. }
            | Event::Identity(_)
            | Event::Delivery(_)
            | Event::DividendsPaid { .. }
            | Event::WithdrawalRequested { .. }
            | Event::WithdrawalApproved { .. }
            | Event::WithdrawalRejected { .. }
            | Event::WithdrawalWaiting { .. }
            | Event::WithdrawalPaid { .. }
            | Event::WithdrawalFailed { .. }
            | Event::ClawedBack { .. }
            | Event::TaxPaid { .. }
            | Event::SuppliersPaid { .. }
            | Event::Circle(_)
            | Event::Table(_)
            | Event::Alliance(_)
            | Event::Shop(_)
            | Event::Recharge(_)
            | Event::CoinsExpired { .. } => {}
        }
    }

    fn bounce(&mut self, txn: &str, refund: u64, amount_fen: i64) {
        let txn = txn.to_owned();
        assert_eq!(self.seated.get(&txn), None, "{txn} is seated and bounced");
        let twice = self.bounced.insert(txn.clone(), refund);
        assert_eq!(twice, None, "{txn} bounced twice");
        self.owe(refund, txn, amount_fen);
    }

    fn fill(&mut self, group: u64, round: u64) {
        let drawn_at = (GENESIS_S + (round - 1) * PERIOD_S) * 1_000;
        let drawn_at = i64::try_from(drawn_at).unwrap();
        self.drawn_at.insert(group, drawn_at);
        self.moves(group, Group::Open, Group::Full);
    }

    fn settle(&mut self, settled: &GroupSettled) {
        let group = settled.group.0;
        self.moves(group, Group::Full, Group::Settled);
        for (refund, (_, seat)) in (settled.first_refund.0..).zip(settled.refunded()) {
            self.owe_seat(refund, group, seat.index, settled.price.0);
        }
    }

    fn send_back(&mut self, refund: u64, amount_fen: i64) {
        let due = self.refunds.get_mut(&refund).expect("paid, never due");
        assert_eq!(due.amount_fen, amount_fen, "refund {refund}");
        assert!(!due.paid, "refund {refund} is paid twice");
        due.paid = true;
        self.refunds_paid += 1;
    }

    fn seat(&mut self, payment: domain::PaymentId, txn: &str) {
        let (payment, txn) = (payment.to_string(), txn.to_owned());
        assert_eq!(self.bounced.get(&txn), None, "{txn} is bounced and seated");
        let two_places = self.seated.insert(txn.clone(), payment.clone());
        assert_eq!(two_places, None, "{txn} holds {payment}, too");
        let two_payments = self.holds.insert(payment.clone(), txn.clone());
        assert_eq!(two_payments, None, "{payment} is paid by {txn}, too");
    }

    fn moves(&mut self, group: u64, from: Group, to: Group) {
        assert_eq!(self.groups.insert(group, to), Some(from), "group {group}");
    }

    fn owe_seat(&mut self, refund: u64, group: u64, index: u32, amount_fen: i64) {
        let place = format!("{group}-{index}");
        let txn = self.holds.get(&place).expect("refunded, never paid");
        self.owe(refund, txn.clone(), amount_fen);
    }

    fn owe(&mut self, refund: u64, txn: String, amount_fen: i64) {
        let due = Due {
            txn,
            amount_fen,
            paid: false,
        };
        let twice = self.refunds.insert(refund, due);
        assert!(twice.is_none(), "refund {refund} is decided twice");
    }

    pub(crate) fn group(&self, group: u64) -> Option<Group> {
        self.groups.get(&group).copied()
    }

    /// When a group's time is over.
    pub(crate) fn expires_at(&self, group: u64) -> Option<i64> {
        self.expires_at.get(&group).copied()
    }

    /// When the round of the beacon is that a full group waits for.
    pub(crate) fn drawn_at(&self, group: u64) -> Option<i64> {
        self.drawn_at.get(&group).copied()
    }

    /// Until when a place waits for its payment.
    pub(crate) fn pay_by(&self, payment: &str) -> Option<i64> {
        self.pay_by.get(payment).copied()
    }

    /// Payments of the provider that are in the books.
    pub(crate) fn payments(&self) -> u64 {
        (self.seated.len() + self.bounced.len()) as u64
    }

    /// When a place lapsed, if it did.
    pub(crate) fn lapsed_at(&self, payment: &str) -> Option<i64> {
        self.lapsed.get(payment).copied()
    }

    /// Refunds that were decided, and those that the provider has confirmed.
    pub(crate) fn refunds(&self) -> (usize, usize) {
        (self.refunds.len(), self.refunds_paid)
    }

    /// Whether nothing is under way: no refund, no draw.
    pub(crate) fn is_quiet(&self) -> bool {
        self.refunds.len() == self.refunds_paid
            && !self.groups.values().any(|group| *group == Group::Full)
    }

    /// Every answer that the client got is what the journal says: nothing acknowledged is lost.
    pub(crate) fn hold_what_was_told(&self, told: &HashMap<String, Told>) {
        for (txn, told) in told {
            match told {
                Told::Seated(payment) => {
                    assert_eq!(
                        self.seated.get(txn),
                        Some(payment),
                        "{txn} was acknowledged"
                    );
                }
                Told::Bounced => {
                    assert!(
                        self.bounced.contains_key(txn),
                        "{txn} was said to have bounced"
                    );
                }
                Told::Known => {
                    let known = self.seated.contains_key(txn) || self.bounced.contains_key(txn);
                    assert!(known, "{txn} was said to be known");
                }
                Told::Reserved(member) => {
                    assert_eq!(self.reserved.get(txn), Some(member), "{txn} was reserved");
                }
            }
        }
    }

    /// The provider's own book: each payment there is here once, as a seat or as money sent back, and each refund there
    /// is one that was decided here, for that payment and amount. With `all`, every refund decided here is there, too,
    /// and done.
    pub(crate) async fn agree_with(&self, channel: &Channel, when: Quiet) -> u64 {
        let (mut after, mut payments, mut refunds) = (0, 0, BTreeSet::new());
        let by_txn = self.refunds.iter();
        let by_txn = by_txn.map(|(number, due)| (due.txn.as_str(), *number));
        let by_txn: BTreeMap<&str, u64> = by_txn.collect();
        loop {
            let page = channel.book_orders(after).await.unwrap();
            for order in &page.orders {
                payments += order.transactions.len() as u64;
                self.agree_on(order, when);
                for refund in &order.refunds {
                    let number = self.agree_on_refund(refund, &by_txn);
                    assert!(refunds.insert(number), "{refund:?} twice");
                }
            }
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        if when == Quiet::Yes {
            let decided: BTreeSet<u64> = self.refunds.keys().copied().collect();
            assert_eq!(refunds, decided, "refunds of the provider and of the books");
            assert_eq!(self.refunds_paid, decided.len());
            let booked = (self.seated.len() + self.bounced.len()) as u64;
            assert_eq!(
                payments, booked,
                "payments of the provider and of the books"
            );
        }
        payments
    }

    fn agree_on(&self, order: &BookOrder, when: Quiet) {
        for paid in &order.transactions {
            let txn = &paid.txn_id;
            let known = self.seated.contains_key(txn) || self.bounced.contains_key(txn);
            assert!(
                known || when == Quiet::No,
                "{txn} of order {} is not in the books",
                order.order_no
            );
            assert!(paid.refunded_fen == 0 || paid.refunded_fen == paid.amount_fen);
            let of_it = order.refunds.iter().filter(|refund| refund.txn_id == *txn);
            assert!(of_it.count() <= 1, "{txn} is refunded twice");
        }
    }

    /// Answers with its number here.
    fn agree_on_refund(&self, refund: &BookRefund, by_txn: &BTreeMap<&str, u64>) -> u64 {
        assert_eq!(refund.refund_no, format!("refund-{}", refund.txn_id));
        let number = by_txn.get(refund.txn_id.as_str());
        let number = *number.unwrap_or_else(|| panic!("{refund:?} was never decided"));
        assert_eq!(self.refunds[&number].amount_fen, refund.amount_fen);
        assert!(
            matches!(refund.state, RefundState::Done { .. }),
            "{refund:?}"
        );
        number
    }
}

/// Whether nothing is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    Yes,
    No,
}
