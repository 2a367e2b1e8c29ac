//! Applies events to a batch's rows in memory. One short function for each kind of event.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{
    Account, Campaign, CampaignId, Event, GroupId, GroupState, Kind, Line, MemberId, Millis, Money,
    OrderId, PaymentId, PublishedCampaign, Record, RefundId,
};

use super::kept::Change;
use super::tables::{Draw, Group, Member, Order, Refund, Rows, Seat};
use super::wallet::WhyLine;
use crate::code::{account_code, event_code, holder_of};
use crate::db::Value;
use crate::error::ProjectError;
use crate::names::{
    DrawStatus, OrderStatus, RefundReason, SeatStatus, WalletAccount, WhyKind, WithdrawalStatus,
    Word,
};

pub(super) type Done = Result<(), ProjectError>;

/// The rows while records are applied to them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) rows: Rows,
    /// The record at hand.
    pub(super) seq: u64,
    pub(super) at: Millis,
    pub(super) ledger_line_no: u32,
    wallet_line_no: u32,
    /// What wallet lines have added to accounts in the event at hand, against what the ledger's have.
    pub(super) explained: BTreeMap<Account, i64>,
    lines: Vec<Line>,
}

impl Batch {
    /// Applies one record.
    pub(super) fn record(&mut self, seq: u64, record: &Record) -> Done {
        (self.seq, self.at) = (seq, record.at);
        (self.ledger_line_no, self.wallet_line_no) = (0, 0);
        for (event_no, event) in (0u32..).zip(&record.events) {
            self.explained.clear();
            self.event(event)?;
            self.post(event)?;
            self.notices(event_no, event)?;
        }
        Ok(())
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event; it only dispatches"
    )]
    fn event(&mut self, event: &Event) -> Done {
        match event {
            Event::MemberRegistered {
                member,
                token: _,
                inviter,
            } => self.member_registered(*member, *inviter),
            Event::InviterBound { member, inviter } => {
                let row = self.rows.members.change(*member, Change::ANY);
                row.ok_or_else(|| unfit(self.seq, format!("member {member} is not known")))?
                    .inviter = Some(*inviter);
                Ok(())
            }
            Event::CampaignPublished { campaign, terms } => {
                self.campaign_published(*campaign, terms)
            }
            Event::GroupOpened {
                group,
                campaign,
                leader,
                expires_at,
            } => self.group_opened(*group, *campaign, *leader, *expires_at),
            Event::SeatReserved {
                payment,
                member,
                via,
                pay_by,
            } => self.seat_reserved(*payment, *member, *via, *pay_by),
            Event::SeatLapsed { payment } => self.seat_lapsed(*payment),
            Event::PaymentAccepted { .. } => self.payment_accepted(event),
            Event::PaymentBounced { .. } => self.payment_bounced(event),
            Event::SeatLeft {
                payment,
                member,
                amount,
                refund,
            } => self.seat_left(*payment, *member, *amount, *refund),
            Event::GroupFilled {
                group,
                seats,
                frozen_at,
                round,
                freeze,
            } => self.group_filled(*group, seats, (*frozen_at, *round), *freeze),
            Event::GroupClosed {
                group,
                why,
                refund_each,
                first_refund,
                refunds,
            } => self.group_closed(*group, *why, *refund_each, (*first_refund, refunds)),
            Event::GroupSettled(settled) => self.group_settled(settled),
            Event::RefundPaid {
                refund,
                amount: _,
                fee_back,
            } => self.refund_paid(*refund, *fee_back),
            Event::OrderShipped { order, received_by } => self.order_shipped(*order, *received_by),
            Event::OrderReceived { order, kept_at } => self.order_received(*order, *kept_at),
            Event::OrderKept { order } => self.order_kept(*order),
            Event::OrderReturning { order, back_by } => self.order_returning(*order, *back_by),
            Event::OrderReturned { .. } => self.order_returned(event),
            Event::RewardsVested { group, amounts } => self.rewards_vested(*group, amounts),
            Event::PlanPublished { plan, terms } => self.plan_published(*plan, terms),
            Event::RanksCounted { risen, more: _ } => self.ranks_counted(risen),
            Event::RankSet { member, plan, rank } => self.rank_set(*member, *plan, *rank),
            Event::RegionDeclared { member, region } => self.region_declared(*member, *region),
            Event::AgentAppointed { region, member } => self.agent_changed(*region, Some(*member)),
            Event::AgentDismissed { region, member: _ } => self.agent_changed(*region, None),
            Event::MemberFrozen { member } => self.frozen_changed(*member, 1),
            Event::AccountDeleted { member } => self.frozen_changed(*member, 1),
            Event::MemberUnfrozen { member } => self.frozen_changed(*member, 0),
            Event::DividendClosed { .. } => self.dividend_closed(event),
            Event::DividendsPaid {
                plan,
                until,
                shares,
                more: _,
            } => self.dividends_paid(*plan, *until, shares),
            Event::CoinsExpired { lost, more: _ } => {
                let why = WhyLine::of(WhyKind::CoinsExpired);
                for lost in lost {
                    self.wallet(
                        Account::Coins(lost.member),
                        lost.coins.0.saturating_neg(),
                        why,
                    );
                }
                Ok(())
            }
            Event::LimitsSet { .. } | Event::SelfExcluded { .. } | Event::PausesBegun { .. } => {
                Ok(())
            }
            Event::CapitalDeposited { amount: _ }
            | Event::TaxPaid { amount: _ }
            | Event::SuppliersPaid { amount: _ }
            | Event::Identity(_)
            | Event::Delivery(_)
            | Event::ProfileAdopted { profile: _ } => Ok(()),
            Event::RoundFoundLate {
                group, signature, ..
            } => self.round_late(*group, *signature),
            Event::WithdrawalRequested {
                withdrawal,
                member,
                token: _,
                amount,
                fee,
                account,
            } => self.withdrawal_asked(*withdrawal, *member, (*amount, *fee), account),
            Event::WithdrawalApproved { withdrawal } => self.withdrawal_approved(*withdrawal),
            Event::WithdrawalWaiting { withdrawal } => self.withdrawal_waits(*withdrawal),
            Event::WithdrawalPaid { withdrawal, .. } => {
                self.withdrawal_ends(*withdrawal, WithdrawalStatus::Paid)
            }
            Event::WithdrawalRejected {
                withdrawal,
                member,
                amount,
            } => self.withdrawal_rejected(*withdrawal, *member, *amount),
            Event::WithdrawalFailed {
                withdrawal,
                member,
                amount,
                why,
            } => self.withdrawal_failed(*withdrawal, (*member, *amount), *why),
            Event::ClawedBack {
                member,
                amount,
                short: _,
                group,
            } => self.clawed_back(*member, *amount, *group),
            Event::Alliance(event) => self.alliance_event(event),
            Event::Shop(event) => self.shop_event(event),
            Event::Recharge(event) => self.recharge_event(event),
            Event::Circle(event) => self.circle_event(event),
            Event::Table(event) => self.table_event(event),
            Event::Ballot(event) => self.ballot_event(event),
        }
    }

    /// The ledger's lines of an event, its balances, and that the wallet's lines say the same of members' accounts.
    fn post(&mut self, event: &Event) -> Done {
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        if domain::lines(event, &mut |line| lines.push(line)).is_err() {
            return Err(self.unfit("an amount does not fit"));
        }
        let event_code = event_code(event);
        let mut posted: BTreeMap<Account, i64> = BTreeMap::new();
        for line in &lines {
            match self.rows.balances.change(line.account, Change::ANY) {
                Some(balance) => *balance = balance.saturating_add(line.amount),
                None => {
                    self.rows.balances.put(line.account, line.amount);
                }
            }
            if WalletAccount::of_account(&line.account).is_some() {
                let sum = posted.entry(line.account).or_default();
                *sum = sum.saturating_add(line.amount);
            }
            if let Account::Merchant(..) = line.account {
                self.merchant_line(line, event);
            }
            let account = account_code(&line.account);
            let line = [
                Value::from(account),
                Value::from(self.seq),
                Value::from(self.ledger_line_no),
                Value::from(self.at.0),
                Value::from(holder_of(&line.account)),
                Value::from(line.amount),
                Value::from(event_code),
            ];
            self.rows.new_ledger_lines.push((account, line));
            self.ledger_line_no = self.ledger_line_no.saturating_add(1);
        }
        self.lines = lines;
        self.explained.retain(|_, amount| *amount != 0);
        posted.retain(|_, amount| *amount != 0);
        if self.explained != posted {
            return Err(self.unfit("the wallets' lines are not the ledger's"));
        }
        Ok(())
    }

    pub(super) fn next_wallet_line_no(&mut self) -> u32 {
        let line_no = self.wallet_line_no;
        self.wallet_line_no = line_no.saturating_add(1);
        line_no
    }

    pub(super) fn unfit(&self, what: impl Into<String>) -> ProjectError {
        unfit(self.seq, what)
    }

    pub(super) fn member(&mut self, id: MemberId) -> Result<&mut Member, ProjectError> {
        let found = self.rows.members.change(id, Change::ANY);
        found.ok_or_else(|| unfit(self.seq, format!("member {id} is not known")))
    }

    /// A group to be changed like this.
    pub(super) fn group(&mut self, id: GroupId, how: Change) -> Result<&mut Group, ProjectError> {
        let found = self.rows.groups.change(id.0, how);
        found.ok_or_else(|| unfit(self.seq, format!("group {id} is not known")))
    }

    /// The campaign of a group.
    pub(super) fn campaign_of(&self, id: GroupId) -> Result<CampaignId, ProjectError> {
        let found = self.rows.groups.get(id.0).map(|group| group.campaign);
        found.ok_or_else(|| unfit(self.seq, format!("group {id} is not known")))
    }

    /// A seat to be changed like this.
    pub(super) fn seat(&mut self, id: PaymentId, how: Change) -> Result<&mut Seat, ProjectError> {
        let found = self.rows.seats.change(id, how);
        found.ok_or_else(|| unfit(self.seq, format!("reservation {id} is not known")))
    }

    pub(super) fn draw(&mut self, id: GroupId) -> Result<&mut Draw, ProjectError> {
        let found = self.rows.draws.change(id.0, Change::ANY);
        found.ok_or_else(|| unfit(self.seq, format!("the draw of group {id} is not known")))
    }

    pub(super) fn campaign(&self, id: CampaignId) -> Result<Arc<PublishedCampaign>, ProjectError> {
        let found = self.rows.campaigns.get(&id).cloned();
        found.ok_or_else(|| self.unfit(format!("campaign {id} is not known")))
    }

    fn order(&mut self, id: OrderId) -> Result<&mut Order, ProjectError> {
        let found = self.rows.orders.change(id, Change::ANY);
        found.ok_or_else(|| unfit(self.seq, format!("order {id} is not known")))
    }

    fn member_registered(&mut self, id: MemberId, inviter: Option<MemberId>) -> Done {
        let member = Member {
            inviter,
            registered_at: self.at,
            settled_seats: 0,
            won_seats: 0,
        };
        self.rows.in_groups.set(id, 0);
        match self.rows.members.put(id, member) {
            Some(_) => Err(self.unfit(format!("member {id} registers twice"))),
            None => Ok(()),
        }
    }

    pub(super) fn campaign_published(&mut self, id: CampaignId, terms: &Campaign) -> Done {
        let file = domain::published_file(terms);
        let hash = draw::hash(file.as_bytes());
        let encoded = minicbor::to_vec(terms)
            .map_err(|_| self.unfit(format!("the terms of campaign {id} cannot be encoded")))?;
        self.rows.new_campaigns.extend([
            Value::from(id.0),
            Value::from(terms.name.zh.as_str()),
            Value::from(terms.name.en.as_str()),
            Value::from(terms.group.price.0),
            Value::from(terms.group.seats),
            Value::from(terms.group.winners),
            Value::from(self.at.0),
            Value::from(hash.0.as_slice()),
            Value::from(encoded),
            Value::from(file),
            Value::from(u32::from(terms.kind != Kind::Treat)),
        ]);
        let published = PublishedCampaign {
            terms: terms.clone(),
            hash,
            published_at: self.at,
        };
        self.rows.campaigns.insert(id, Arc::new(published));
        Ok(())
    }

    fn group_opened(
        &mut self,
        id: GroupId,
        campaign: CampaignId,
        leader: MemberId,
        expires_at: Millis,
    ) -> Done {
        let published = self.campaign(campaign)?;
        let group = Group {
            campaign,
            leader,
            state: GroupState::Open,
            opened_at: self.at,
            expires_at,
            paid: 0,
            held: 0,
            reservations: 0,
            filled_at: None,
            ended_at: None,
            closing: None,
        };
        if self.rows.groups.put(id.0, group).is_some() {
            return Err(self.unfit(format!("group {id} opens twice")));
        }
        self.draw_opened(id, &published)
    }

    fn seat_reserved(
        &mut self,
        id: PaymentId,
        member: MemberId,
        via: Option<MemberId>,
        pay_by: Millis,
    ) -> Done {
        let seat = Seat {
            member,
            via,
            state: SeatStatus::Reserved,
            seat_no: None,
            reserved_at: self.at,
            pay_by,
            paid_at: None,
            paid_seq: None,
            amount: None,
            fee: None,
            txn: None,
            tag: None,
            refund: None,
            refunded_for: None,
            order: None,
        };
        let before = self.rows.seats.put(id, seat);
        if before.is_some_and(|seat| seat.state != SeatStatus::Lapsed) {
            return Err(self.unfit(format!("reservation {id} is made twice")));
        }
        let group = self.group(id.group, Change::PAID)?;
        group.held = group.held.saturating_add(1);
        group.reservations = group.reservations.max(id.index.saturating_add(1));
        Ok(())
    }

    fn seat_lapsed(&mut self, id: PaymentId) -> Done {
        self.seat(id, Change::ENDED)?.state = SeatStatus::Lapsed;
        let group = self.group(id.group, Change::PAID)?;
        group.held = group.held.saturating_sub(1);
        Ok(())
    }

    fn payment_accepted(&mut self, event: &Event) -> Done {
        let Event::PaymentAccepted {
            payment,
            member,
            txn,
            amount,
            fee,
            tag,
        } = event
        else {
            return Ok(());
        };
        let (at, seq) = (self.at, self.seq);
        let seat = self.seat(*payment, Change::PAID)?;
        // Whoever uses a ballot's right has his place already.
        let is_right = seat.state == SeatStatus::MayBuy;
        // A place that lapsed and is paid after all, while it is still free, is taken without a new reservation.
        let was_held = seat.state == SeatStatus::Reserved;
        seat.state = SeatStatus::Paid;
        seat.paid_at = Some(at);
        seat.paid_seq = Some(seq);
        seat.amount = Some(*amount);
        seat.fee = Some(*fee);
        seat.txn = Some(*txn);
        seat.tag = Some(*tag);
        let group = self.group(payment.group, Change::PAID)?;
        if !is_right {
            group.paid = group.paid.saturating_add(1);
        }
        if !was_held && !is_right {
            group.held = group.held.saturating_add(1);
        }
        let campaign = group.campaign;
        let why = WhyLine::of(WhyKind::SeatPaid)
            .in_group(payment.group, campaign)
            .seat(*payment);
        self.in_groups(*member, amount.0, why)
    }

    fn payment_bounced(&mut self, event: &Event) -> Done {
        let Event::PaymentBounced {
            payment,
            member,
            txn,
            amount,
            fee,
            refund,
            reason,
            ..
        } = event
        else {
            return Ok(());
        };
        let group = payment.map(|payment| payment.group);
        // The domain writes the highest index where a payment names a group but no reservation of it.
        let payment = payment.filter(|payment| payment.index != domain::NO_RESERVATION);
        let reason = RefundReason::Bounced(*reason);
        self.rows.new_bounced.extend([
            Value::from(txn.as_str()),
            Value::from(self.seq),
            Value::from(self.at.0),
            Value::from(group.map(|group| group.0)),
            Value::from(payment.map(|payment| payment.index)),
            Value::from(member.map(|member| member.0)),
            Value::from(amount.0),
            Value::from(fee.0),
            Value::from(reason.word()),
            Value::from(refund.0),
        ]);
        let row = Refund {
            txn: *txn,
            group,
            payment,
            member: *member,
            amount: *amount,
            reason,
            created_at: self.at,
            paid_at: None,
            fee_back: None,
        };
        self.rows.refunds.put(*refund, row);
        let Some(member) = member else { return Ok(()) };
        let mut why = WhyLine::of(WhyKind::Bounced).refund(*refund).base(*amount);
        if let Some(known) = group.and_then(|group| self.rows.groups.get(group.0)) {
            why = why.in_group(group.unwrap_or(GroupId(0)), known.campaign);
        }
        if let Some(payment) = payment {
            why = why.seat(payment);
        }
        self.in_groups(*member, 0, why)
    }

    fn seat_left(
        &mut self,
        id: PaymentId,
        member: MemberId,
        amount: Money,
        refund: RefundId,
    ) -> Done {
        self.refund_seat(id, refund, amount, RefundReason::Left)?;
        let group = self.group(id.group, Change::PAID)?;
        group.paid = group.paid.saturating_sub(1);
        group.held = group.held.saturating_sub(1);
        let campaign = group.campaign;
        let why = WhyLine::of(WhyKind::SeatRefunded)
            .in_group(id.group, campaign)
            .seat(id)
            .refund(refund);
        self.in_groups(member, amount.0.saturating_neg(), why)
    }

    /// A paid seat's price is on its way back.
    pub(super) fn refund_seat(
        &mut self,
        id: PaymentId,
        refund: RefundId,
        amount: Money,
        reason: RefundReason,
    ) -> Done {
        let (created_at, seq) = (self.at, self.seq);
        let seat = self.seat(id, Change::ENDED)?;
        seat.state = match reason {
            RefundReason::Lost => SeatStatus::Lost,
            // Whoever returned the product has won or bought it all the same.
            RefundReason::Returned | RefundReason::BillReversed => seat.state,
            RefundReason::Bounced(_) | RefundReason::Left | RefundReason::Closed(_) => {
                SeatStatus::Refunded
            }
        };
        seat.refund = Some(refund);
        seat.refunded_for = Some(reason);
        let row = Refund {
            txn: seat.txn.ok_or_else(|| {
                unfit(
                    seq,
                    format!("reservation {id} is refunded and was not paid"),
                )
            })?,
            group: Some(id.group),
            payment: Some(id),
            member: Some(seat.member),
            amount,
            reason,
            created_at,
            paid_at: None,
            fee_back: None,
        };
        self.rows.refunds.put(refund, row);
        Ok(())
    }

    fn refund_paid(&mut self, id: RefundId, fee_back: Money) -> Done {
        let at = self.at;
        let found = self.rows.refunds.change(id, Change::ENDED);
        let refund = found.ok_or_else(|| unfit(self.seq, format!("refund {id} is not known")))?;
        refund.paid_at = Some(at);
        refund.fee_back = Some(fee_back);
        Ok(())
    }

    fn order_shipped(&mut self, id: OrderId, received_by: Millis) -> Done {
        let at = self.at;
        let order = self.order(id)?;
        order.state = OrderStatus::Shipped;
        order.shipped_at = Some(at);
        order.received_by = Some(received_by);
        Ok(())
    }

    fn order_received(&mut self, id: OrderId, return_until: Millis) -> Done {
        let at = self.at;
        let order = self.order(id)?;
        order.state = OrderStatus::Received;
        order.received_at = Some(at);
        order.return_until = Some(return_until);
        Ok(())
    }

    fn order_kept(&mut self, id: OrderId) -> Done {
        let at = self.at;
        let order = self.order(id)?;
        order.state = OrderStatus::Kept;
        order.kept_at = Some(at);
        Ok(())
    }

    fn order_returning(&mut self, id: OrderId, back_by: Millis) -> Done {
        let order = self.order(id)?;
        order.state = OrderStatus::Returning;
        order.back_by = Some(back_by);
        Ok(())
    }

    fn order_returned(&mut self, event: &Event) -> Done {
        let Event::OrderReturned {
            order,
            payment,
            refund,
            amount,
            reversed,
            ..
        } = event
        else {
            return Ok(());
        };
        let at = self.at;
        let row = self.order(*order)?;
        row.state = OrderStatus::Returned;
        row.returned_at = Some(at);
        let campaign = row.campaign;
        self.refund_seat(*payment, *refund, *amount, RefundReason::Returned)?;
        self.rewards_reversed((payment.group, campaign), reversed);
        Ok(())
    }

    pub(super) fn draw_state(
        &mut self,
        group: GroupId,
        state: DrawStatus,
    ) -> Result<&mut Draw, ProjectError> {
        let draw = self.draw(group)?;
        draw.state = state;
        Ok(draw)
    }
}

fn unfit(seq: u64, what: impl Into<String>) -> ProjectError {
    ProjectError::DoesNotFit {
        seq,
        what: what.into(),
    }
}
