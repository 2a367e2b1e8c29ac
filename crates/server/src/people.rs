//! People as the server needs them: sign-up, sessions, faces. A thin layer over the directory, where all that is
//! personal stands; random bytes and hashes are made here.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use domain::{
    Actor, Answer, Command, Duration, GatewayId, MemberId, Millis, OperatorId, OrderId, Refusal,
    Request,
};
use engine::EngineHandle;
use views::{
    Decision, Directory, DirectoryError, NewPerson, OperatorRow, Person, RefusalNote, Served,
    Session, SessionOf, Shipping,
};

use crate::app::{engine_problem, store_problem};
use crate::causes::chain;
use crate::fresh::{Fresh, States};
use crate::gather::{AtOnce, Gather};
use crate::http::{Problem, Result};
use crate::served::ServedMembers;

/// How long a member's session lasts: thirty days, in seconds.
pub(crate) const SESSION_S: i64 = 30 * 86_400;
/// How long an operator's session lasts: twelve hours, in seconds.
pub(crate) const OPERATOR_SESSION_S: i64 = 12 * 3_600;
/// Runs the platform.
pub(crate) const OPERATOR_ROLE: &str = "operator";
/// Reads the books and moves the platform's money.
pub(crate) const FINANCE_ROLE: &str = "finance";
/// Acts for a merchant.
pub(crate) const MERCHANT_ROLE: &str = "merchant";
/// Stands at a merchant's store.
pub(crate) const CASHIER_ROLE: &str = "cashier";
/// Rows that are resubmitted at once at the start.
const RESUBMIT_ROWS: u32 = 1000;
/// Beginning of the phone numbers of a demonstration's external members.
const DEMO_PHONES: &str = "199";

/// Most sessions that are kept in memory.
const MOST_SESSIONS: usize = 100_000;
/// Most gateways' keys that are kept in memory.
const MOST_KEYS: usize = 1_000;

/// How many members the directory is asked about at once.
const AT_ONCE: AtOnce = AtOnce {
    keys: 1000,
    questions: 2,
};

/// People as the server needs them.
pub(crate) struct People {
    directory: Directory,
    /// Tells whether what was read of the directory still holds.
    states: Arc<States>,
    sessions: Fresh<[u8; 32], Session>,
    keys: Fresh<[u8; 32], GatewayId>,
    members: Arc<ServedMembers>,
    /// Questions about members that are not among these.
    unknown: Gather<MemberId, Option<Served>, Problem>,
    /// Whether this is a demonstration.
    demo: bool,
}

/// How a member is shown to others.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) masked: String,
    pub(crate) demo: bool,
}

impl People {
    /// People of a directory that is open, in this file.
    pub(crate) fn new(directory: Directory, file: &Path, demo: bool) -> People {
        let states = Arc::new(States::of(file));
        let members = Arc::new(ServedMembers::new());
        let asked = (directory.clone(), states.clone(), members.clone());
        let unknown = Gather::new(AT_ONCE, move |wanted: Vec<MemberId>| {
            let (directory, states, members) = asked.clone();
            Box::pin(async move { read_served(&directory, &states, &members, wanted).await })
        });
        People {
            directory,
            states,
            sessions: Fresh::new(MOST_SESSIONS),
            keys: Fresh::new(MOST_KEYS),
            members,
            unknown,
            demo,
        }
    }

    /// The directory itself, for what needs no more than it.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The member with this phone; makes him one if he is new. First the row, then the registration, then the row
    /// gets its number: a crash in between is mended at the next start or sign-in.
    pub(crate) async fn sign_up(
        &self,
        engine: &EngineHandle,
        phone: &str,
        inviter: Option<MemberId>,
        now: Millis,
    ) -> Result<MemberId> {
        let mut person = self.new_person(inviter)?;
        person.phone = Some(phone.to_owned());
        person.is_demo = self.demo && phone.starts_with(DEMO_PHONES);
        let row = loop {
            match self.directory.sign_up(&person, now).await {
                Ok((row, _)) => break row,
                Err(DirectoryError::InviteCodeTaken) => {
                    person.invite_code = self.new_person(inviter)?.invite_code
                }
                Err(error) => return Err(Problem::fault("a sign-up failed", &error)),
            }
        };
        if let Some(member) = row.member {
            return Ok(member);
        }
        let registered = self
            .register(engine, &[(row.token, row.inviter)], Actor::System)
            .await?;
        let member = registered.into_iter().next().ok_or_else(Problem::stopped)?;
        Ok(member?)
    }

