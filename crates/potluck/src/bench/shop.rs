//! The shop that is measured: an engine as `potluck serve` starts it, one campaign, members, and their payments.
//!
//! Everything follows from one seed, so two runs ask for the same seats in the same order.

use domain::{
    Actor, Answer, BeaconSource, Campaign, CampaignId, ChannelTerms, Command, DrawTerms, Duration,
    Fulfilment, GroupId, GroupTerms, Kind, LeaderRule, MemberId, Money, PaymentAnswer, PaymentId,
    Product, Profile, Rate, Refusal, Request, Text, Txn, rewards::Reward,
};
use draw::{BeaconFile, Ident, LocalBeacon};
use engine::{
    Engine, EngineConfig, EngineHandle, EngineThreads, MAX_COMMANDS_PER_REQUEST, Reply, SubmitError,
};
use journal::Journal;

use server::chain;

/// What every seat pays, in fen.
pub(crate) const PRICE: Money = Money(10_000);
/// Time of the beacon's round 1, unix seconds.
const BEACON_GENESIS_S: u64 = 1_700_000_000;
/// Seconds between the beacon's rounds.
const BEACON_PERIOD_S: u64 = 3;
/// What all members, groups and secrets follow from.
const SEED: u64 = 20_260_101;
/// The campaign of every shop that is measured.
const CAMPAIGN: CampaignId = CampaignId(0);

/// Numbers that a seed decides: splitmix64.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// A sequence of its own for each number.
    pub(crate) fn new(sequence: u64) -> Rng {
        Rng(SEED ^ sequence.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0. The bias of the product does not matter here.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(limit);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.next().to_le_bytes()[..part.len()]);
        }
        bytes
    }
}

/// Names of payments as long as those of a real provider (28 digits), each once.
#[derive(Clone, Debug)]
pub(crate) struct PaymentNames {
    prefix: u8,
    next: u64,
}

impl PaymentNames {
    /// Names that begin with a digit of their own, so that several sources do not meet.
    pub(crate) fn new(prefix: u8) -> PaymentNames {
        PaymentNames {
            prefix: b'0' + prefix % 10,
            next: 0,
        }
    }

    pub(crate) fn next(&mut self) -> Txn {
        let mut name = *b"4200000000000000000000000000";
        name[3] = self.prefix;
        let mut rest = self.next;
        self.next += 1;
        for digit in name[8..].iter_mut().rev() {
            if rest == 0 {
                break;
            }
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        std::str::from_utf8(&name)
            .ok()
            .and_then(|name| Txn::new(name).ok())
            .expect("28 digits are a payment's name")
    }
}

/// A group that can be joined, as far as whoever asks for its seats knows.
#[derive(Clone, Debug)]
pub(crate) struct OpenGroup {
    pub(crate) id: GroupId,
    /// What the draw calls it.
    pub(crate) ident: Ident,
    /// Seats that nobody has asked for yet.
    pub(crate) left: u32,
}

/// What is sold, and who may ask for it: enough to make requests without asking the engine.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) members: u32,
    pub(crate) seats: u32,
    /// What groups are named after in the draw.
    pub(crate) published: draw::Hash,
}

impl Offer {
    pub(crate) fn member(&self, rng: &mut Rng) -> MemberId {
        MemberId(u32::try_from(rng.below(u64::from(self.members))).unwrap_or(0))
    }

    /// A group just opened; its leader holds a seat.
    pub(crate) fn group(&self, id: GroupId, left: u32) -> Result<OpenGroup, String> {
        let ident = domain::group_ident(id, &self.published).map_err(|error| error.to_string())?;
        Ok(OpenGroup { id, ident, left })
    }

    /// Who takes a seat of a group that is to fill, and whose link he used: the members after the leader, every
    /// other one through the leader, the rest through the one before them.
    pub(crate) fn neighbour(&self, leader: MemberId, number: u32) -> (MemberId, MemberId) {
        let after = |steps: u32| {
            let at = (u64::from(leader.0) + u64::from(steps)) % u64::from(self.members.max(1));
            MemberId(u32::try_from(at).unwrap_or(0))
        };
        let steps = if number.is_multiple_of(2) {
            0
        } else {
            number - 1
        };
        (after(number), after(steps))
    }

    pub(crate) fn open(&self, member: MemberId) -> Request {
        system(Command::OpenGroup {
            campaign: CAMPAIGN,
            member,
            via: None,
        })
    }

    /// The whole join of somebody who has paid already.
    pub(crate) fn join_paid(
        &self,
        group: &OpenGroup,
        member: MemberId,
        via: Option<MemberId>,
        txn: Txn,
    ) -> Request {
        system(Command::JoinPaid {
            group: group.id,
            member,
            via,
            txn,
            amount: PRICE,
            tag: tag(member, &group.ident),
        })
    }

    pub(crate) fn accept(&self, payment: PaymentId, txn: Txn, tag: [u8; 32]) -> Request {
        system(Command::AcceptPayment {
            payment,
            txn,
            amount: PRICE,
            tag,
        })
    }
}

