//! The draw, and what follows from it: every amount counted again.

use domain::{
    BeaconSource, Campaign, Event, Fulfilment, GroupId, GroupSettled, Kind, Money, OrderId,
    PaymentId, ProgramKind, PublishedCampaign, Rate, RefundId, SeatRef, Vested, settle_ballot,
    solvency, solvency_of_buyers,
};

use super::{At, Due, Full, Good, Sums, Trail, Vesting};
use crate::audit::Findings;
use crate::audit::key::Waiting;

impl Trail {
    /// Draws the group again, counts its settlement again, and takes note of what is due now.
    pub(super) fn settled(&mut self, at: At, settled: &GroupSettled, findings: &mut Findings) {
        let group = settled.group;
        let full = self.live.get(&group).and_then(|live| live.full.clone());
        let Some(full) = full else {
            findings.unless(false, at.0, || {
                format!("group {group} is settled, but it was not full")
            });
            return;
        };
        let is_drawn = self
            .campaign(group)
            .is_none_or(|campaign| campaign.terms.is_drawn());
        // A ballot's draw was told before.
        if is_drawn && settled.ballot.is_none() {
            self.check_draw(at, settled, &full, findings);
        }
        self.check_amounts(at, settled, &full, findings);
        self.note_sold(settled);
        self.note_origin(settled, &full.seats);
        self.counts.settled += 1;
        self.counts.rewards += u64::try_from(settled.rewards.len()).unwrap_or(0);
        let fulfilment = self
            .campaign(group)
            .map(|campaign| campaign.terms.product.fulfilment);
        let (fetched, served_at) = match fulfilment {
            Some(Fulfilment::PickUp | Fulfilment::Voucher) => (true, None),
            Some(Fulfilment::AtTable) => (false, Some(at.0)),
            Some(Fulfilment::Ship) | None => (false, None),
        };
        let buyers = settled.buyers();
        for (refund, (_, seat)) in (settled.first_refund.0..).zip(settled.refunded()) {
            let payment = PaymentId {
                group,
                index: seat.index,
            };
            self.give_back(at, payment, settled.price, RefundId(refund), findings);
        }
        findings.unless(settled.first_order.0 == self.next_order, at.0, || {
            format!("order {} is not the next number", settled.first_order)
        });
        for (order, (number, seat)) in (settled.first_order.0..).zip(&buyers) {
            let payment = PaymentId {
                group,
                index: seat.index,
            };
            let good = Good {
                payment,
                member: seat.member,
                seat: *number,
                paid: Due {
                    amount: settled.price,
                    fee_back: self.fee_back(payment),
                },
                received: false,
                shipped: false,
                returning: false,
                fetched,
                served_at,
                settled_at: at.1,
            };
            self.orders.insert(OrderId(order), good);
            self.next_order = self.next_order.max(order.saturating_add(1));
        }
        self.note_vesting(settled, buyers.len());
        // In a ballot only a purchase counts: a registration costs nothing.
        let counting = match settled.ballot {
            Some(_) => buyers.into_iter().map(|(_, seat)| seat).collect(),
            None => settled.seats.clone(),
        };
        for seat in &counting {
            self.count_settled(at, seat);
        }
        self.live.remove(&group);
    }

    fn check_draw(&mut self, at: At, settled: &GroupSettled, full: &Full, findings: &mut Findings) {
        let group = settled.group;
        let facts = (&settled.signature, &settled.seed);
        let winners = self.check_draw_of(at, (group, full), facts, findings);
        findings.unless(
            winners
                .as_ref()
                .is_none_or(|winners| *winners == settled.winners),
            at.0,
            || {
                format!(
                    "the winners of group {group} are {:?}, the draw gives {:?}",
                    settled.winners,
                    winners.as_deref().unwrap_or_default()
                )
            },
        );
    }

