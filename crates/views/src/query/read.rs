//! Rows of SQL as rows of Rust. A word or number that no version of ours writes is an error that names the column.

use domain::{
    Account, CampaignId, GroupId, MemberId, Millis, Money, OrderId, PaymentId, Rate, RefundId,
    Text, Txn,
};
use draw::Hash;
use sqlx::any::AnyRow;

use crate::code::{Code, account_kind, event_name};
use crate::db::{Columns, unreadable};
use crate::names::{RefundReason, SeatStatus, Word};
use crate::rows::{
    Back, CampaignRow, DrawRow, GroupRow, LedgerRow, MemberRefund, MoneyIn, OrderRow, RefundRow,
    SeatRow, WalletLine, Why,
};

type Result<T> = std::result::Result<T, sqlx::Error>;

pub(crate) fn word<T: Word>(row: &AnyRow, column: &str) -> Result<T> {
    let text = row.text(column)?;
    T::of(&text).ok_or_else(|| unreadable(column, format!("unknown word {text:?}")))
}

pub(crate) fn maybe_word<T: Word>(row: &AnyRow, column: &str) -> Result<Option<T>> {
    match row.maybe_text(column)? {
        Some(_) => word(row, column).map(Some),
        None => Ok(None),
    }
}

pub(crate) fn code<T: Code>(row: &AnyRow, column: &str) -> Result<T> {
    let number = row.int(column)?;
    T::of_code(number).ok_or_else(|| unknown(column, number))
}

/// A kind of account.
pub(crate) fn account(row: &AnyRow) -> Result<Account> {
    let number = row.int("account")?;
    account_kind(number).ok_or_else(|| unknown("account", number))
}

fn unknown(column: &str, number: i64) -> sqlx::Error {
    unreadable(column, format!("unknown number {number}"))
}

pub(crate) fn millis(row: &AnyRow, column: &str) -> Result<Millis> {
    row.int(column).map(Millis)
}

pub(crate) fn maybe_millis(row: &AnyRow, column: &str) -> Result<Option<Millis>> {
    Ok(row.maybe_int(column)?.map(Millis))
}

pub(crate) fn member(row: &AnyRow, column: &str) -> Result<MemberId> {
    row.u32(column).map(MemberId)
}

pub(crate) fn maybe_member(row: &AnyRow, column: &str) -> Result<Option<MemberId>> {
    Ok(row.maybe_u32(column)?.map(MemberId))
}

pub(crate) fn payment(row: &AnyRow) -> Result<PaymentId> {
    Ok(PaymentId {
        group: GroupId(row.u64("group_id")?),
        index: row.u32("idx")?,
    })
}

pub(crate) fn maybe_payment(row: &AnyRow) -> Result<Option<PaymentId>> {
    let (group, index) = (row.maybe_u64("group_id")?, row.maybe_u32("idx")?);
    Ok(group.zip(index).map(|(group, index)| PaymentId {
        group: GroupId(group),
        index,
    }))
}

pub(crate) fn txn_of(column: &str, text: &str) -> Result<Txn> {
    Txn::new(text).map_err(|error| unreadable(column, error))
}

pub(crate) fn maybe_txn(row: &AnyRow) -> Result<Option<Txn>> {
    let text = row.maybe_text("txn")?;
    text.map(|text| txn_of("txn", &text)).transpose()
}

pub(crate) fn terms(row: &AnyRow) -> Result<domain::Campaign> {
    minicbor::decode(&row.blob("terms")?).map_err(|error| unreadable("terms", error))
}

/// Columns of `campaign`, without its open groups.
pub(crate) fn campaign(row: &AnyRow) -> Result<CampaignRow> {
    Ok(CampaignRow {
        id: CampaignId(row.u32("id")?),
        terms: terms(row)?,
        hash: Hash(row.bytes("hash")?),
        published_at: millis(row, "published_at")?,
        open_groups: 0,
    })
}

/// What a card of a group needs; [`group`] reads it.
pub(crate) const GROUP: &str = "SELECT g.id AS g_id, g.campaign AS g_campaign, g.leader AS g_leader, \
    g.state AS g_state, g.opened_at, g.expires_at, g.paid, g.held, g.filled_at, g.ended_at, g.closing, \
    c.name_zh, c.name_en, c.price AS c_price, c.seats AS c_seats, c.winners AS c_winners";

pub(crate) fn group(row: &AnyRow) -> Result<GroupRow> {
    Ok(GroupRow {
        id: GroupId(row.u64("g_id")?),
        campaign: CampaignId(row.u32("g_campaign")?),
        name: Text {
            zh: row.text("name_zh")?,
            en: row.text("name_en")?,
        },
        price: Money(row.int("c_price")?),
        seats: row.u32("c_seats")?,
        winners: row.u32("c_winners")?,
        leader: member(row, "g_leader")?,
        state: word(row, "g_state")?,
        paid: row.u32("paid")?,
        held: row.u32("held")?,
        opened_at: millis(row, "opened_at")?,
        expires_at: millis(row, "expires_at")?,
        filled_at: maybe_millis(row, "filled_at")?,
        ended_at: maybe_millis(row, "ended_at")?,
        closing: maybe_word(row, "closing")?,
    })
}

