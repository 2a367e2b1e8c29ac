//! Rules 6 and 7: what follows from a draw.

use domain::Campaign;
use domain::rewards::{Base, Generation, Limit, Program, Source};

use super::offers::least_gain;
use super::{
    Good, GoodStage, Mistake, Model, Outcome, Purse, Sealed, Stage, Told, Waiting, refused,
};

/// A payment that a program asks for.
struct Wish {
    member: u32,
    /// The seat it comes from, if from one.
    seat: Option<u32>,
    purse: Purse,
}

impl Model {
    /// Winners' money is a sale, everybody else gets his back, then the programs in declared order.
    pub(super) fn draw(&mut self, number: u64, winners: &[u32], fits_freeze: bool) -> Outcome {
        let Some(room) = self.rooms.get(&number).filter(|room| room.is_live()) else {
            return refused("group_unknown");
        };
        if room.stage == Stage::Open {
            return refused("group_not_full");
        }
        if !fits_freeze {
            return refused("draw_of_another_freeze");
        }
        let Some(offer) = self.offer_of(number).cloned() else {
            return refused("campaign_unknown");
        };
        let seats = room.sealed.clone();
        let numbered = (0u32..).zip(&seats);
        let seats_won: Vec<(bool, &Sealed)> = numbered
            .map(|(seat, sealed)| (winners.contains(&seat), sealed))
            .collect();
        self.money.least_gain += least_gain(&offer);
        self.take_and_refund(number, &offer, &seats_won);
        let mut shared: Vec<i64> = offer.caps.iter().map(|cap| cap.limit.0).collect();
        let mut waiting: Vec<Waiting> = Vec::new();
        for reward in &offer.rewards {
            let mut own = i64::MAX;
            let left = match reward.limit {
                Limit::None => &mut own,
                Limit::Own(cap) => {
                    own = cap.0;
                    &mut own
                }
                Limit::Shared(at) if self.mistake == Some(Mistake::SharedCapAnew) => {
                    own = offer.caps.get(at as usize).map_or(0, |cap| cap.limit.0);
                    &mut own
                }
                Limit::Shared(at) => shared.get_mut(at as usize).expect("caps were checked"),
            };
            let anyway = self.mistake == Some(Mistake::LeaderPaidAnyway);
            for wish in wishes((&reward.program, anyway), &offer, &seats_won) {
                let cash = wish.purse.cash.min(*left);
                *left -= cash;
                let purse = Purse {
                    cash,
                    coins: wish.purse.coins,
                };
                self.money.rewards += purse.cash;
                self.money.coins += purse.coins;
                if matches!(reward.program, Program::Consolation(_)) {
                    self.ready(wish.member, purse);
                } else {
                    waiting.push(Waiting {
                        member: wish.member,
                        seat: wish.seat,
                        purse,
                    });
                }
            }
        }
        for one in &waiting {
            self.person(one.member).waits.insert(number);
        }
        self.waiting_rewards.insert(number, waiting);
        for seat in &seats {
            self.note_settled(seat.member);
        }
        if let Some(room) = self.rooms.get_mut(&number) {
            room.stage = Stage::Settled;
        }
        self.room_is_over(number);
        Outcome::done(Told::Done)
    }

    fn take_and_refund(&mut self, number: u64, offer: &Campaign, seats: &[(bool, &Sealed)]) {
        let price = offer.group.price.0;
        for (seat_number, (won, seat)) in (0u32..).zip(seats) {
            let room = self.rooms.get(&number);
            let place = room.and_then(|room| room.places.get(&seat.place));
            let txn = place
                .and_then(|place| place.txn.clone())
                .expect("every seat was paid");
            let kept = offer.channel.kept_on_refund;
            let fee_back = if kept { 0 } else { self.fee(price, offer) };
            if *won {
                self.money.sales += price;
                self.money.goods_cost += offer.product.cost.0;
                self.order(Good {
                    group: number,
                    member: seat.member,
                    stage: GoodStage::Paid,
                    seat: seat_number,
                    txn,
                    price,
                    fee_back,
                });
                continue;
            }
            self.owe_back(&txn, price, fee_back);
        }
    }
}