    fn new_person(&self, inviter: Option<MemberId>) -> Result<NewPerson> {
        Ok(NewPerson {
            token: random()?,
            phone: None,
            inviter,
            invite_code: views::invite_code(random()?),
            is_demo: false,
            gateway: None,
            member_secret: random()?,
        })
    }

    /// Registers rows and tells them their numbers.
    async fn register(
        &self,
        engine: &EngineHandle,
        rows: &[([u8; 16], Option<MemberId>)],
        actor: Actor,
    ) -> Result<Vec<std::result::Result<MemberId, Refusal>>> {
        let request = |&(token, inviter): &([u8; 16], Option<MemberId>)| Request {
            actor,
            key: None,
            command: Command::RegisterMember { token, inviter },
        };
        let replies = engine
            .submit_many(rows.iter().map(request).collect())
            .await
            .map_err(engine_problem)?;
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut members = Vec::with_capacity(rows.len());
        for ((token, _), reply) in rows.iter().zip(replies) {
            outcomes.push(match reply.map(|reply| reply.answer) {
                Ok(Answer::Member(member)) => {
                    members.push((*token, member));
                    Ok(member)
                }
                Ok(
                    Answer::Done
                    | Answer::Campaign(_)
                    | Answer::Merchant(_)
                    | Answer::Store(_)
                    | Answer::Sku(_)
                    | Answer::Purchase(_)
                    | Answer::Counter(_)
                    | Answer::Table(_)
                    | Answer::Reserved { .. }
                    | Answer::Payment(_)
                    | Answer::Withdrawal(_),
                ) => {
                    return Err(Problem::fault(
                        "a registration answered with something else",
                        &"no member",
                    ));
                }
                Err(refusal) => Err(refusal),
            });
        }
        self.directory
            .set_members(&members)
            .await
            .map_err(|error| Problem::fault("a registration was not noted", &error))?;
        Ok(outcomes)
    }

    /// Registers members that a gateway serves.
    pub(crate) async fn register_served(
        &self,
        engine: &EngineHandle,
        gateway: GatewayId,
        wanted: &[([u8; 16], Option<MemberId>)],
        now: Millis,
    ) -> Result<Vec<std::result::Result<MemberId, Refusal>>> {
        let people = wanted.iter().map(|(token, inviter)| {
            Ok(NewPerson {
                token: *token,
                gateway: Some(gateway),
                ..self.new_person(*inviter)?
            })
        });
        let people = people.collect::<Result<Vec<NewPerson>>>()?;
        self.directory
            .add_gateway_members(&people, now)
            .await
            .map_err(|error| Problem::fault("a gateway's members were not noted", &error))?;
        self.register(engine, wanted, Actor::Gateway(gateway)).await
    }

    /// Submits rows again whose registration is not known to be durable.
    pub(crate) async fn resubmit(&self, engine: &EngineHandle) -> Result<()> {
        let mut refused = BTreeSet::new();
        loop {
            let rows = self
                .directory
                .people_without_member(RESUBMIT_ROWS)
                .await
                .map_err(store_problem)?;
            let rows: Vec<_> = rows.iter().map(|row| (row.token, row.inviter)).collect();
            if rows.iter().all(|(token, _)| refused.contains(token)) {
                return Ok(());
            }
            tracing::info!(rows = rows.len(), "registrations are submitted again");
            for ((token, _), outcome) in rows
                .iter()
                .zip(self.register(engine, &rows, Actor::System).await?)
            {
                if let Err(refusal) = outcome {
                    tracing::warn!(%refusal, "a registration is refused: {refusal}");
                    refused.insert(*token);
                }
            }
        }
    }