/// Columns of [`SEATS`]; [`seat`] reads them.
pub(crate) const SEAT: &str = "s.group_id, s.idx, s.member, s.via, s.state, s.seat_no, s.reserved_at, \
    s.pay_by, s.paid_at, s.txn, s.tag, s.refund, s.refunded_for, s.order_id, \
    r.id AS back_id, r.reason AS back_reason, r.paid_at AS back_paid_at";

/// Seats `s`, each with the refund `r` that tells where its money is: of its price, or, where nothing holds it, of money that
/// came too late for it: the last that is on its way, else the last.
pub(crate) const SEATS: &str = "seat s LEFT JOIN refund r ON r.id = CASE WHEN s.state IN ('lapsed', 'registered', 'unused') OR (s.state = 'lost' AND s.txn IS NULL) THEN \
    (SELECT b.refund FROM bounced b JOIN refund d ON d.id = b.refund WHERE b.group_id = s.group_id AND b.idx = s.idx \
    ORDER BY d.paid_at IS NULL DESC, b.refund DESC LIMIT 1) ELSE s.refund END";

pub(crate) fn seat(row: &AnyRow) -> Result<SeatRow> {
    Ok(SeatRow {
        payment: payment(row)?,
        member: member(row, "member")?,
        via: maybe_member(row, "via")?,
        state: word(row, "state")?,
        seat_no: row.maybe_u32("seat_no")?,
        reserved_at: millis(row, "reserved_at")?,
        pay_by: millis(row, "pay_by")?,
        paid_at: maybe_millis(row, "paid_at")?,
        txn: maybe_txn(row)?,
        tag: row.maybe_bytes("tag")?,
        refund: row.maybe_u64("refund")?.map(RefundId),
        refunded_for: maybe_word(row, "refunded_for")?,
        order: row.maybe_u64("order_id")?.map(OrderId),
        back: back(row)?,
    })
}

fn back(row: &AnyRow) -> Result<Option<Back>> {
    let Some(refund) = row.maybe_u64("back_id")? else {
        return Ok(None);
    };
    Ok(Some(Back {
        refund: RefundId(refund),
        reason: word(row, "back_reason")?,
        paid_at: maybe_millis(row, "back_paid_at")?,
    }))
}

pub(crate) fn draw(row: &AnyRow) -> Result<DrawRow> {
    let hash = |column: &str| Ok::<_, sqlx::Error>(row.maybe_bytes(column)?.map(Hash));
    Ok(DrawRow {
        group: GroupId(row.u64("group_id")?),
        state: word(row, "state")?,
        open: Hash(row.bytes("open_hash")?),
        seats: hash("seats_hash")?,
        freeze: hash("freeze_hash")?,
        result: hash("result_hash")?,
        void: hash("void_hash")?,
        frozen_at: row.maybe_u64("frozen_at")?,
        round: row.maybe_u64("round")?,
        round_time: row.maybe_u64("round_time")?,
        signature: row.maybe_bytes("signature")?,
        seed: hash("seed")?,
        winners: row
            .maybe_text("winners")?
            .map(|text| winners(&text))
            .transpose()?,
        late_at: maybe_millis(row, "late_at")?,
    })
}

/// What the seats of member `m` in unfinished groups cost: the last line of his wallet's part; [`in_groups`] reads it.
pub(crate) const IN_GROUPS: &str = "(SELECT w.balance FROM wallet_line w WHERE w.member = m.id AND w.account = 2 \
    ORDER BY w.seq DESC, w.line_no DESC LIMIT 1) AS in_groups";

pub(crate) fn in_groups(row: &AnyRow) -> Result<i64> {
    Ok(row.maybe_int("in_groups")?.unwrap_or(0))
}

fn winners(text: &str) -> Result<Vec<u32>> {
    let numbers = text.split(' ').filter(|number| !number.is_empty());
    numbers
        .map(|number| number.parse().map_err(|error| unreadable("winners", error)))
        .collect()
}

pub(crate) fn wallet_line(row: &AnyRow) -> Result<WalletLine> {
    Ok(WalletLine {
        seq: row.u64("seq")?,
        line_no: row.u32("line_no")?,
        at: millis(row, "at")?,
        account: code(row, "account")?,
        amount: row.int("amount")?,
        balance: row.int("balance")?,
        why: Why {
            kind: code(row, "kind")?,
            program: maybe_word(row, "program")?,
            group: row.maybe_u64("group_id")?.map(GroupId),
            campaign: row.maybe_u32("campaign")?.map(CampaignId),
            source_seat: row.maybe_u32("source_seat")?,
            generation: row.maybe_u32("generation")?,
            base: row.maybe_int("base")?.map(Money),
            rate: row.maybe_u32("rate")?.map(Rate),
            rule: row.maybe_u32("rule")?,
            payment: maybe_payment(row)?,
            refund: row.maybe_u64("refund")?.map(RefundId),
            dividend: None,
        },
    })
}

