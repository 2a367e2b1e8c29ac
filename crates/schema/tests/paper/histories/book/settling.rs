//! A group fills and is settled: what it depends on is read, every payment counted, and held against what was printed.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::{Event, FilledSeat, GroupSettled, Millis, Solvency};

use super::{Book, Follows, Offer, index, plan_index, seats_of};
use crate::file::Plan;
use crate::gate;
use crate::histories::life::{Life, Origin, Printed, Waiting};
use crate::histories::town::Pool;
use crate::oracle::{self, Count, Payment};

impl Book {
    /// Reads what the rewards of a full group depend on.
    pub(super) fn filled(&mut self, group: u64, seats: &[FilledSeat], at: Millis) {
        let offer = Rc::clone(self.offer_of(group));
        let open = self.open.get_mut(&group).unwrap();
        let theirs: Vec<(u32, usize)> = seats
            .iter()
            .map(|seat| (seat.index, index(seat.member.0)))
            .collect();
        assert_eq!(theirs, open.seats, "seats stand in the order of payment");
        let links: Vec<Option<usize>> = seats
            .iter()
            .map(|seat| seat.via.map(|via| index(via.0)))
            .collect();
        let seats: Vec<(usize, Option<usize>)> = open
            .seats
            .iter()
            .map(|(index, member)| (*member, open.vias.get(index).copied()))
            .collect();
        assert!(
            links.iter().eq(seats.iter().map(|(_, via)| via)),
            "by whose links"
        );
        let scale = plan_index(offer.terms.plan);
        let read = self
            .town
            .read((&offer.plan, scale), &seats, offer.merchant, at.0);
        let frozen = read.0.people.iter().any(|person| person.frozen);
        self.tally
            .add("filled with frozen members", u64::from(frozen));
        open.frozen = Some(read);
    }

    /// Counts the group by the oracle, holds the record against it and against what was printed, and begins its life.
    pub(super) fn settled(&mut self, settled: &GroupSettled) {
        let group = settled.group.0;
        let offer = Rc::clone(self.offer_of(group));
        let open = self.open.remove(&group).unwrap();
        let campaign = open.campaign;
        let (crowd, numbers) = open.frozen.expect("it was full");
        let winners: Vec<usize> = settled.winners.iter().map(|&seat| index(seat)).collect();
        let unused: Vec<usize> = open.lapsed.iter().copied().collect();
        check_winners(&offer.plan, &winners, &unused, settled);
        assert_eq!(seats_of(&settled.seats), open.seats);
        let count = oracle::count_ballot(&offer.plan, &crowd, &winners, &unused);
        let context = || format!("group {group} of\n{}\n{}", offer.text, crowd.rows());
        let theirs = payments(&offer.plan, settled, &unused);
        let ours: Vec<Payment> = count
            .payments
            .iter()
            .map(|payment| Payment {
                member: numbers[payment.member],
                ..payment.clone()
            })
            .collect();
        assert_eq!(theirs, ours, "payments of {}", context());
        let pooled = settled.pooled.as_ref();
        let into_pool = pooled.map_or(0, |pooled| i128::from(pooled.amount.0));
        assert_eq!(into_pool, count.totals.pool, "the pool of {}", context());
        let shares = pooled.map_or(&[][..], |pooled| &pooled.shares);
        let shares: BTreeMap<usize, i128> = shares
            .iter()
            .map(|share| (index(share.seat), share.cash.0.into()))
            .collect();
        if count.totals.pool != 0 {
            assert_eq!(shares, count.pool_shares, "shares of {}", context());
        }
        assert_eq!(settled.refunded().len(), losers(&offer.plan, winners.len()));
        let printed = self.printed(campaign, winners.len());
        keeps_its_bounds(&offer, &count, &printed.lines, &winners, &context);
        let fees: i128 = open.fees.values().sum();
        self.begin(settled, (&offer, printed), count, ours, fees);
    }

    /// What is printed for so many winners, or buyers of a ballot.
    fn printed(&mut self, campaign: u32, winners: usize) -> Rc<Printed> {
        let terms = &self.offers[&campaign].terms;
        let printed = self.printed.entry((campaign, winners)).or_insert_with(|| {
            let winners = u32::try_from(winners).unwrap();
            let lines = domain::solvency_of_buyers(terms, winners).unwrap();
            let returns = domain::returns(terms, &lines).unwrap();
            Rc::new(Printed { lines, returns })
        });
        Rc::clone(printed)
    }

