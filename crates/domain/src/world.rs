//! Everything that is in memory, and the one door to it.
//!
//! [`World::execute`] decides and applies; [`World::apply`] replays. This file dispatches: rules live with their nouns.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
};

use minicbor::{Decode, Encode};

use crate::{
    Actor, Answer, Campaign, Closing, Coins, Command, Due, Event, GroupId, MemberId, Millis, Money,
    Order, OrderId, OrderState, PaymentId, PendingRefund, Profile, Record, RecordHead, RecordRef,
    Records, RefundId, Refusal, Request, SeatShare, SeatState, Timer, Withdrawal, WithdrawalState,
    alliance::{Alliance, CounterCash, Homes, Statements},
    ballot::Ballots,
    circle::Circles,
    clawback::Clawbacks,
    coins::CoinLots,
    deletion::Deleted,
    delivery::Deliveries,
    dividend::Dividends,
    group::{Full, GroupSlot},
    idempotency::{KeySlot, MemberKeys},
    identity::Identities,
    late_round::LateRounds,
    ledger,
    limits::Limits,
    member::Member,
    payment::Incoming,
    recharge::Recharges,
    shop::Shop,
    standing::{Frozen, People},
    table::{InGroup, OnItsWay, PlaceTable, TokenTable},
    treat::Tables,
    vintages::Turn,
    withdrawal::{Asked, Withdrawals},
};

/// Everything in memory. Rebuilt from the journal, or from a snapshot and the journal's rest.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub(crate) now: Millis,
    pub(crate) members: Vec<Member>,
    /// The members' tokens: apart, for they are hardly ever read.
    pub(crate) tokens: Vec<[u8; 16]>,
    pub(crate) campaigns: Vec<PublishedCampaign>,
    pub(crate) groups: Vec<GroupSlot>,
    pub(crate) refunds: BTreeMap<RefundId, PendingRefund>,
    pub(crate) next_refund: u64,
    pub(crate) orders: BTreeMap<OrderId, Order>,
    pub(crate) next_order: u64,
    pub(crate) vesting: BTreeMap<GroupId, VestingGroup>,
    pub(crate) books: PlatformBooks,
    /// What all opened groups together promised, and all capital: bounds every balance.
    pub(crate) promised: i64,
    pub(crate) member_keys: MemberKeys,
    pub(crate) staff_keys: BTreeMap<Actor, VecDeque<KeySlot>>,
    pub(crate) people: People,
    pub(crate) profile: Profile,
    pub(crate) dividends: Dividends,
    pub(crate) withdrawals: Withdrawals,
    pub(crate) clawbacks: Clawbacks,
    pub(crate) alliance: Alliance,
    pub(crate) statements: Statements,
    pub(crate) homes: Homes,
    pub(crate) counter_cash: CounterCash,
    pub(crate) shop: Shop,
    pub(crate) recharges: Recharges,
    pub(crate) lots: CoinLots,
    pub(crate) limits: Limits,
    pub(crate) circles: Circles,
    pub(crate) tables: Tables,
    pub(crate) ballots: Ballots,
    pub(crate) deliveries: Deliveries,
    /// Who is who; empty until somebody is verified.
    pub(crate) identities: Identities,
    /// Void groups whose round is not known.
    pub(crate) late: LateRounds,
    /// Members whose accounts were deleted.
    pub(crate) deleted: Deleted,

    // Derived from the above; rebuilt when a snapshot is read.
    pub(crate) token_table: TokenTable,
    /// Payments that hold, or held, a seat of a live group.
    pub(crate) seated: PlaceTable<InGroup>,
    /// Payments that came to a live group and went back at once.
    pub(crate) returned: PlaceTable<InGroup>,
    /// Payments on their way back.
    pub(crate) returning: PlaceTable<OnItsWay>,
    /// Full groups by their round's time.
    pub(crate) awaiting: BTreeSet<(u64, GroupId)>,
    pub(crate) timers: BinaryHeap<Reverse<Timer>>,
}

