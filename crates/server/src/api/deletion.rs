//! A member deletes his account (rules 9.9): what identifies him goes, what the journal knows of his number stays.
//!
//! Why a fresh code, and why the money is named: nobody can undo it, so neither a phone left on a table nor a slip of the finger may
//! be enough. What he leaves behind stays owed to his number, and nobody can sign in to it.
//!
//! Why first the journal and then the row: what he asks for in the same moment is refused from there on, and a row that a crash has
//! left is deleted by whoever sweeps the directory.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use domain::{
    Coins, Command, DeletionRefusal, Fulfilment, LOOSENED_AFTER, LimitsView, MemberId,
    MemberLimits, Millis, Money, PurchaseId, PurchaseState, Refusal,
};
use views::{CodeCheck, Departed, OrderStatus, Page, PurchaseFilter, PurchaseStatus, StoreError};

use crate::app::{App, Shared, store_problem};
use crate::auth::{AsMember, Cookie, MEMBER_COOKIE, code_hash};
use crate::http::{Problem, Result, Write};
use crate::people::random;
use crate::wire::{DeletionWanted, rfc3339};

/// How many deleted accounts are looked at by one question to the writer.
const SWEPT_AT_ONCE: usize = 1000;

/// Deletes the member's account: name, phone, addresses, accounts, and what else tells who he is. His seats go on, and what he is
/// due stays under his number, where nobody can have it any more.
#[utoipa::path(post, path = "/me/delete", tag = "me", request_body = DeletionWanted, responses((status = 204, description = "Deleted; he is signed out everywhere")))]
pub(crate) async fn delete(
    State(app): Shared,
    asks: AsMember,
    write: Write<DeletionWanted>,
) -> Result<impl IntoResponse> {
    let DeletionWanted { code, leave } = write.body;
    let named = leave.is_some();
    let leave = Money(leave.map_or(0, |leave| leave.0));
    let (member, now) = (asks.0, app.config.clock.now());
    // A code is good for one try, so whoever may not is told before.
    let against = app.query(move |world| world.why_not_delete(member, leave, now));
    let (against, ends) = (against.await?, what_ends(&app, member).await?);
    let unnamed = || !named && (Coins::ZERO < ends.coins || 0 < ends.to_fetch);
    let not_empty = DeletionRefusal::NotEmpty { left: leave };
    match against {
        Some(Refusal::Deletion(empty @ DeletionRefusal::NotEmpty { .. })) => {
            return Err(ends.told_with(empty));
        }
        Some(refusal) => return Err(refusal.into()),
        None if unnamed() => return Err(ends.told_with(not_empty)),
        None => {}
    }
    let person = app.people.person(member).await?;
    let phone = person.and_then(|person| person.phone).unwrap_or_default();
    let given = code_hash(&phone, &code);
    let check = app.people.directory().check_code(&phone, &given, now).await;
    if check.map_err(store_problem)? != CodeCheck::Right {
        let detail = "the code is wrong, used up or too old; ask for a new one";
        return Err(Problem::new(StatusCode::FORBIDDEN, "code_wrong", detail));
    }
    let command = Command::DeleteAccount { member, leave };
    // Should anything break off from here on, a sweep finds him.
    app.leaving.add(member);
    app.submit(asks.actor(), write.key, command).await?;
    forget(&app, member).await.map_err(store_problem)?;
    let cookie = Cookie {
        name: MEMBER_COOKIE,
        secret: None,
        lifetime_s: 0,
    };
    let cookie = cookie.header(&app.config.base_url);
    Ok((
        StatusCode::NO_CONTENT,
        AppendHeaders([(header::SET_COOKIE, cookie)]),
    ))
}

/// What is no money and ends with the account.
struct Ends {
    /// All his coins, bought ones and those that vest included.
    coins: Coins,
    /// Orders and purchases that wait at a store, vouchers included, among the newest hundred of each.
    to_fetch: usize,
}

impl Ends {
    fn told_with(&self, refusal: DeletionRefusal) -> Problem {
        Problem::from(Refusal::from(refusal))
            .with("coins", Money(self.coins.0).to_decimal())
            .with("to_fetch", self.to_fetch)
    }
}

async fn what_ends(app: &App, member: MemberId) -> Result<Ends> {
    let question = move |world: &domain::World| {
        let known = world.member(member);
        let given = known.map_or(0, |known| {
            known.coins.0.saturating_add(known.vesting_coins.0)
        });
        Coins(given.saturating_add(world.bought_coins(member).0))
    };
    Ok(Ends {
        coins: app.query(question).await?,
        to_fetch: to_fetch(app, member).await?,
    })
}