    fn begin(
        &mut self,
        settled: &GroupSettled,
        (offer, printed): (&Rc<Offer>, Rc<Printed>),
        count: Count,
        payments: Vec<Payment>,
        fees: i128,
    ) {
        let group = settled.group.0;
        let (plan, totals) = (&offer.plan, &count.totals);
        let coins = payments.iter().map(|payment| payment.coins).sum();
        let waiting = self.pay(plan, payments);
        let origins = self.divide(group, offer, &count);
        if totals.pool != 0 {
            self.pool(offer).money += totals.pool;
        }
        self.suppliers += totals.supplier;
        let open = self.orders_of(settled, plan);
        self.note(plan, &count);
        let owner = match offer.merchant {
            Some(_) => totals.merchant,
            None => totals.platform,
        };
        let nobody = open.is_empty();
        let life = Life {
            offer: Rc::clone(offer),
            printed,
            members: seats_of(&settled.seats)
                .into_iter()
                .map(|(_, member)| member)
                .collect(),
            winners: settled.winners.iter().map(|&seat| index(seat)).collect(),
            buyers: open.len(),
            open,
            kept: 0,
            back: 0,
            back_prizes: 0,
            waiting,
            pooled: count.pool_shares,
            short: 0,
            coins,
            origins,
            had_origins: false,
            sale: offer.merchant.map(|_| totals.merchant),
            owner,
            platform: totals.platform,
            // The settlement's own lines were passed over: the group had no life yet.
            told_platform: Book::result(&Event::GroupSettled(Box::new(settled.clone()))).0 - fees,
            told_merchant: 0,
        };
        self.lives.insert(group, life);
        if nobody {
            self.close(group);
        }
    }

    /// Consolation is there at once, everything else waits (rules 9.1).
    fn pay(&mut self, plan: &Plan, payments: Vec<Payment>) -> Vec<Waiting> {
        let rate = oracle::tax_rate(plan);
        let mut waiting = Vec::new();
        for payment in payments {
            let by_chance = matches!(payment.program.as_str(), "consolation" | "winner-bonus");
            let tax = if by_chance {
                oracle::share(payment.cash, rate)
            } else {
                0
            };
            let purse = &mut self.purses[payment.member];
            if payment.program == "consolation" {
                purse.available += payment.cash - tax;
                purse.coins += payment.coins;
                self.tax += tax;
                continue;
            }
            purse.vesting += payment.cash;
            purse.vesting_coins += payment.coins;
            waiting.push(Waiting {
                member: payment.member,
                seat: payment.source_seat,
                cash: payment.cash,
                coins: payment.coins,
                tax,
            });
        }
        waiting
    }

    /// What must follow for the merchant whose campaign it is, and for home stores.
    fn divide(&mut self, group: u64, offer: &Offer, count: &Count) -> Vec<Origin> {
        let totals = &count.totals;
        let origins: Vec<Origin> = count
            .origin_shares
            .iter()
            .map(|&(store, seat, cash)| Origin {
                seat,
                store,
                merchant: self.town.stores[store],
                cash,
            })
            .collect();
        if offer.merchant.is_some() {
            let rewards = totals.rewards - totals.origin_share;
            let sales = totals.merchant + totals.commission + totals.fees + rewards;
            let parts = [
                sales,
                totals.commission,
                totals.fees,
                rewards,
                totals.merchant,
            ];
            self.follows.push(Follows::Sold(group, parts));
        }
        if !origins.is_empty() {
            let shares = origins
                .iter()
                .map(|one| (one.seat, one.store, one.merchant, one.cash));
            self.follows.push(Follows::Shared(group, shares.collect()));
        }
        origins
    }

    /// Everybody's order by number, with its seat; refunds likewise; and who counts for his inviter's level now.
    fn orders_of(&mut self, settled: &GroupSettled, plan: &Plan) -> BTreeMap<u64, usize> {
        let group = settled.group.0;
        let mut open = BTreeMap::new();
        for (order, (seat, whose)) in (settled.first_order.0..).zip(settled.buyers()) {
            self.orders.insert(order, group);
            open.insert(order, index(seat));
            if plan.kind != "treat" {
                self.bought.push((order, group, index(whose.member.0)));
            }
        }
        for (refund, _) in (settled.first_refund.0..).zip(settled.refunded()) {
            self.refunds.insert(refund, group);
        }
        for (number, seat) in settled.seats.iter().enumerate() {
            let bought = settled.winners.iter().any(|&seat| index(seat) == number);
            if plan.kind != "ballot" || bought {
                self.town.folk[index(seat.member.0)].settled = true;
            }
        }
        open
    }

    fn pool(&mut self, offer: &Offer) -> &mut Pool {
        let scale = &mut self.town.scales[plan_index(offer.terms.plan)];
        scale.pool.as_mut().expect("a pool that is fed")
    }