/// A campaign that is open for groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedCampaign {
    /// Its terms.
    pub terms: Campaign,
    /// SHA-256 of its published file; names its groups in the draw.
    pub hash: draw::Hash,
    /// When.
    pub published_at: Millis,
}

/// Rewards of a settled group that wait for its buyers' return windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct VestingGroup {
    /// Orders whose return window is open.
    #[n(0)]
    pub(crate) open_orders: u32,
    /// Whether a buyer has kept his product.
    #[n(1)]
    pub(crate) any_kept: bool,
    /// In the order they were paid, without those that are reversed.
    #[n(2)]
    pub(crate) rewards: Vec<WaitingReward>,
    /// What its seats have put into the dividend pool, without those that were returned.
    #[n(3)]
    pub(crate) pooled: Vec<SeatShare>,
}

/// One reward that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct WaitingReward {
    #[n(0)]
    pub(crate) member: MemberId,
    /// From which seat, if from one.
    #[n(1)]
    pub(crate) source_seat: Option<u32>,
    #[n(2)]
    pub(crate) cash: Money,
    #[n(3)]
    pub(crate) coins: Coins,
    /// Whether tax is withheld of its cash when it is received.
    #[cbor(n(4), default, skip_if = "is_not")]
    pub(crate) taxed: bool,
}

fn is_not(flag: &bool) -> bool {
    !flag
}

/// Balances of the accounts that belong to nobody else, with the ledger's sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct PlatformBooks {
    #[n(0)]
    pub(crate) channel: i64,
    #[n(1)]
    pub(crate) refunds_due: i64,
    #[n(2)]
    pub(crate) suppliers: i64,
    #[n(3)]
    pub(crate) capital: i64,
    #[n(4)]
    pub(crate) sales: i64,
    #[n(5)]
    pub(crate) cost_of_goods: i64,
    #[n(6)]
    pub(crate) rewards: i64,
    #[n(7)]
    pub(crate) channel_fees: i64,
    #[n(8)]
    pub(crate) coins_issued: i64,
    #[n(9)]
    pub(crate) withdrawals_due: i64,
    #[n(10)]
    pub(crate) withdrawal_fees: i64,
    #[cbor(n(11), default, skip_if = "is_nothing")]
    pub(crate) tax: i64,
    #[cbor(n(12), default, skip_if = "is_nothing")]
    pub(crate) bank: i64,
}

fn is_nothing(balance: &i64) -> bool {
    *balance == 0
}

impl World {
    /// The door. The time of the command is the later of `clock` and the previous command's (rules 2.7). First the
    /// idempotency key is looked up (rules 2.4), then what is due in the group or order touched is applied, then the
    /// command is decided and applied.
    ///
    /// Adds at most two records to `out`, in journal order, each already applied: what was due, as the platform's own
    /// doing, and the command's. Without a record of its own an accepted command has changed nothing: it was repeated, or
    /// there was nothing to do.
    pub fn execute_into(
        &mut self,
        request: &Request,
        clock: Millis,
        out: &mut Records,
    ) -> Result<Answer, Refusal> {
        let now = clock.max(self.now);
        if let (Actor::Member(actor), Some(member)) =
            (request.actor, request.command.acting_member())
            && actor != member
        {
            return Err(Refusal::NotYourself { actor, member });
        }
        if let Some(key) = &request.key
            && let Some(answer) = self.remembered(request.actor, key, now)?
        {
            return Ok(answer);
        }
        out.decided.clear();
        if let Some(due) = self.touched(&request.command) {
            self.due(due, now, &mut out.decided);
            let head = RecordHead {
                at: now,
                actor: Actor::System,
                key: None,
            };
            self.commit(head, out);
        }
        let known = self.decide(&request.command, now, &mut out.decided)?;
        let head = RecordHead {
            at: now,
            actor: request.actor,
            key: request.key,
        };
        let answer = known.unwrap_or_else(|| Answer::of(&out.decided));
        self.commit(head, out);
        Ok(answer)
    }