/// How much he has paid for that waits at a store.
async fn to_fetch(app: &App, member: MemberId) -> Result<usize> {
    let page = || Page::new(None, 100);
    let orders = app.views.member_orders(member, page()).await;
    let orders = orders.map_err(store_problem)?.value.items;
    let waits = |fulfilment| matches!(fulfilment, Fulfilment::PickUp | Fulfilment::Voucher);
    let orders = orders
        .iter()
        .filter(|row| row.state == OrderStatus::Paid && waits(row.fulfilment));
    let filter = PurchaseFilter {
        member: Some(member),
        state: Some(PurchaseStatus::Paid),
    };
    let bought = app.views.purchases(filter, page()).await;
    let bought = bought.map_err(store_problem)?.value.items;
    let bought: Vec<PurchaseId> = bought.iter().map(|row| row.id).collect();
    let question = move |world: &domain::World| {
        let waiting = bought.iter().filter(|id| {
            let known = world.purchase(**id);
            known.is_some_and(|known| matches!(known.state, PurchaseState::Waiting { .. }))
        });
        waiting.count()
    };
    Ok(orders.count() + app.query(question).await?)
}

/// Deletes the row of somebody whose account was deleted. Of a phone whose member something kept from playing so much is kept that
/// it cannot sign up again sooner than he could have played.
async fn forget(app: &App, member: MemberId) -> std::result::Result<(), StoreError> {
    let directory = app.people.directory();
    let now = app.config.clock.now();
    let limits = app.query(move |world| world.limits(member, now)).await;
    // Who is a merchant by the journal keeps what made him one, also if the directory did not hear of it yet.
    let _one = app.approving.lock().await;
    let caught_up = super::merchants::catch_up_with(app, member).await;
    // The platform is ending, or the machine has no random bytes: the next sweep does it.
    let (Ok(limits), Ok(()), Ok(salt)) = (limits, caught_up, random::<16>()) else {
        return Ok(());
    };
    let person = directory.person_by_member(member).await?;
    let phone = person.and_then(|person| person.phone);
    let departed = phone.zip(waits_until(&limits, now));
    let departed = departed.map(|(phone, until)| Departed {
        salt,
        phone_hash: salted(&salt, &phone),
        until,
    });
    directory.delete_person(member, departed.as_ref()).await?;
    Ok(())
}

/// Until when whoever had these limits may not begin anew: as long as he has excluded himself or pauses, and where any limit held,
/// as long as loosening it would have taken.
fn waits_until(limits: &LimitsView, now: Millis) -> Option<Millis> {
    let limited = limits.holds.and(limits.installation) != MemberLimits::default();
    let a_day = limited.then(|| now.after(LOOSENED_AFTER));
    let all = [limits.excluded_until, limits.paused_until, a_day];
    all.into_iter().flatten().max()
}

fn salted(salt: &[u8; 16], phone: &str) -> [u8; 32] {
    draw::hash(&[salt.as_slice(), phone.as_bytes()].concat()).0
}

/// Refuses a phone whose member has deleted his account while something kept him from playing. What that was is not told: the phone
/// may be somebody else's by now.
pub(crate) async fn may_sign_up(app: &App, phone: &str, now: Millis) -> Result<()> {
    let directory = app.people.directory();
    let known = directory.person_by_phone(phone).await;
    if known.map_err(store_problem)?.is_some() {
        return Ok(());
    }
    let departed = directory.departed(now).await.map_err(store_problem)?;
    let same = |one: &&Departed| one.phone_hash == salted(&one.salt, phone);
    match departed.iter().find(same) {
        Some(one) => {
            let detail = "an account of this phone was deleted while an exclusion, a pause or a limit held; it can sign up again later";
            let problem = Problem::new(StatusCode::FORBIDDEN, "sign_up_waits", detail);
            Err(problem.with("until", rfc3339(one.until)))
        }
        None => Ok(()),
    }
}

/// Members whose rows are to be deleted, if the journal says that they have gone.
#[derive(Default)]
pub(crate) struct Leaving(Mutex<BTreeSet<MemberId>>);

impl Leaving {
    fn add(&self, member: MemberId) {
        self.lock().insert(member);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<MemberId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Deletes the rows that were left of accounts that were deleted since the server began.
pub(crate) async fn sweep(app: &App) -> std::result::Result<(), StoreError> {
    let leaving: Vec<MemberId> = app.leaving.lock().iter().copied().collect();
    for member in leaving {
        match app.query(move |world| world.is_deleted(member)).await {
            Ok(true) => forget(app, member).await?,
            // He was refused, and asks again if he wants to.
            Ok(false) => {}
            Err(_) => return Ok(()),
        }
        app.leaving.lock().remove(&member);
    }
    app.people
        .directory()
        .sweep_departed(app.config.clock.now())
        .await
}

/// Deletes the rows that a crash, or a request of the same moment, has left of any deleted account. It looks at all of them, so at
/// the start and once a day is enough.
pub(crate) async fn sweep_all(app: &App) -> std::result::Result<(), StoreError> {
    let directory = app.people.directory();
    let mut first = MemberId(0);
    loop {
        let some = app.query(move |world| {
            let deleted = world.deleted_members(first).take(SWEPT_AT_ONCE);
            deleted.collect::<Vec<_>>()
        });
        let some = some.await.unwrap_or_default();
        for &member in directory.people(&some).await?.keys() {
            forget(app, member).await?;
        }
        let Some(last) = some.last() else { break };
        first = MemberId(last.0.saturating_add(1));
    }
    directory.sweep_of_nobody().await
}
