//! What a history plays under: a profile with or without tax, plans, and campaigns of every kind that pass the gate.

use std::rc::Rc;

use domain::{
    AllianceCommand, Answer, BeaconSource, Campaign, CampaignId, CashTaker, Circle, Command,
    Contract, DividendTerms, DividendWeight, Kind, MerchantId, Money, OwnProfile, Period,
    PlanTerms, Profile, RankRule, Rate, StoreId, TaxBearer, VipRule,
};
use schema::{Installation, parse_toml};

use super::book::Offer;
use super::live::{GENESIS_S, Live, OnOffer, beacon};
use super::town::{Every, Levels, Pool, Scale};
use crate::file::Plan;
use crate::plans::{self, Size};

fn installation() -> Installation {
    let (_, file) = beacon();
    Installation {
        log: draw::Origin::new("shop.example/log").unwrap(),
        source: BeaconSource::Local {
            beacon: file.hash().0,
            genesis: GENESIS_S,
            period: 30,
        },
        delay_s: 3,
        own: None,
    }
}

/// Plan 1 of rules 3.
fn first_plan() -> PlanTerms {
    let rank = |invitees, yuan: i64| RankRule {
        invitees,
        team_sales: Money(yuan * 100),
    };
    PlanTerms {
        vip: VipRule::Invitees(vec![1, 3, 6]),
        ranks: vec![
            rank(3, 10_000),
            rank(5, 50_000),
            rank(8, 200_000),
            rank(12, 1_000_000),
            rank(20, 5_000_000),
        ],
        leader_rank: 3,
        dividend: DividendTerms {
            period: Period::Month,
            weight: DividendWeight::TeamSales,
        },
    }
}

/// The same plan in the book's words.
fn scale(terms: &PlanTerms) -> Scale {
    let count = |number: &u32| usize::try_from(*number).unwrap();
    Scale {
        levels: match &terms.vip {
            VipRule::Invitees(least) => Levels::Invitees(least.iter().map(count).collect()),
            VipRule::KeptSales(least) => {
                Levels::Kept(least.iter().map(|least| least.0.into()).collect())
            }
        },
        ranks: terms
            .ranks
            .iter()
            .map(|rule| (count(&rule.invitees), rule.team_sales.0.into()))
            .collect(),
        leader_rank: terms.leader_rank.into(),
        every: match terms.dividend.period {
            Period::Day => Every::Day,
            Period::Week => Every::Week,
            Period::Month => Every::Month,
        },
        weights: match &terms.dividend.weight {
            DividendWeight::TeamSales => None,
            DividendWeight::ByRank(weights) => {
                Some(weights.iter().map(|&weight| weight.into()).collect())
            }
        },
        rank: Vec::new(),
        set: std::collections::BTreeSet::new(),
        pool: None,
    }
}

impl Live {
    /// Half of the histories withhold tax, of the member or on top of what the owner pays.
    pub(super) fn adopt_profile(&mut self) {
        if self.dice.percent(50) {
            return;
        }
        let mut terms = Profile::Seed.terms().clone();
        terms.withholding.occasional = Rate(*self.dice.pick(&[&200_000, &33_333, &1]));
        terms.withholding.borne_by = if self.dice.percent(50) {
            TaxBearer::Owner
        } else {
            TaxBearer::Member
        };
        self.profile = Profile::Own(Box::new(OwnProfile {
            name: "ours".to_owned(),
            signed_by: "Wang Xiaoming".to_owned(),
            opinion: [7; 32],
            expires: domain::Millis::of_date(2100, 1, 1).unwrap(),
            campaigns: Vec::new(),
            terms,
        }));
        self.must(Command::AdoptProfile {
            profile: Box::new(self.profile.clone()),
        });
    }

    pub(super) fn founding_plans(&mut self) {
        self.book.town.publish(scale(&first_plan()));
        for _ in 0..self.dice.between(1, 2) {
            self.one_more_plan();
        }
    }

    fn one_more_plan(&mut self) {
        let dice = &mut self.dice;
        let levels = dice.between(1, 4);
        let vip = if dice.percent(60) {
            let mut least = 0;
            VipRule::Invitees(
                (0..levels)
                    .map(|_| {
                        least += u32::try_from(dice.between(1, 2)).unwrap();
                        least
                    })
                    .collect(),
            )
        } else {
            VipRule::KeptSales(rising(dice, levels))
        };
        let ranks = dice.between(1, 5);
        let mut invitees = 0;
        let ranks: Vec<RankRule> = rising(dice, ranks)
            .into_iter()
            .map(|team_sales| {
                invitees += u32::try_from(dice.between(0, 1)).unwrap();
                RankRule {
                    invitees,
                    team_sales,
                }
            })
            .collect();
        let weight = if dice.percent(50) {
            DividendWeight::TeamSales
        } else {
            let weight = |_: &RankRule| u32::try_from(dice.between(0, 5)).unwrap();
            DividendWeight::ByRank(ranks.iter().map(weight).collect())
        };
        let leader_rank = u16::try_from(dice.between(1, ranks.len().min(2))).unwrap();
        let terms = PlanTerms {
            vip,
            ranks,
            leader_rank,
            dividend: DividendTerms {
                period: *dice.pick(&[&Period::Day, &Period::Day, &Period::Week, &Period::Month]),
                weight,
            },
        };
        self.book.town.publish(scale(&terms));
        self.must(Command::PublishPlan {
            terms: Box::new(terms),
        });
    }