    /// Draws a group again by its signature; answers with who has won, if it can be said.
    pub(super) fn check_draw_of(
        &mut self,
        at: At,
        (group, full): (GroupId, &Full),
        (signature, seed): (&[u8; 48], &[u8; 32]),
        findings: &mut Findings,
    ) -> Option<Vec<u32>> {
        let Some((campaign, files)) = self.campaign(group).cloned().zip(full.files.as_ref()) else {
            findings.unless(false, at.0, || {
                format!("group {group} cannot be drawn again: its files cannot be made")
            });
            return None;
        };
        match self.beacons.draw_again(&campaign, files, signature) {
            Err(says) => {
                findings.add(format!(
                    "record {}: the draw of group {group} is not valid: {says}",
                    at.0
                ));
                None
            }
            Ok(drawn) => {
                let verified = if drawn.verified {
                    &mut self.counts.verified
                } else {
                    &mut self.counts.unverified
                };
                *verified += 1;
                findings.unless(drawn.seed == *seed, at.0, || {
                    format!(
                        "the seed of group {group} is not the one of its freeze and beacon value"
                    )
                });
                Some(campaign.terms.winners_of(&drawn.winners))
            }
        }
    }

    fn check_amounts(
        &mut self,
        at: At,
        settled: &GroupSettled,
        full: &Full,
        findings: &mut Findings,
    ) {
        let group = settled.group;
        let Some(terms) = self.campaign(group).map(|campaign| campaign.terms.clone()) else {
            return;
        };
        let terms = &terms;
        let seats = full.seats.iter().map(|seat| SeatRef {
            index: seat.index,
            member: seat.member,
        });
        let same = settled.seats.iter().copied().eq(seats);
        findings.unless(same, at.0, || {
            format!("the settled seats of group {group} are not the sealed ones")
        });
        check_terms(at, settled, terms, findings);
        let unused = settled.ballot.as_ref();
        let unused = unused.map_or(&[][..], |ballot| &ballot.unused);
        let Ok(counted) = settle_ballot(terms, &full.seats, &settled.winners, unused) else {
            findings.unless(false, at.0, || {
                format!("the settlement of group {group} cannot be counted again")
            });
            return;
        };
        let consolation = (settled.consolation_cash, settled.consolation_coins);
        let told = (counted.consolation_cash, counted.consolation_coins);
        findings.unless(consolation == told, at.0, || {
            format!(
                "non-winners of group {group} get {} and {} coins, its rules say {} and {}",
                consolation.0, consolation.1, told.0, told.1
            )
        });
        if settled.rewards != counted.rewards {
            let pairs = settled.rewards.iter().zip(&counted.rewards);
            let differing = pairs.into_iter().find(|(paid, told)| paid != told);
            let what = differing.map_or_else(
                || {
                    format!(
                        "{} rewards, its rules give {}",
                        settled.rewards.len(),
                        counted.rewards.len()
                    )
                },
                |(paid, told)| {
                    format!(
                        "{} of {} to member {}, its rules say {} to member {}",
                        paid.program.name(),
                        paid.cash,
                        paid.member,
                        told.cash,
                        told.member
                    )
                },
            );
            findings.unless(false, at.0, || format!("group {group} pays {what}"));
        }
        let pooled = settled.pooled.as_deref();
        self.pooled(at, (group, pooled), &counted, findings);
        self.check_kept(at, settled, findings);
    }