    /// Who this member is.
    pub(crate) async fn person(&self, member: MemberId) -> Result<Option<Person>> {
        self.directory
            .person_by_member(member)
            .await
            .map_err(store_problem)
    }

    /// Who these members are.
    pub(crate) async fn people(
        &self,
        members: impl IntoIterator<Item = MemberId>,
    ) -> Result<HashMap<MemberId, Person>> {
        let members: Vec<MemberId> = members
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let people = self
            .directory
            .people(&members)
            .await
            .map_err(store_problem)?;
        Ok(people.into_iter().collect())
    }

    /// How these members are shown to others; somebody whose row was deleted has no face.
    pub(crate) async fn faces(
        &self,
        members: impl IntoIterator<Item = MemberId>,
    ) -> Result<HashMap<MemberId, Shown>> {
        let people = self.people(members).await?;
        let shown = |person: Person| Shown {
            masked: person.pseudonym(),
            demo: person.is_demo,
        };
        Ok(people
            .into_iter()
            .map(|(member, person)| (member, shown(person)))
            .collect())
    }

    /// Whose invite code this is.
    pub(crate) async fn member_of_invite(&self, invite: &str) -> Result<Option<MemberId>> {
        let person = self
            .directory
            .person_by_invite_code(invite)
            .await
            .map_err(store_problem)?;
        Ok(person.and_then(|person| person.member))
    }

    /// What makes a member's tags; none if his row was deleted.
    pub(crate) async fn secret(&self, member: MemberId) -> Result<Option<[u8; 32]>> {
        let known = self.served([member]).await?;
        Ok(known.get(&member).map(|served| served.secret))
    }

    /// Who serves these members, with what makes their tags; those whose row was deleted are left out.
    pub(crate) async fn served(
        &self,
        members: impl IntoIterator<Item = MemberId>,
    ) -> Result<HashMap<MemberId, Served>> {
        let (mut known, unknown) = self
            .members
            .split(members, self.states.now(), Instant::now());
        if unknown.is_empty() {
            return Ok(known);
        }
        let rows = self.unknown.ask(unknown.clone()).await;
        let rows = rows.ok_or_else(Problem::busy)??;
        let found = unknown.into_iter().zip(rows);
        known.extend(found.filter_map(|(member, served)| Some((member, served?))));
        Ok(known)
    }

    /// The gateway with the key of this hash, if that is known without asking the directory.
    pub(crate) fn known_gateway(&self, key_hash: &[u8; 32]) -> Option<GatewayId> {
        self.keys.get(key_hash, self.states.now())
    }

    /// The gateway with the key of this hash.
    pub(crate) async fn gateway(&self, key_hash: &[u8; 32]) -> Result<Option<GatewayId>> {
        let state = self.states.now();
        let found = self.directory.gateway_by_key(key_hash).await;
        let gateway = found.map_err(store_problem)?.map(|row| row.id);
        if let Some(gateway) = gateway {
            self.keys.keep(*key_hash, state, gateway);
        }
        Ok(gateway)
    }

    /// Opens a session; the answer is the cookie's secret, of which only the hash is kept.
    pub(crate) async fn open_session(
        &self,
        of: SessionOf,
        lifetime_s: i64,
        now: Millis,
    ) -> Result<String> {
        let secret = draw::to_hex(&random::<32>()?);
        let session = Session {
            of,
            expires_at: now.after(Duration(lifetime_s.saturating_mul(1000))),
        };
        self.directory
            .put_session(&draw::hash(secret.as_bytes()).0, &session, now)
            .await
            .map_err(store_problem)?;
        Ok(secret)
    }