    /// What was met.
    fn note(&mut self, plan: &Plan, count: &Count) {
        self.tally.add("settled", 1);
        self.tally.add(plan.kind.clone(), 1);
        self.tally.add(format!("leader {}", plan.leader), 1);
        self.tally
            .add("for merchants", u64::from(plan.commission.is_some()));
        self.tally.add(
            "with home stores",
            u64::from(!count.origin_shares.is_empty()),
        );
        self.tally
            .add("with tax borne by the owner", u64::from(plan.tax_on_top));
        self.tally.add(
            "with tax borne by the member",
            u64::from(plan.tax != 0 && !plan.tax_on_top),
        );
        for (program, &(cash, coins)) in plan.programs.iter().zip(&count.programs) {
            self.tally.add(
                format!("{} paid", program.name),
                u64::from(cash + coins != 0),
            );
        }
    }
}

/// How many get their money back.
fn losers(plan: &Plan, winners: usize) -> usize {
    let winners = i128::try_from(winners).unwrap();
    usize::try_from(oracle::payers(plan, winners) - oracle::buyers(plan, winners)).unwrap()
}

/// As many as the campaign allows, nobody twice, and the leader as its rule says.
fn check_winners(plan: &Plan, winners: &[usize], unused: &[usize], settled: &GroupSettled) {
    let won: BTreeSet<usize> = winners.iter().copied().collect();
    assert_eq!(won.len(), winners.len(), "somebody wins twice");
    let count = i128::try_from(winners.len()).unwrap();
    let ballot = plan.kind == "ballot";
    assert!(count <= plan.most && (ballot || plan.fewest <= count));
    match plan.leader.as_str() {
        "exempt" => assert!(!won.contains(&0)),
        "buys" => assert!(won.contains(&0)),
        _ => {}
    }
    let told = settled.ballot.as_ref().map_or(&[][..], |over| &over.unused);
    let told: Vec<usize> = told.iter().map(|&seat| index(seat)).collect();
    assert_eq!(told, unused, "rights that were not used");
}

/// What the record pays, in the oracle's words. A consolation that is the same for all is written out for each.
fn payments(plan: &Plan, settled: &GroupSettled, unused: &[usize]) -> Vec<Payment> {
    let listed = settled.rewards.iter().map(|paid| Payment {
        rule: index(paid.rule),
        program: paid.program.name().to_owned(),
        source_seat: paid.source_seat.map(index),
        member: index(paid.member.0),
        cash: paid.cash.0.into(),
        coins: paid.coins.0.into(),
    });
    let mut all = Vec::new();
    let (cash, coins) = (settled.consolation_cash.0, settled.consolation_coins.0);
    if cash != 0 || coins != 0 {
        let mut programs = plan.programs.iter();
        let rule = programs.position(|program| program.name == "consolation");
        let losers = settled.seats.iter().enumerate().filter(|(seat, _)| {
            let won = settled.winners.iter().any(|&winner| index(winner) == *seat);
            !won && !unused.contains(seat)
        });
        all.extend(losers.map(|(seat, whose)| Payment {
            rule: rule.expect("a consolation"),
            program: "consolation".to_owned(),
            source_seat: Some(seat),
            member: index(whose.member.0),
            cash: cash.into(),
            coins: coins.into(),
        }));
    }
    all.extend(listed);
    // Stable: the order within a program stays the record's.
    all.sort_by_key(|payment| payment.rule);
    all
}

/// No program more than its bound, no group more than its envelope, by what is printed and by the oracle.
fn keeps_its_bounds(
    offer: &Offer,
    count: &Count,
    lines: &Solvency,
    winners: &[usize],
    context: &dyn Fn() -> String,
) {
    let winners = i128::try_from(winners.len()).unwrap();
    let (mut cash, mut coins) = (0, 0);
    for (rule, (paid, term)) in count.programs.iter().zip(&lines.rewards).enumerate() {
        let least = gate::bound(&offer.plan, rule, winners).min(term.bound.cash.0.into());
        assert!(
            paid.0 <= least && paid.1 <= i128::from(term.bound.coins.0),
            "rule {rule} pays {paid:?}, more than its bound {term:?} in {}",
            context()
        );
        cash += paid.0;
        coins += paid.1;
    }
    let envelope = gate::envelope(&offer.plan, winners);
    assert!(
        cash <= envelope.min(lines.envelope.cash.0.into())
            && coins <= i128::from(lines.envelope.coins.0),
        "{cash} and {coins} coins of an envelope of {:?} in {}",
        lines.envelope,
        context()
    );
}