    /// As [`World::execute_into`], giving each record away by itself.
    pub fn execute(
        &mut self,
        request: &Request,
        clock: Millis,
        emit: &mut dyn FnMut(Record),
    ) -> Result<Answer, Refusal> {
        let mut out = Records::default();
        let answer = self.execute_into(request, clock, &mut out);
        out.iter().for_each(|record| emit(record.to_record()));
        answer
    }

    /// Holds every rule and changes nothing. `Some` is the answer of a command that has nothing left to do.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each command; it only dispatches"
    )]
    pub(crate) fn decide(
        &self,
        command: &Command,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if let Some(member) = command.acting_member() {
            self.require_not_deleted(member, command)?;
        }
        match command {
            Command::RegisterMember { token, inviter } => {
                return self.decide_register(*token, *inviter, events);
            }
            Command::PublishCampaign { campaign } => {
                return self.decide_publish(campaign, now, events);
            }
            Command::DepositCapital { amount } => self.decide_capital(*amount, events)?,
            Command::PayTax { amount } => self.decide_pay_tax(*amount, events)?,
            Command::PaySuppliers { amount } => self.decide_pay_suppliers(*amount, events)?,
            Command::OpenGroup {
                campaign,
                member,
                via,
            } => self.decide_open(*campaign, *member, *via, now, events)?,
            Command::JoinGroup { group, member, via } => {
                self.decide_join(*group, *member, *via, now, events)?
            }
            Command::LeaveGroup { group, member } => {
                self.decide_leave(*group, *member, now, events)?
            }
            Command::AcceptPayment {
                payment,
                txn,
                amount,
                tag,
            } => {
                return self.decide_payment(
                    *payment,
                    Incoming {
                        txn: *txn,
                        amount: *amount,
                        tag: *tag,
                    },
                    now,
                    events,
                );
            }
            Command::JoinPaid {
                group,
                member,
                via,
                txn,
                amount,
                tag,
            } => {
                let paid = Incoming {
                    txn: *txn,
                    amount: *amount,
                    tag: *tag,
                };
                return self.decide_join_paid((*group, *member, *via), paid, now, events);
            }
            Command::BouncePayment {
                payment,
                member,
                txn,
                amount,
            } => {
                return self.decide_bounce(*payment, *member, *txn, *amount, events);
            }
            Command::CancelGroup { group } => self.decide_cancel(*group, now, events)?,
            Command::SettleGroup { group, outcome } => {
                self.decide_settle(*group, outcome, now, events)?
            }
            Command::VoidGroup { group } => self.decide_void(*group, now, events)?,
            Command::NoteLateRound { group, round } => {
                self.decide_late_round(*group, round, events)?
            }
            Command::ConfirmRefund { refund } => self.decide_confirm_refund(*refund, events)?,
            Command::ShipOrder { order } => self.decide_ship(*order, now, events)?,
            Command::ReceiveOrder { order, member } => {
                self.decide_receive(*order, *member, now, events)?
            }
            Command::ReturnOrder { order, member } => {
                self.decide_return(*order, *member, now, events)?
            }
            Command::TakeBackOrder { order } => self.decide_take_back(*order, events)?,
            Command::Tick(_) => {}
            Command::PublishPlan { terms } => self.decide_publish_plan(terms, events)?,
            Command::SetRank { member, plan, rank } => {
                return self.decide_set_rank(*member, *plan, *rank, events);
            }
            Command::DeclareRegion { member, region } => {
                return self.decide_region(*member, *region, now, events);
            }
            Command::AppointAgent { region, member } => {
                return self.decide_appoint(*region, *member, events);
            }
            Command::DismissAgent { region } => self.decide_dismiss(*region, events)?,
            Command::SetLimits { member, limits } => {
                return self.decide_limits(*member, *limits, now, events);
            }
            Command::ExcludeSelf { member, days } => {
                return self.decide_exclusion(*member, *days, now, events);
            }
            Command::DeleteAccount { member, leave } => {
                return self.decide_delete(*member, *leave, now, events);
            }
            Command::FreezeMember { member } => return self.decide_freeze(*member, events),
            Command::UnfreezeMember { member } => return self.decide_unfreeze(*member, events),
            Command::AdoptProfile { profile } => self.decide_adopt(profile, now, events)?,
            Command::Withdraw {
                member,
                token,
                amount,
                account,
            } => {
                let asked = Asked {
                    member: *member,
                    token: *token,
                    amount: *amount,
                    account: *account,
                };
                return self.decide_withdraw(asked, now, events);
            }
            Command::ApproveWithdrawal { withdrawal } => {
                self.decide_approve_withdrawal(*withdrawal, now, events)?
            }
            Command::RejectWithdrawal { withdrawal } => {
                self.decide_reject_withdrawal(*withdrawal, events)?
            }
            Command::NotePayout {
                withdrawal,
                outcome,
            } => return self.decide_payout(*withdrawal, *outcome, events),
            Command::ClawBack {
                member,
                amount,
                group,
            } => self.decide_claw_back(*member, *amount, *group, events)?,
            Command::Alliance(command) => return self.decide_alliance(command, now, events),
            Command::Shop(command) => return self.decide_shop(command, now, events),
            Command::Recharge(command) => return self.decide_recharge(command, now, events),
            Command::Circle(command) => return self.decide_circle(command, now, events),
            Command::Table(command) => return self.decide_table(command, now, events),
            Command::Ballot(command) => return self.decide_ballot(command, now, events),
            Command::Identity(command) => return self.decide_identity(command, events),
            Command::Delivery(command) => return self.decide_delivery(command, now, events),
        }
        Ok(None)
    }

    fn due(&self, due: Due, now: Millis, events: &mut Vec<Event>) {
        match due {
            Due::Group(group) => self.due_in_group(group, now, events),
            Due::Order(order) => self.due_in_order(order, now, events),
            Due::Day => self.due_ranks(now, events),
            Due::Dividends(plan) => self.due_dividends(plan, now, events),
            Due::Coins => self.due_coins(now, events),
            Due::Purchase(purchase) => self.due_in_purchase(purchase, now, events),
            Due::Sku(sku) => self.due_in_sku(sku, now, events),
            Due::Recharge(recharge) => self.due_in_recharge(recharge, now, events),
            Due::Statements => self.due_statements(now, events),
            Due::Counter(counter) => self.due_in_counter(counter, now, events),
        }
    }

    /// Applies what was decided and makes a record of it.
    fn commit(&mut self, head: RecordHead, out: &mut Records) {
        if !out.decided.is_empty() {
            self.apply_events(head, &out.decided);
            out.close(head);
        }
    }

    /// Replays one record. Holds every change and refuses nothing: a record that does not fit was written by
    /// something else than this platform, and stops the process with a message that says so.
    pub fn apply(&mut self, record: &Record) {
        self.apply_events(record.head(), &record.events);
    }

    /// As [`World::apply`], for a record among others.
    pub fn apply_ref(&mut self, record: RecordRef<'_>) {
        let head = RecordHead {
            at: record.at,
            actor: record.actor,
            key: record.key,
        };
        self.apply_events(head, record.events);
    }

    fn apply_events(&mut self, head: RecordHead, events: &[Event]) {
        self.now = head.at;
        for event in events {
            self.apply_event(event, head.at);
            let turn = Turn::of(event);
            let posted = ledger::lines(event, &mut |line| self.post(line, turn));
            if posted.is_err() {
                self.corrupt("an amount does not fit");
            }
        }
        // Only now: most reservations of a gateway's members are paid in the same record, and need no timer.
        for event in events {
            if let Event::SeatReserved { payment, .. } = event {
                self.schedule(payment.group);
            }
        }
        if let Some(key) = head.key {
            self.remember(head.actor, head.at, key, Answer::of(events));
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event; it only dispatches"
    )]
    fn apply_event(&mut self, event: &Event, at: Millis) {
        match event {
            Event::MemberRegistered {
                member,
                token,
                inviter,
            } => {
                self.apply_registered(*member, *token, *inviter);
            }
            Event::InviterBound { member, inviter } => self.apply_inviter(*member, *inviter),
            Event::CampaignPublished { campaign, terms } => {
                self.expect_next("campaign", u64::from(campaign.0), self.campaigns.len());
                self.campaigns
                    .push(PublishedCampaign::new((**terms).clone(), at));
                self.open_pool(terms);
                self.refresh_limits();
            }
            Event::CapitalDeposited { amount } => {
                self.promised = self.promised.saturating_add(amount.0)
            }
            Event::TaxPaid { amount: _ } | Event::SuppliersPaid { amount: _ } => {}
            Event::GroupOpened {
                group,
                campaign,
                leader,
                expires_at,
            } => {
                self.apply_opened(*group, *campaign, *leader, *expires_at);
            }
            Event::SeatReserved {
                payment,
                member,
                via,
                pay_by,
            } => {
                self.apply_reserved(*payment, *member, *via, *pay_by);
                self.note_entry(*payment, *member);
                self.note_place_given(*payment, *member);
            }
            Event::SeatLapsed { payment } => {
                self.note_reservation_over(*payment);
                self.apply_seat_over(*payment, SeatState::Lapsed);
            }
            Event::PaymentAccepted {
                payment,
                txn,
                amount,
                fee,
                tag,
                ..
            } => {
                self.note_reservation_over(*payment);
                self.apply_accepted(*payment, (*txn, *tag), *amount, *fee);
            }
            Event::PaymentBounced { .. } => self.apply_bounced(event),
            Event::SeatLeft {
                payment,
                amount,
                refund,
                ..
            } => {
                self.refund_seat(*refund, *payment, *amount);
                self.apply_seat_over(*payment, SeatState::Refunded);
            }
            Event::GroupFilled {
                group,
                seats,
                frozen_at,
                round,
                freeze,
            } => {
                self.apply_filled(*group, Full::new(seats, *frozen_at, *round, *freeze));
            }
            Event::GroupClosed {
                group,
                why,
                refund_each,
                first_refund,
                refunds,
            } => {
                for (refund, seat) in (first_refund.0..).zip(refunds) {
                    let payment = PaymentId {
                        group: *group,
                        index: seat.index,
                    };
                    self.refund_seat(RefundId(refund), payment, *refund_each);
                }
                if *why == Closing::Void {
                    self.note_void(*group);
                }
                self.end_group(*group, Closing::state(*why));
            }
            Event::GroupSettled(settled) => {
                self.note_losses(settled);
                self.apply_settled(settled);
            }
            Event::RefundPaid { refund, .. } => self.apply_refund_paid(*refund),
            Event::OrderShipped { order, received_by } => {
                self.apply_order_state(
                    *order,
                    OrderState::Shipped {
                        received_by: *received_by,
                    },
                );
            }
            Event::OrderReceived { order, kept_at } => {
                self.apply_order_state(*order, OrderState::Received { kept_at: *kept_at });
            }
            Event::OrderKept { order } => self.apply_order_kept(*order),
            Event::RewardsVested { group, .. } => {
                self.vesting.remove(group);
            }
            Event::OrderReturning { order, back_by } => {
                self.apply_order_state(*order, OrderState::Returning { back_by: *back_by });
            }
            Event::OrderReturned {
                order,
                refund,
                amount,
                all,
                pool,
                ..
            } => self.apply_order_returned(*order, (*refund, *amount), (*all, *pool)),
            Event::PlanPublished { plan, terms } => self.apply_plan(*plan, terms, at),
            Event::RanksCounted { risen, more } => self.apply_ranks_counted(risen, *more),
            Event::RankSet { member, plan, rank } => self.apply_rank_set(*member, *plan, *rank),
            Event::RegionDeclared { member, region } => self.apply_region(*member, *region),
            Event::AgentAppointed { region, member } => self.apply_agent(*region, Some(*member)),
            Event::AgentDismissed { region, member: _ } => self.apply_agent(*region, None),
            Event::AccountDeleted { member } => self.apply_deleted(*member),
            Event::MemberFrozen { member } => self.apply_frozen(*member, Frozen::Yes),
            Event::MemberUnfrozen { member } => self.apply_frozen(*member, Frozen::No),
            Event::CoinsExpired { lost, more } => self.apply_coins_expired(lost, *more),
            Event::ProfileAdopted { profile } => {
                self.profile.clone_from(profile);
                self.refresh_limits();
            }
            Event::LimitsSet {
                member,
                holds,
                later,
            } => self.apply_limits(*member, *holds, *later),
            Event::SelfExcluded { member, until } => self.apply_exclusion(*member, *until),
            Event::PausesBegun { paused } => self.apply_pauses(paused),
            Event::DividendClosed {
                plan,
                from: _,
                until,
                pool,
                weight,
                members,
            } => self.apply_dividend_closed(*plan, *until, (*pool, *weight, *members)),
            Event::DividendsPaid {
                plan,
                until,
                shares,
                more,
            } => self.apply_dividends_paid(*plan, *until, (shares, *more)),
            Event::WithdrawalRequested {
                withdrawal,
                member,
                token,
                amount,
                fee,
                account,
            } => self.apply_withdrawal_requested(
                *withdrawal,
                Withdrawal {
                    member: *member,
                    token: *token,
                    amount: *amount,
                    fee: *fee,
                    account: *account,
                    requested_at: at,
                    state: WithdrawalState::Requested,
                },
            ),
            Event::WithdrawalApproved { withdrawal } => self.apply_withdrawal_approved(*withdrawal),
            Event::WithdrawalWaiting { withdrawal } => self.apply_withdrawal_waiting(*withdrawal),
            Event::WithdrawalPaid { withdrawal, .. } => self.apply_withdrawal_paid(*withdrawal),
            Event::WithdrawalRejected { withdrawal, .. }
            | Event::WithdrawalFailed { withdrawal, .. } => self.apply_withdrawal_back(*withdrawal),
            Event::ClawedBack { member, short, .. } => self.apply_clawed_back(*member, *short),
            Event::Alliance(event) => self.apply_alliance(event),
            Event::Shop(event) => self.apply_shop(event),
            Event::Recharge(event) => self.apply_recharge(event),
            Event::Circle(event) => self.apply_circle(event),
            Event::Table(event) => self.apply_table(event, at),
            Event::Ballot(event) => self.apply_ballot(event),
            Event::Identity(event) => self.apply_identity(event),
            Event::Delivery(event) => self.apply_delivery(event),
            Event::RoundFoundLate { group, .. } => self.apply_late_round(*group),
        }
    }

    pub(crate) fn expect_next(&self, what: &str, id: u64, count: usize) {
        if u64::try_from(count).ok() != Some(id) {
            self.corrupt(&format!("{what} {id} follows {count} of them"));
        }
    }

    /// Stops the process: the journal holds something this platform cannot have written, and going on would
    /// spread the damage.
    #[expect(
        clippy::panic,
        reason = "a corrupt journal must stop the process; see the doc comment of `apply`"
    )]
    pub(crate) fn corrupt(&self, what: &str) {
        panic!(
            "the journal is not consistent: {what} (at {} ms)",
            self.now.0
        );
    }
}

impl World {
    /// The group or order a command touches; of a circle or table the group that it plays.
    fn touched(&self, command: &Command) -> Option<Due> {
        if let Command::Circle(command) = command {
            return self.round_of(command.circle()).map(Due::Group);
        }
        if let Command::Table(command) = command {
            return self.group_of_table(command).map(Due::Group);
        }
        command.touched()
    }
}

impl PublishedCampaign {
    pub(crate) fn new(terms: Campaign, published_at: Millis) -> PublishedCampaign {
        let hash = draw::hash(crate::published_file(&terms).as_bytes());
        PublishedCampaign {
            terms,
            hash,
            published_at,
        }
    }
}