    /// Ends a session.
    pub(crate) async fn end_session(&self, secret: &str) -> Result<()> {
        self.directory
            .end_session(&draw::hash(secret.as_bytes()).0)
            .await
            .map_err(store_problem)
    }

    async fn session(&self, secret: &str, now: Millis) -> Result<Option<SessionOf>> {
        let hash = draw::hash(secret.as_bytes()).0;
        let state = self.states.now();
        let known = self.sessions.get(&hash, state);
        if let Some(session) = known.filter(|session| now < session.expires_at) {
            return Ok(Some(session.of));
        }
        let session = self.directory.session(&hash, now).await;
        let session = session.map_err(store_problem)?;
        if let Some(session) = session {
            self.sessions.keep(hash, state, session);
        }
        Ok(session.map(|session| session.of))
    }

    /// The member of a session.
    pub(crate) async fn member_of_session(
        &self,
        secret: &str,
        now: Millis,
    ) -> Result<Option<MemberId>> {
        Ok(match self.session(secret, now).await? {
            Some(SessionOf::Member(member)) => Some(member),
            Some(SessionOf::Operator(_)) | None => None,
        })
    }

    /// The operator of a session.
    pub(crate) async fn operator_of_session(
        &self,
        secret: &str,
        now: Millis,
    ) -> Result<Option<OperatorRow>> {
        let id: OperatorId = match self.session(secret, now).await? {
            Some(SessionOf::Operator(id)) => id,
            Some(SessionOf::Member(_)) | None => return Ok(None),
        };
        let row = self
            .directory
            .operator_by_id(id)
            .await
            .map_err(store_problem)?;
        Ok(row)
    }

    /// How these orders travel: carrier and number.
    pub(crate) async fn shipments(
        &self,
        orders: impl IntoIterator<Item = OrderId>,
    ) -> Result<HashMap<OrderId, (String, String)>> {
        let orders: Vec<OrderId> = orders.into_iter().collect();
        let found = self
            .directory
            .shippings(&orders)
            .await
            .map_err(store_problem)?;
        Ok(found
            .into_iter()
            .map(|(order, shipping)| (order, (shipping.carrier, shipping.number)))
            .collect())
    }

    /// Notes how an order travels.
    pub(crate) async fn note_shipment(
        &self,
        order: OrderId,
        member: MemberId,
        shipping: &Shipping,
    ) -> Result<()> {
        self.directory
            .put_shipping(order, member, shipping)
            .await
            .map_err(store_problem)
    }

    /// Notes why an operator decided something.
    pub(crate) async fn note_decision(
        &self,
        request: &[u8; 32],
        decision: &Decision,
    ) -> Result<()> {
        self.directory
            .note_decision(request, decision)
            .await
            .map_err(store_problem)
    }

    /// What operators have decided, newest first.
    pub(crate) async fn decisions(&self, page: views::Page) -> Result<views::List<Decision>> {
        self.directory.decisions(page).await.map_err(store_problem)
    }

    /// Writes refusals into the audit table.
    pub(crate) async fn note_refusals(&self, notes: &[RefusalNote], crowds: &[RefusalNote]) {
        if let Err(error) = self.directory.note_refusals(notes, crowds).await {
            let why = chain(&error);
            tracing::error!(why, "refusals were not noted: {why}");
        }
    }
}

/// Reads who serves these members, and keeps it.
async fn read_served(
    directory: &Directory,
    states: &States,
    members: &ServedMembers,
    wanted: Vec<MemberId>,
) -> Result<Vec<Option<Served>>> {
    let state = states.now();
    let each: Vec<MemberId> = wanted
        .iter()
        .copied()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let read = directory.served(&each).await.map_err(store_problem)?;
    let rows = read.iter().map(|(member, served)| (*member, *served));
    members.keep(rows, state, Instant::now());
    let found = wanted.iter().map(|member| read.get(member).copied());
    Ok(found.collect())
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Problem::fault("the machine has no random bytes", &error))?;
    Ok(bytes)
}