pub(crate) fn order(row: &AnyRow) -> Result<OrderRow> {
    let terms = terms(row)?;
    let won = word::<SeatStatus>(row, "seat_state")? == SeatStatus::Won;
    Ok(OrderRow {
        id: OrderId(row.u64("id")?),
        payment: payment(row)?,
        seat_no: row.u32("seat_no")?,
        member: member(row, "member")?,
        campaign: CampaignId(row.u32("campaign")?),
        fulfilment: terms.product.fulfilment,
        product: terms.product.title,
        prize: terms.prize.filter(|_| won).map(|prize| prize.title),
        price: Money(row.int("price")?),
        state: word(row, "state")?,
        at: millis(row, "at")?,
        shipped_at: maybe_millis(row, "shipped_at")?,
        received_by: maybe_millis(row, "received_by")?,
        received_at: maybe_millis(row, "received_at")?,
        return_until: maybe_millis(row, "return_until")?,
        kept_at: maybe_millis(row, "kept_at")?,
        back_by: maybe_millis(row, "back_by")?,
        returned_at: maybe_millis(row, "returned_at")?,
    })
}

pub(crate) fn refund(row: &AnyRow) -> Result<RefundRow> {
    Ok(RefundRow {
        id: RefundId(row.u64("id")?),
        txn: txn_of("txn", &row.text("txn")?)?,
        amount: Money(row.int("amount")?),
        payment: maybe_payment(row)?,
        member: maybe_member(row, "member")?,
        reason: word(row, "reason")?,
        created_at: millis(row, "created_at")?,
        paid_at: maybe_millis(row, "paid_at")?,
        fee_back: row.maybe_int("fee_back")?.map(Money),
    })
}

/// A refund with the group that it names, if there is such a group.
pub(crate) fn member_refund(row: &AnyRow) -> Result<MemberRefund> {
    let name = match (row.maybe_text("name_zh")?, row.maybe_text("name_en")?) {
        (Some(zh), Some(en)) => Some(Text { zh, en }),
        (None, _) | (_, None) => None,
    };
    Ok(MemberRefund {
        refund: refund(row)?,
        group: row.maybe_u64("known_group")?.map(GroupId),
        name,
    })
}

/// Columns of `bounced`, and the number of its refund, which is read apart.
pub(crate) fn bounced(row: &AnyRow) -> Result<(MoneyIn, Option<RefundId>)> {
    let bounced = match word::<RefundReason>(row, "reason")? {
        RefundReason::Bounced(reason) => Some(reason),
        RefundReason::Left
        | RefundReason::Closed(_)
        | RefundReason::Lost
        | RefundReason::Returned
        | RefundReason::BillReversed => None,
    };
    let money = MoneyIn {
        txn: txn_of("txn", &row.text("txn")?)?,
        seq: row.u64("seq")?,
        at: millis(row, "at")?,
        group: row.maybe_u64("group_id")?.map(GroupId),
        payment: maybe_payment(row)?,
        member: maybe_member(row, "member")?,
        amount: Money(row.int("amount")?),
        fee: Money(row.int("fee")?),
        bounced,
        refund: None,
    };
    Ok((money, row.maybe_u64("refund")?.map(RefundId)))
}

/// The money that holds or held a seat, from columns of `seat`, and the number of its refund, which is read apart.
pub(crate) fn accepted(row: &AnyRow) -> Result<(MoneyIn, Option<RefundId>)> {
    let payment = payment(row)?;
    let money = MoneyIn {
        txn: txn_of("txn", &row.text("txn")?)?,
        seq: row.u64("paid_seq")?,
        at: millis(row, "paid_at")?,
        group: Some(payment.group),
        payment: Some(payment),
        member: Some(member(row, "member")?),
        amount: Money(row.int("amount")?),
        fee: Money(row.int("fee")?),
        bounced: None,
        refund: None,
    };
    Ok((money, row.maybe_u64("refund")?.map(RefundId)))
}

pub(crate) fn ledger_line(row: &AnyRow) -> Result<LedgerRow> {
    let account = account(row)?;
    let event = row.int("event")?;
    let event = event_name(event).ok_or_else(|| unknown("event", event))?;
    Ok(LedgerRow {
        seq: row.u64("seq")?,
        line_no: row.u32("line_no")?,
        at: millis(row, "at")?,
        account: account.name().to_owned(),
        holder: u64::try_from(row.int("holder")?).ok(),
        asset: account.asset(),
        amount: row.int("amount")?,
        event: event.to_owned(),
    })
}