/// A member's tag in a group, computed as the server does from a secret (draw 3).
pub(crate) fn tag(member: MemberId, ident: &Ident) -> [u8; 32] {
    let secret = Rng::new(u64::from(member.0)).bytes();
    draw::member_tag(&draw::salt(&secret, ident), &member.to_string()).0
}

pub(crate) fn system(command: Command) -> Request {
    Request {
        actor: Actor::System,
        key: None,
        command,
    }
}

/// The campaign that is measured: groups of so many seats, one winner.
pub(crate) fn campaign(seats: u32, rewards: Vec<Reward>) -> Result<Campaign, String> {
    let name = Text {
        zh: "测量".to_owned(),
        en: "Measured".to_owned(),
    };
    let log = draw::Origin::new("bench.example/log").map_err(|error| error.to_string())?;
    Ok(Campaign {
        name: name.clone(),
        kind: Kind::Draw,
        profile: Profile::Seed,
        plan: 1,
        product: Product {
            title: name,
            cost: Money(2_000),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: PRICE,
            seats,
            winners: 1,
            leader: LeaderRule::Equal,
            fill_within: Duration::seconds(86_400),
            payment_window: Duration::seconds(600),
            seats_per_member: 1,
            chance: None,
            circle: domain::Circle::Off,
            entries_per_day: 0,
            seats_from: None,
            price_from: None,
        },
        draw: DrawTerms {
            log,
            source: BeaconSource::Local {
                beacon: beacon_file()?.hash().0,
                genesis: BEACON_GENESIS_S,
                period: BEACON_PERIOD_S,
            },
            delay_s: 3,
        },
        channel: ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: false,
        },
        caps: Vec::new(),
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: domain::Leftover::Owner,
        rewards,
    })
}

/// The shop's beacon; its key is no secret.
pub(crate) fn beacon() -> Result<LocalBeacon, String> {
    LocalBeacon::from_seed(&[7; 32]).map_err(|error| error.to_string())
}

pub(crate) fn beacon_file() -> Result<BeaconFile, String> {
    Ok(beacon()?.file(BEACON_GENESIS_S, BEACON_PERIOD_S))
}

/// A registration. Everybody but the first was invited by an earlier member.
pub(crate) fn register(member: u32) -> Request {
    let mut token = [0; 16];
    token[..4].copy_from_slice(&member.to_le_bytes());
    system(Command::RegisterMember {
        token,
        inviter: (0 < member).then_some(MemberId(member / 2)),
    })
}

/// The way in, and what is sold there.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) engine: EngineHandle,
    pub(crate) offer: Offer,
}

/// A running engine with a campaign and members.
pub(crate) struct Shop {
    pub(crate) door: Door,
    threads: EngineThreads,
}

impl Shop {
    /// Starts an engine on an empty journal, publishes the campaign and registers the members.
    pub(crate) fn start(
        journal: Box<dyn Journal>,
        campaign: Campaign,
        members: u32,
    ) -> Result<Shop, String> {
        let (engine, threads) =
            Engine::start(EngineConfig::new(journal)).map_err(|error| chain(&error))?;
        let seats = campaign.group.seats;
        let capital = system(Command::DepositCapital {
            amount: Money(1_000_000_000),
        });
        let publish = system(Command::PublishCampaign {
            campaign: Box::new(campaign),
        });
        accepted(&engine, vec![capital, publish])?;
        let (published, _) = engine
            .query_blocking(|world| world.campaign(CAMPAIGN).map(|published| published.hash))
            .map_err(|error| error.to_string())?;
        let offer = Offer {
            members: 0,
            seats,
            published: published.ok_or("the campaign is not there")?,
        };
        let mut shop = Shop {
            door: Door { engine, offer },
            threads,
        };
        shop.register_up_to(members)?;
        Ok(shop)
    }

    /// Registers members until there are so many.
    pub(crate) fn register_up_to(&mut self, members: u32) -> Result<(), String> {
        while self.door.offer.members < members {
            let until = members.min(self.door.offer.members.saturating_add(4_000));
            accepted(
                &self.door.engine,
                (self.door.offer.members..until).map(register).collect(),
            )?;
            self.door.offer.members = until;
        }
        Ok(())
    }

    /// Answers everything accepted and ends the engine.
    pub(crate) fn close(self) -> Result<(), String> {
        self.threads.shutdown().map_err(|why| chain(&why))
    }
}

impl Door {
    /// Opens groups; their leaders have paid.
    pub(crate) fn open_groups(
        &self,
        count: usize,
        rng: &mut Rng,
        names: &mut PaymentNames,
    ) -> Result<Vec<OpenGroup>, String> {
        let led = self.open_led(count, rng, names)?;
        Ok(led.into_iter().map(|(group, _)| group).collect())
    }