    /// What the owner keeps of this group, by what was really paid, is not less than the promised worst case.
    fn check_kept(&self, at: At, settled: &GroupSettled, findings: &mut Findings) {
        let group = settled.group;
        let (Some(campaign), Some(live)) = (self.campaign(group), self.live.get(&group)) else {
            return;
        };
        let (winners, others) = settled.split();
        let others = settled.consoled(others);
        let (buyers, refunded) = (settled.buyers(), settled.refunded());
        let fee_of = |index: u32| {
            live.seat(PaymentId { group, index })
                .map_or(0, |seat| i128::from(seat.fee.0))
        };
        let mut fees: i128 = buyers.iter().map(|(_, seat)| fee_of(seat.index)).sum();
        if campaign.terms.channel.kept_on_refund {
            fees += refunded
                .iter()
                .map(|(_, seat)| fee_of(seat.index))
                .sum::<i128>();
        }
        let times = |amount: Money, count: usize| {
            i128::from(amount.0) * i128::try_from(count).unwrap_or(i128::MAX)
        };
        let rewards: i128 = settled
            .rewards
            .iter()
            .map(|paid| i128::from(paid.cash.0))
            .sum();
        let pooled = settled.pooled.as_ref();
        let pooled = pooled.map_or(0, |pooled| i128::from(pooled.amount.0));
        let kept = times(settled.price, buyers.len())
            - times(settled.cost, buyers.len())
            - times(settled.prize, winners.len())
            - times(settled.consolation_cash, others.len())
            - rewards
            - pooled
            - fees;
        // Who may buy in a ballot need not.
        let worst = match settled.ballot {
            Some(_) => {
                let bought = u32::try_from(buyers.len()).unwrap_or(u32::MAX);
                solvency_of_buyers(&campaign.terms, bought)
            }
            None => solvency(&campaign.terms),
        };
        let worst = worst.map(|solvency| i128::from(solvency.worst.0));
        findings.unless(worst.is_ok_and(|worst| worst <= kept), at.0, || {
            format!("group {group} leaves {kept} fen, less than its campaign's worst case")
        });
    }

    fn note_vesting(&mut self, settled: &GroupSettled, open_orders: usize) {
        let waiting = settled
            .rewards
            .iter()
            .filter(|reward| reward.program != ProgramKind::Consolation)
            .map(|reward| {
                let (cash, coins) = (reward.cash.0, reward.coins.0);
                let by_chance = reward.program == ProgramKind::WinnerBonus;
                let rate = if by_chance { settled.tax.0 } else { 0 };
                let tax = i128::from(cash) * i128::from(rate) / 1_000_000;
                let tax = i64::try_from(tax).unwrap_or(i64::MAX);
                (reward.member, reward.source_seat, cash, coins, tax)
            });
        let vesting = Vesting {
            open_orders,
            any_kept: false,
            rewards: waiting.collect(),
            pooled: settled
                .pooled
                .as_ref()
                .map_or_else(Vec::new, |pooled| pooled.shares.clone()),
        };
        self.vesting.insert(settled.group, vesting);
    }

    /// What the channel gives back of its fee on a seat's payment.
    fn fee_back(&self, payment: PaymentId) -> Money {
        let kept = self
            .campaign(payment.group)
            .is_some_and(|campaign| campaign.terms.channel.kept_on_refund);
        let seat = self
            .live
            .get(&payment.group)
            .and_then(|live| live.seat(payment));
        seat.filter(|_| !kept).map_or(Money::ZERO, |seat| seat.fee)
    }

    fn count_settled(&mut self, at: At, seat: &SeatRef) {
        let Some(person) = self
            .person_mut(seat.member)
            .filter(|person| !person.settled)
        else {
            return;
        };
        person.settled = true;
        let inviter = person.inviter;
        if let Some(inviter) = inviter.and_then(|inviter| self.person_mut(inviter)) {
            inviter.active_invitees += 1;
            self.count_by(at.1.next_midnight());
        }
    }

