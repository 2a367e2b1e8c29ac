//! Rows of the views as the API shows them. No rules here: names, masks and formats only.

use std::collections::HashMap;

use domain::MemberId;
use views::{
    DrawRow, DrawStatus, GroupRow, MemberRefund, OrderRow, PaymentRow, SeatRow, SeatStatus,
    WalletAccount,
};

use crate::people::Shown;
use crate::wire::{
    Amount, DrawState, GroupCard, OrderCard, PROOF_LEVEL, RefundDue, SeatCard, WalletLine, Why,
    at_seconds, source_name,
};

/// How members are shown to others.
pub(crate) type Faces = HashMap<MemberId, Shown>;

/// A group in a list.
pub(crate) fn group_card(row: &GroupRow, faces: &Faces) -> GroupCard {
    GroupCard {
        id: row.id.to_string(),
        campaign: row.campaign.to_string(),
        name: (&row.name).into(),
        state: row.state.name().to_owned(),
        price: row.price.into(),
        seats: row.seats,
        paid: row.paid,
        reserved: unpaid(row),
        winners: row.winners,
        leader_masked: masked(faces, row.leader),
        opened_at: row.opened_at.into(),
        expires_at: row.expires_at.into(),
        filled_at: row.filled_at.map(Into::into),
        settled_at: row.ended_at.map(Into::into),
    }
}

/// Places that are reserved and not paid yet; the views count paid ones among those held.
pub(crate) fn unpaid(row: &GroupRow) -> u32 {
    row.held.saturating_sub(row.paid)
}

/// A member as others see him.
pub(crate) fn masked(faces: &Faces, member: MemberId) -> String {
    faces
        .get(&member)
        .map_or_else(|| "****".to_owned(), |shown| shown.masked.clone())
}

/// Whether a member keeps a demonstration alive.
pub(crate) fn is_demo(faces: &Faces, member: MemberId) -> bool {
    faces.get(&member).is_some_and(|shown| shown.demo)
}

/// A seat, as shown to its member.
pub(crate) fn seat_card(row: &SeatRow) -> SeatCard {
    SeatCard {
        payment: row.payment.to_string(),
        state: row.told(),
        payment_state: row.payment_status().name(),
        seat_no: row.seat_no,
        pay_by: row.pay_by.into(),
        paid_at: row.paid_at.map(Into::into),
    }
}

/// What a seat came to: none while it is open.
pub(crate) fn outcome(row: &SeatRow) -> Option<&'static str> {
    match row.state {
        SeatStatus::Won
        | SeatStatus::Bought
        | SeatStatus::Lost
        | SeatStatus::Refunded
        | SeatStatus::Unused => Some(row.told()),
        SeatStatus::Reserved
        | SeatStatus::Paid
        | SeatStatus::Lapsed
        | SeatStatus::Registered
        | SeatStatus::MayBuy => None,
    }
}

/// Money on its way back.
pub(crate) fn refund_due(row: &MemberRefund) -> RefundDue {
    RefundDue {
        id: row.refund.id.to_string(),
        amount: row.refund.amount.into(),
        reason: row.refund.reason.name().to_owned(),
        since: row.refund.created_at.into(),
        group: row.group.map(|group| group.to_string()),
        name: row.name.as_ref().map(Into::into),
        payment: row.refund.payment.map(|payment| payment.to_string()),
    }
}

/// One line of a wallet's history.
pub(crate) fn wallet_line(line: views::WalletLine) -> WalletLine {
    let why = line.why;
    WalletLine {
        id: format!("{}.{}", line.seq, line.line_no),
        at: line.at.into(),
        account: line.account.name(),
        amount: Amount(line.amount),
        balance: Amount(line.balance),
        why: Why {
            kind: why.kind.name().to_owned(),
            group: why.group.map(|group| group.to_string()),
            campaign: why.campaign.map(|campaign| campaign.to_string()),
            program: why.program.map(|program| program.name().to_owned()),
            source_seat: why.source_seat,
            generation: why.generation,
            base: why.base.map(Into::into),
            rate: why.rate.map(domain::percent),
            rule: why.rule,
            payment: why.payment.map(|payment| payment.to_string()),
            refund: why.refund.map(|refund| refund.to_string()),
            dividend: why.dividend.as_deref().map(crate::api::dividends::line),
        },
    }
}

/// The account of a wallet's history that a query names.
pub(crate) fn wallet_account(name: &str) -> Option<WalletAccount> {
    WalletAccount::from_name(name)
}

/// What a winner gets.
pub(crate) fn order_card(row: &OrderRow, shipment: Option<(String, String)>) -> OrderCard {
    let (carrier, tracking) = shipment.unzip();
    OrderCard {
        id: row.id.to_string(),
        group: row.payment.group.to_string(),
        campaign: row.campaign.to_string(),
        product: (&row.product).into(),
        prize: row.prize.as_ref().map(Into::into),
        price: row.price.into(),
        fulfilment: row.fulfilment.name(),
        state: row.state.name().to_owned(),
        at: row.at.into(),
        received_by: row.received_by.map(Into::into),
        kept_at: row.kept_at.or(row.return_until).map(Into::into),
        back_by: row.back_by.map(Into::into),
        returned_at: row.returned_at.map(Into::into),
        carrier,
        tracking,
    }
}

/// Why money of a payment went back: the seat's price, or else the last of it that could hold no place.
pub(crate) fn money_back_for(row: &PaymentRow) -> Option<String> {
    let bounced = || {
        row.money
            .iter()
            .rev()
            .find_map(|money| money.bounced)
            .map(views::bounce_name)
    };
    let reason = row.reason.map(views::RefundReason::name).or_else(bounced);
    reason.map(str::to_owned)
}

/// Where a draw stands.
pub(crate) fn draw_state(
    row: &DrawRow,
    source: &domain::BeaconSource,
    now: domain::Millis,
) -> DrawState {
    let late_s = row
        .round_time
        .and_then(|due| now.unix_seconds().checked_sub(due));
    DrawState {
        state: draw_status(row),
        round: row.round,
        round_time: row.round_time.map(at_seconds),
        source: source_name(source),
        level: PROOF_LEVEL,
        late_minutes: match row.state {
            DrawStatus::Waiting => late_s
                .map(|late_s| late_s / 60)
                .filter(|minutes| 0 < *minutes),
            DrawStatus::None | DrawStatus::Open | DrawStatus::Drawn | DrawStatus::Void => None,
        },
    }
}

/// A group in which everyone buys, or that ended before it was full, has no draw; `void` is a draw whose value never came.
pub(crate) fn draw_status(row: &DrawRow) -> &'static str {
    match row.state {
        DrawStatus::Void if row.freeze.is_none() => "none",
        state @ (DrawStatus::None
        | DrawStatus::Open
        | DrawStatus::Waiting
        | DrawStatus::Drawn
        | DrawStatus::Void) => state.name(),
    }
}