/// How far up any program looks.
pub(super) fn generations(offer: &Campaign) -> usize {
    let depths = offer.rewards.iter().map(|reward| match &reward.program {
        Program::Generation(program) => program.rates.len(),
        Program::Consolation(_)
        | Program::WinnerBonus(_)
        | Program::Leader(_)
        | Program::Formation(_)
        | Program::Differential(_)
        | Program::SameLevel(_)
        | Program::Region(_)
        | Program::Dividend(_) => 0,
    });
    depths.max().unwrap_or(0)
}

/// What a program's rule says, before its budget.
fn wishes(
    (program, leader_anyway): (&Program, bool),
    offer: &Campaign,
    seats: &[(bool, &Sealed)],
) -> Vec<Wish> {
    let wish = |seat: Option<u32>, member: u32, cash: i64, coins: i64| Wish {
        member,
        seat,
        purse: Purse { cash, coins },
    };
    let numbered = || {
        (0u32..)
            .zip(seats)
            .map(|(number, (won, seat))| (number, *won, seat))
    };
    let Some((_, first)) = seats.first() else {
        return Vec::new();
    };
    match program {
        Program::Consolation(program) => {
            let lost = numbered().filter(|(_, won, _)| !won);
            lost.map(|(number, _, seat)| {
                wish(Some(number), seat.member, program.cash.0, program.coins.0)
            })
            .collect()
        }
        Program::WinnerBonus(program) => {
            let won = numbered().filter(|(_, won, _)| *won);
            won.map(|(number, _, seat)| {
                wish(Some(number), seat.member, program.cash.0, program.coins.0)
            })
            .collect()
        }
        Program::Leader(program) => {
            let won = seats
                .iter()
                .any(|(won, seat)| *won && seat.member == first.member);
            if won && program.unless_won && !leader_anyway {
                return Vec::new();
            }
            vec![wish(None, first.member, program.cash.0, program.coins.0)]
        }
        Program::Formation(program) => {
            let recruited = numbered().skip(1);
            let to = recruited.map(|(number, _, seat)| match seat.via {
                Some(via) if via != seat.member => (number, via),
                Some(_) | None => (number, first.member),
            });
            to.map(|(number, member)| wish(Some(number), member, program.per_recruit.0, 0))
                .collect()
        }
        Program::Generation(program) => generation(program, offer, seats),
        // Nothing here publishes them.
        Program::Differential(_)
        | Program::SameLevel(_)
        | Program::Region(_)
        | Program::Dividend(_) => Vec::new(),
    }
}

fn generation(program: &Generation, offer: &Campaign, seats: &[(bool, &Sealed)]) -> Vec<Wish> {
    let base = match program.base {
        Base::Price => offer.group.price.0,
        Base::Margin => offer.group.price.0 - offer.product.cost.0,
        Base::Fixed(sum) => sum.0,
        Base::Consolation => consolation(offer),
    };
    let mut wishes = Vec::new();
    for (number, (won, seat)) in (0u32..).zip(seats) {
        let counts = match program.source {
            Source::Winners => *won,
            Source::NonWinners => !*won,
            Source::All => true,
        };
        if !counts {
            continue;
        }
        for (step, rate) in (0usize..).zip(&program.rates) {
            let Some(&(member, vip)) = seat.above.get(step) else {
                break;
            };
            let opens = program.vip_depth.as_ref().map_or(usize::MAX, |table| {
                let last = table.len().saturating_sub(1);
                table
                    .get((vip as usize).min(last))
                    .map_or(0, |&depth| depth as usize)
            });
            if opens <= step {
                continue;
            }
            let cash = (base * i64::from(rate.0)).div_euclid(1_000_000);
            wishes.push(Wish {
                member,
                seat: Some(number),
                purse: Purse { cash, coins: 0 },
            });
        }
    }
    wishes
}

pub(super) fn consolation(offer: &Campaign) -> i64 {
    let mut cash = 0;
    for reward in &offer.rewards {
        if let Program::Consolation(program) = &reward.program {
            cash = program.cash.0;
        }
    }
    cash
}