    /// More campaigns, now and then under a new plan.
    pub(super) fn more_on_offer(&mut self) {
        if self.dice.percent(30) {
            self.one_more_plan();
        }
        let mut published = 0;
        for _ in 0..300 {
            published += usize::from(self.try_offer().is_some());
            if published == 8 {
                return;
            }
        }
        assert_ne!(published, 0, "no campaign passes the gate");
    }

    /// One random campaign, if it passes.
    fn try_offer(&mut self) -> Option<()> {
        let size = if self.dice.percent(8) {
            Size::Middle
        } else {
            Size::Small
        };
        let text = plans::random(&mut self.dice, size);
        let mut terms = parse_toml(&text).unwrap().resolve(&installation()).ok()?;
        let mut plan = Plan::read(&text);
        if terms.profile == Profile::Seed || self.profile != Profile::Seed {
            terms.profile = self.profile.clone();
            let plans = self.book.town.scales.len();
            terms.plan = u32::try_from(self.dice.between(1, plans)).unwrap();
        }
        let withholding = terms.profile.terms().withholding;
        plan.tax = withholding.occasional.0.into();
        plan.tax_on_top = withholding.borne_by == TaxBearer::Owner;
        if terms.kind == Kind::Treat && self.dice.percent(50) {
            let least = terms.group.winners + 1;
            let seats = usize::try_from(terms.group.seats).unwrap();
            let fewest = self.dice.between(usize::try_from(least).unwrap(), seats);
            terms.group.seats_from = Some(u32::try_from(fewest).unwrap());
            if self.dice.percent(50) {
                terms.group.price_from = Some(Money(terms.group.price.0 / 2 + 1));
            }
        }
        domain::check_solvency(&terms).ok()?;
        let published = self.publish(terms.clone());
        let (campaign, merchant, store) = published?;
        let offer = Offer {
            text,
            plan,
            terms: terms.clone(),
            merchant: merchant.map(|merchant| usize::try_from(merchant.0).unwrap()),
        };
        self.book.offers.insert(campaign.0, Rc::new(offer));
        if terms.feeds_pool() {
            let at = usize::try_from(terms.plan).unwrap() - 1;
            let pool = &mut self.book.town.scales[at].pool;
            pool.get_or_insert_with(Pool::default);
        }
        self.on_offer.push(OnOffer {
            campaign,
            store: store.filter(|_| terms.kind == Kind::Treat),
            rotates: terms.group.circle == Circle::Rotate,
        });
        Some(())
    }

    /// As the platform's own, or for a merchant with a store, whom it admits.
    fn publish(
        &mut self,
        terms: Campaign,
    ) -> Option<(CampaignId, Option<MerchantId>, Option<StoreId>)> {
        let campaign = Box::new(terms);
        let Some(own) = campaign.merchant else {
            let answer = self.ask(Command::PublishCampaign { campaign });
            return match answer {
                Ok(Answer::Campaign(campaign)) => Some((campaign, None, None)),
                _ => None,
            };
        };
        let token = self.token();
        let lock_days = *self.dice.pick(&[&1, &3, &12, &3_650]);
        let contract = Contract {
            entry_fee: Money(0),
            commission: Some(own.commission),
            settlement: None,
            cash: CashTaker::Platform,
            lock_days: Some(lock_days),
            origin_share: None,
            channel: None,
        };
        let admit = AllianceCommand::AdmitMerchant { token, contract };
        let Ok(Answer::Merchant(merchant)) = self.ask(Command::Alliance(admit)) else {
            return None;
        };
        let token = self.token();
        let open = AllianceCommand::OpenStore { merchant, token };
        let Ok(Answer::Store(store)) = self.ask(Command::Alliance(open)) else {
            return None;
        };
        let publish = AllianceCommand::PublishFor { merchant, campaign };
        match self.ask(Command::Alliance(publish)) {
            Ok(Answer::Campaign(campaign)) => Some((campaign, Some(merchant), Some(store))),
            _ => None,
        }
    }
}

/// So many amounts, each above the one before.
fn rising(dice: &mut crate::dice::Dice, count: usize) -> Vec<Money> {
    let mut amount = 0;
    (0..count)
        .map(|_| {
            let most = *dice.pick(&[&100, &10_000, &1_000_000]);
            amount += i64::try_from(dice.between(1, most)).unwrap();
            Money(amount)
        })
        .collect()
}
