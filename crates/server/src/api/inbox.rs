//! The member's inbox (rules 9.8).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{Month, NoticeKind};
use views::{NoticeKinds, ReadUpTo, notice_kind};

use crate::app::{Shared, Viewed, store_problem};
use crate::auth::AsMember;
use crate::http::{Page, Params, Problem, Result, Write, decimal};
use crate::notices::{Told, expiring, names};
use crate::wire::{
    ConnectorAllowed, ConnectorChoice, Inbox, InboxNotice, InboxRead, Nothing, NoticeBody,
    NoticeChoices,
};

/// What the member was told, newest first.
#[utoipa::path(get, path = "/me/notices", tag = "me", params(Page), responses((status = 200, description = "Notices", body = Inbox)))]
pub(crate) async fn inbox(
    State(app): Shared,
    member: AsMember,
    Params(query): Params<Page>,
) -> Result<Viewed<Inbox>> {
    app.reach(query.at_least).await?;
    let (id, now) = (member.0, app.config.clock.now());
    let read = app.people.directory().inbox_read(id).await;
    let read = read.map_err(store_problem)?;
    let unread = app.views.notices_after(id, read.seq).await;
    let unread = unread.map_err(store_problem)?.value;
    let found = app.views.notices(id, query.of()?).await;
    let found = found.map_err(store_problem)?;
    let expiring = app.query(move |world| expiring(world, id, now)).await?;
    let is_new = expiring.is_some() && read.month < now.month().0;
    let expiring = expiring.filter(|_| query.cursor.is_none());
    let events = found.value.items.into_iter().map(Told::Event);
    let items = expiring.into_iter().chain(events);
    Ok(Viewed(
        found.seq,
        Inbox {
            items: items.map(|told| shown(&told, read)).collect(),
            next: found.value.next.map(|next| next.to_string()),
            unread: unread
                .saturating_add(u32::from(is_new))
                .min(views::MOST_UNREAD),
            seen: seen(ReadUpTo {
                seq: found.seq,
                month: now.month().0,
            }),
        },
    ))
}

/// Notes that the member has read all that there was when a page was made.
#[utoipa::path(post, path = "/me/notices/read", tag = "me", request_body = InboxRead, responses((status = 200, description = "Noted", body = Nothing)))]
pub(crate) async fn read(
    State(app): Shared,
    member: AsMember,
    write: Write<InboxRead>,
) -> Result<Json<Nothing>> {
    let up_to = up_to(&write.body.seen).ok_or_else(|| {
        Problem::unprocessable("body_invalid", "seen is what a page of the inbox said")
            .with("field", "seen")
    })?;
    let head = *app.engine.committed().borrow();
    let now = app.config.clock.now();
    // Nobody has read what there is not yet.
    let up_to = ReadUpTo {
        seq: up_to.seq.min(head),
        month: up_to.month.min(now.month().0),
    };
    let directory = app.people.directory();
    let noted = directory.mark_inbox_read(member.0, up_to).await;
    noted.map_err(store_problem)?;
    Ok(Json(Nothing {}))
}

fn seen(up_to: ReadUpTo) -> String {
    format!("{}.{}", up_to.seq, up_to.month)
}

fn up_to(text: &str) -> Option<ReadUpTo> {
    let (seq, month) = text.split_once('.')?;
    Some(ReadUpTo {
        seq: decimal(seq)?,
        month: decimal(month)?,
    })
}

fn shown(told: &Told, read: ReadUpTo) -> InboxNotice {
    let unread = match told {
        Told::Event(row) => read.seq < row.seq,
        Told::Expiring { month, .. } => Month(read.month) < *month,
    };
    InboxNotice {
        notice: NoticeBody::of(told),
        unread,
    }
}

/// By what the member's notices go out beside his inbox.
#[utoipa::path(get, path = "/me/notices/connectors", tag = "me", responses((status = 200, description = "Connectors", body = NoticeChoices)))]
pub(crate) async fn choices(State(app): Shared, member: AsMember) -> Result<Json<NoticeChoices>> {
    let directory = app.people.directory();
    let allowed = directory.allowed_connectors(member.0).await;
    let allowed = allowed.map_err(store_problem)?;
    let connectors = names(&app.config.connectors).into_iter();
    Ok(Json(NoticeChoices {
        connectors: connectors
            .map(|connector| ConnectorChoice {
                connector,
                kinds: allowed.get(connector).map_or_else(Vec::new, |kinds| {
                    kinds.iter().map(NoticeKind::name).collect()
                }),
            })
            .collect(),
        kinds: NoticeKind::ALL.map(NoticeKind::name).to_vec(),
    }))
}

/// Sets which kinds of notices go out by a connector. It holds for what is told from then on.
#[utoipa::path(post, path = "/me/notices/connectors", tag = "me", request_body = ConnectorAllowed, responses((status = 200, description = "Noted", body = Nothing)))]
pub(crate) async fn allow(
    State(app): Shared,
    member: AsMember,
    write: Write<ConnectorAllowed>,
) -> Result<Json<Nothing>> {
    let ConnectorAllowed { connector, kinds } = write.body;
    let known = names(&app.config.connectors);
    if !known.contains(&connector.as_str()) {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "connector_unknown",
            "notices do not go out by this connector here",
        ));
    }
    let kinds: Option<NoticeKinds> = kinds.iter().map(|kind| notice_kind(kind)).collect();
    let kinds = kinds.ok_or_else(|| {
        Problem::unprocessable("body_invalid", "kinds are those that the list names")
            .with("field", "kinds")
    })?;
    let directory = app.people.directory();
    let noted = directory.allow_connector(member.0, &connector, kinds).await;
    noted.map_err(store_problem)?;
    Ok(Json(Nothing {}))
}