    fn open_led(
        &self,
        count: usize,
        rng: &mut Rng,
        names: &mut PaymentNames,
    ) -> Result<Vec<(OpenGroup, MemberId)>, String> {
        let mut groups = Vec::with_capacity(count);
        while groups.len() < count {
            let part = (count - groups.len()).min(MAX_COMMANDS_PER_REQUEST);
            let leaders: Vec<MemberId> = (0..part).map(|_| self.offer.member(rng)).collect();
            let opens = leaders.iter().map(|&leader| self.offer.open(leader));
            let answers = accepted(&self.engine, opens.collect())?;
            let mut payments = Vec::with_capacity(part);
            for (reply, &leader) in answers.iter().zip(&leaders) {
                let Answer::Reserved { payment, .. } = reply.answer else {
                    return Err(unexpected(reply));
                };
                let group = self.offer.group(payment.group, self.offer.seats - 1)?;
                let tag = tag(leader, &group.ident);
                payments.push(self.offer.accept(payment, names.next(), tag));
                groups.push((group, leader));
            }
            seated(&self.engine, payments)?;
        }
        Ok(groups)
    }

    /// Opens groups and fills them to the last seat.
    pub(crate) fn fill_groups(
        &self,
        count: usize,
        rng: &mut Rng,
        names: &mut PaymentNames,
    ) -> Result<(), String> {
        let mut joins = Vec::with_capacity(MAX_COMMANDS_PER_REQUEST);
        for (group, leader) in self.open_led(count, rng, names)? {
            for number in 1..self.offer.seats {
                let (member, via) = self.offer.neighbour(leader, number);
                joins.push(
                    self.offer
                        .join_paid(&group, member, Some(via), names.next()),
                );
                if joins.len() == MAX_COMMANDS_PER_REQUEST {
                    seated(&self.engine, std::mem::take(&mut joins))?;
                }
            }
        }
        seated(&self.engine, joins)
    }
}

/// Why a request was not answered, and why the engine has stopped if it has.
pub(crate) fn unanswered(engine: &EngineHandle, error: &SubmitError) -> String {
    match engine.stop_reason() {
        Some(why) => chain(&why),
        None => chain(error),
    }
}

fn seated(engine: &EngineHandle, joins: Vec<Request>) -> Result<(), String> {
    let replies = accepted(engine, joins)?;
    match replies.iter().find(|reply| !is_seated(reply)) {
        Some(reply) => Err(unexpected(reply)),
        None => Ok(()),
    }
}

/// Whether a payment holds a seat now.
pub(crate) fn is_seated(reply: &Reply) -> bool {
    matches!(reply.answer, Answer::Payment(PaymentAnswer::Seated(_)))
}

/// Of set-up commands every one must be accepted.
pub(crate) fn accepted(
    engine: &EngineHandle,
    requests: Vec<Request>,
) -> Result<Vec<Reply>, String> {
    let answers = engine
        .submit_many_blocking(requests)
        .map_err(|error| unanswered(engine, &error))?;
    let all: Result<Vec<Reply>, Refusal> = answers.into_iter().collect();
    all.map_err(|refusal| format!("the set-up was refused: {refusal}"))
}

pub(crate) fn unexpected(reply: &Reply) -> String {
    format!("an answer that cannot be: {:?}", reply.answer)
}

/// Parameters that no shop can have.
pub(crate) fn check_sizes(members: u32, seats: u32) -> Result<(), String> {
    if members == 0 {
        return Err("--members: there must be at least one".to_owned());
    }
    if !(2..=domain::MAX_SEATS).contains(&seats) {
        return Err(format!(
            "--seats: must be between 2 and {}",
            domain::MAX_SEATS
        ));
    }
    if members < seats {
        return Err(format!(
            "--members {members}: fewer than the {seats} seats of a group, so none would ever fill"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn payment_names_are_28_digits_and_each_comes_once() {
        let mut sources = [PaymentNames::new(1), PaymentNames::new(2)];
        let mut seen = BTreeSet::new();
        for _ in 0..1_200 {
            for names in &mut sources {
                let name = names.next();
                assert_eq!(name.as_str().len(), 28);
                assert!(name.as_str().bytes().all(|byte| byte.is_ascii_digit()));
                assert!(seen.insert(name), "{name} came twice");
            }
        }
        let last = "4201000000000000000000001199";
        assert!(seen.contains(&Txn::new(last).unwrap()), "{seen:?}");
    }

    #[test]
    fn numbers_stay_below_their_limit_and_follow_from_the_sequence() {
        let (mut one, mut again, mut other) = (Rng::new(1), Rng::new(1), Rng::new(2));
        let mut seen = [0; 3];
        for _ in 0..300 {
            let number = one.below(3);
            assert_eq!(number, again.below(3));
            seen[usize::try_from(number).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| 50 < count), "{seen:?}");
        assert_ne!(Rng::new(1).bytes::<20>(), other.bytes::<20>());
    }

    #[test]
    fn the_campaign_can_be_published() {
        let campaign = campaign(100, Vec::new()).unwrap();
        campaign.check().unwrap();
        domain::check_solvency(&campaign).unwrap();
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for (members, seats, says) in [
            (0, 100, "at least one"),
            (100, 1, "between 2 and 10000"),
            (100, 10_001, "between 2 and 10000"),
            (99, 100, "fewer than the 100 seats"),
        ] {
            let said = check_sizes(members, seats).unwrap_err();
            assert!(said.contains(says), "{said}");
        }
        assert_eq!(check_sizes(100, 100), Ok(()));
    }
}