    /// Refunds that arrive, orders on their way, and rewards that become available.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`Trail::event` lists them all"
    )]
    pub(super) fn after_event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        match event {
            Event::RefundPaid {
                refund,
                amount,
                fee_back,
            } => {
                let due = self.refunds.remove(refund);
                findings.unless(due.is_some(), at.0, || {
                    format!("refund {refund} is paid, but it is not due, or was paid before")
                });
                let right =
                    due.is_none_or(|due| due.amount == *amount && due.fee_back == *fee_back);
                findings.unless(right, at.0, || {
                    format!("refund {refund} of {amount} is not what is due")
                });
                self.counts.refunds_paid += 1;
                self.counts.refunded = self.counts.refunded.saturating_add(amount.0);
            }
            Event::OrderShipped { .. }
            | Event::OrderReceived { .. }
            | Event::OrderKept { .. }
            | Event::OrderReturning { .. } => self.order_moves(at, event, findings),
            Event::OrderReturned { .. } => self.returned(at, event, findings),
            Event::RewardsVested { group, amounts } => {
                self.vested(at, *group, amounts, findings);
            }
            _ => {}
        }
    }

    /// An order goes from each state to the next.
    fn order_moves(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Event::OrderShipped { order, .. } = event {
            let good = self
                .orders
                .get_mut(order)
                .filter(|good| !good.shipped && !good.fetched && good.served_at.is_none());
            findings.unless(good.is_some(), at.0, || {
                format!("order {order} is shipped, but it does not wait for that")
            });
            if let Some(good) = good {
                good.shipped = true;
            }
        }
        if let Event::OrderReceived { order, .. } = event {
            let good = self
                .orders
                .get_mut(order)
                .filter(|good| (good.shipped || good.fetched) && !good.received);
            findings.unless(good.is_some(), at.0, || {
                format!("order {order} is received, but it was not on its way")
            });
            if let Some(good) = good {
                good.received = true;
            }
        }
        if let Event::OrderKept { order } = event {
            let good = self.orders.remove(order);
            let good = good.filter(|good| Trail::may_be_kept(at, good));
            findings.unless(good.is_some(), at.0, || {
                format!("order {order} is kept, but it was not received, or is sent back")
            });
            if let Some(good) = good {
                self.order_kept(at, good);
            }
        }
        if let Event::OrderReturning { order, .. } = event {
            let good = self
                .orders
                .get_mut(order)
                .filter(|good| good.received && !good.returning);
            findings.unless(good.is_some(), at.0, || {
                format!("order {order} is sent back, but it was not received")
            });
            if let Some(good) = good {
                good.returning = true;
            }
        }
    }

    fn order_kept(&mut self, at: At, good: Good) {
        let group = good.payment.group;
        if let Some(vesting) = self.vesting.get_mut(&group) {
            vesting.open_orders = vesting.open_orders.saturating_sub(1);
            vesting.any_kept = true;
        }
        self.kept(at, good.member, good.paid.amount.0);
    }

    fn vested(&mut self, at: At, group: GroupId, amounts: &[Vested], findings: &mut Findings) {
        let vesting = self.vesting.remove(&group);
        let right = vesting.is_some_and(|mut vesting| {
            vesting.open_orders == 0 && Some(vesting.take(None)) == sums_of(amounts)
        });
        findings.unless(right, at.0, || {
            format!("the rewards of group {group} that become available are not those that waited, or come before its orders are kept")
        });
    }

    /// The price of a returned product goes back, and the rewards that hung on it.
    fn returned(&mut self, at: At, event: &Event, findings: &mut Findings) {
        let Event::OrderReturned {
            order,
            payment,
            member,
            refund,
            amount,
            reversed,
            all,
            pool,
        } = event
        else {
            return;
        };
        let back =
            |good: &Good| good.returning || good.waits_to_be_fetched() || good.is_abandoned(at.1);
        let Some(good) = self.orders.remove(order).filter(back) else {
            findings.unless(false, at.0, || {
                format!("order {order} is returned, but it was not sent back")
            });
            return;
        };
        let same =
            good.payment == *payment && good.member == *member && good.paid.amount == *amount;
        findings.unless(same, at.0, || {
            format!("order {order} is returned by another than its buyer, or for another price")
        });
        let (seat, paid) = (good.seat, good.paid);
        let mut nothing = Vesting::default();
        let vesting = self.vesting.get_mut(&payment.group).unwrap_or(&mut nothing);
        vesting.open_orders = vesting.open_orders.saturating_sub(1);
        let all_returned = vesting.open_orders == 0 && !vesting.any_kept;
        let which = (!all_returned).then_some(seat);
        let mut taken = vesting.take(which);
        // Nothing was received, so nothing was withheld.
        taken.values_mut().for_each(|sum| sum.2 = 0);
        let shares = vesting.take_pooled(which);
        let mut rewards: i64 = taken.values().map(|(cash, ..)| cash).sum();
        let right = *all == all_returned && Some(taken) == sums_of(reversed);
        findings.unless(right, at.0, || {
            format!("the rewards that are reversed with order {order} are not those of its seat, or of its group if nobody kept his")
        });
        let changed = (reversed.as_slice(), pool.as_ref());
        self.pool_return(at, (payment.group, &shares), changed, findings);
        // What goes into the pool does not come back to whoever bore it; what leaves the pool does.
        if let Some(pool) = pool {
            rewards = if pool.reversed_in { 0 } else { rewards } + pool.taken.0;
        }
        self.alliance
            .came_back(payment.group, *order, paid, rewards);
        self.note_origin_back(payment.group, *order, seat);
        self.owe(at, *refund, paid, findings);
    }

    /// The campaign of a group, as it was published.
    pub(in crate::audit) fn published(&self, group: GroupId) -> Option<&PublishedCampaign> {
        self.campaign(group)
    }

    /// Groups that are still to be drawn with one of these sources.
    pub(in crate::audit) fn waiting(&self, with: impl Fn(&BeaconSource) -> bool) -> Waiting {
        let mut waiting = Waiting::default();
        for (group, live) in &self.live {
            let campaign = self.campaign(*group);
            if !campaign.is_some_and(|campaign| with(&campaign.terms.draw.source)) {
                continue;
            }
            match live.full {
                Some(_) if self.is_ballot_drawn(*group) => {}
                Some(_) => waiting.full += 1,
                None => waiting.open += 1,
            }
        }
        waiting
    }
}

/// The number of winners, the prices and who buys are the campaign's.
fn check_terms(at: At, settled: &GroupSettled, terms: &Campaign, findings: &mut Findings) {
    let group = settled.group;
    let winners = terms.winner_counts();
    let count = u32::try_from(settled.winners.len());
    // Who may buy in a ballot need not.
    let least = if settled.ballot.is_some() {
        0
    } else {
        *winners.start()
    };
    findings.unless(
        count.is_ok_and(|count| (least..=*winners.end()).contains(&count)),
        at.0,
        || {
            format!(
                "group {group} has {} winners, its rules say {}",
                settled.winners.len(),
                match terms.group.chance {
                    None => winners.end().to_string(),
                    Some(_) => format!("{} to {}", winners.start(), winners.end()),
                }
            )
        },
    );
    // What a merchant's products cost is his own affair.
    let is_own = terms.merchant.is_none();
    let prize = terms.prize.as_ref().map_or(Money::ZERO, |prize| prize.cost);
    let same_terms = settled.price == terms.group.price
        && settled.cost
            == if is_own {
                terms.product.cost
            } else {
                Money::ZERO
            }
        && settled.prize == if is_own { prize } else { Money::ZERO }
        && settled.everyone_buys == terms.kind.everyone_buys()
        && settled.ballot.is_some() == (terms.kind == Kind::Ballot);
    findings.unless(same_terms, at.0, || {
        format!("price or cost of group {group} are not its campaign's, or others buy")
    });
    let told = if terms.kind == Kind::EveryoneBuys {
        Rate(0)
    } else {
        terms.profile.terms().withholding.occasional
    };
    findings.unless(settled.tax == told, at.0, || {
        format!("another part of the rewards of group {group} is withheld than its campaign's profile says")
    });
}

/// Each member's sum; none where one stands twice.
fn sums_of(amounts: &[Vested]) -> Option<Sums> {
    let sums: Sums = amounts
        .iter()
        .map(|vested| {
            let sum = (vested.amount.0, vested.coins.0, vested.tax().0);
            (vested.member, sum)
        })
        .collect();
    (sums.len() == amounts.len()).then_some(sums)
}
