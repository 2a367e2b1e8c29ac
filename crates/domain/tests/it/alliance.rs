//! Merchants, contracts, stores and merchants' campaigns (rules 10.3).

use domain::*;

use crate::{
    shop::{Shop, campaign, consolation},
    standing::DAY_S,
};

/// 10 % commission, ρ 20 %, no entry fee.
pub(crate) fn contract() -> Contract {
    Contract {
        entry_fee: Money(0),
        commission: Some(Rate(100_000)),
        settlement: Some(Rate(200_000)),
        cash: CashTaker::Platform,
        lock_days: None,
        origin_share: None,
        channel: None,
    }
}

impl Shop {
    pub(crate) fn alliance(&mut self, command: AllianceCommand) -> Result<Answer, Refusal> {
        self.try_do(Command::Alliance(command))
    }

    #[track_caller]
    pub(crate) fn admit(&mut self, contract: Contract) -> MerchantId {
        let mut token = [9; 16];
        token[0] = u8::try_from(self.world.merchants()).unwrap();
        match self.alliance(AllianceCommand::AdmitMerchant { token, contract }) {
            Ok(Answer::Merchant(merchant)) => merchant,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn open_store(&mut self, merchant: MerchantId) -> StoreId {
        let mut token = [8; 16];
        token[0] = u8::try_from(self.world.stores()).unwrap();
        match self.alliance(AllianceCommand::OpenStore { merchant, token }) {
            Ok(Answer::Store(store)) => store,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn publish_for(
        &mut self,
        merchant: MerchantId,
        terms: Campaign,
    ) -> Result<CampaignId, Refusal> {
        let campaign = Box::new(terms);
        let answer = self.alliance(AllianceCommand::PublishFor { merchant, campaign })?;
        match answer {
            Answer::Campaign(campaign) => Ok(campaign),
            other => panic!("{other:?}"),
        }
    }

    /// As the platform's own, or for a merchant whose contract fits.
    pub(crate) fn publish_whosever(&mut self, terms: Campaign) -> Result<CampaignId, Refusal> {
        let Some(own) = terms.merchant else {
            let campaign = Box::new(terms);
            return match self.try_do(Command::PublishCampaign { campaign })? {
                Answer::Campaign(campaign) => Ok(campaign),
                other => panic!("{other:?}"),
            };
        };
        let merchant = self.admit(Contract {
            commission: Some(own.commission),
            ..contract()
        });
        self.publish_for(merchant, terms)
    }

    fn money(&self, merchant: MerchantId) -> (i64, i64, i64) {
        let (payable, vesting, owes) = self.world.merchant_money(merchant);
        (payable.0, vesting.0, owes.0)
    }

    fn ship_and_receive(&mut self, orders: std::ops::Range<u64>) {
        for order in orders.map(OrderId) {
            self.must(Command::ShipOrder { order });
            let member = self.world.order(order).unwrap().member;
            self.must(Command::ReceiveOrder { order, member });
        }
    }

    fn send_back(&mut self, order: u64) {
        let order = OrderId(order);
        let member = self.world.order(order).unwrap().member;
        self.must(Command::ReturnOrder { order, member });
        self.must(Command::TakeBackOrder { order });
    }
}

/// 5 seats of 100 yuan, 2 win; 10 % commission, the channel takes 1 %, each of the others gets 5 yuan.
fn lunch() -> Campaign {
    let mut terms = campaign(10_000, 5, 2, 77_777);
    terms.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    terms.channel.fee = Rate(10_000);
    terms.rewards = vec![consolation(500, 0)];
    terms
}

#[track_caller]
fn refused(outcome: Result<impl std::fmt::Debug, Refusal>, code: &str) {
    assert_eq!(outcome.unwrap_err().code(), code);
}

#[test]
fn who_is_a_merchant_and_what_he_may_begin() {
    let mut shop = Shop::new();
    let nobody = MerchantId(0);
    let suspend = |merchant| AllianceCommand::SuspendMerchant { merchant };
    let token = [1; 16];
    refused(shop.alliance(suspend(nobody)), "merchant_unknown");
    refused(
        shop.alliance(AllianceCommand::OpenStore {
            merchant: nobody,
            token,
        }),
        "merchant_unknown",
    );
    for bad in [
        Contract {
            entry_fee: Money(-1),
            ..contract()
        },
        Contract {
            entry_fee: Money(MAX_AMOUNT_FEN + 1),
            ..contract()
        },
        Contract {
            commission: Some(Rate(1_000_001)),
            ..contract()
        },
        Contract {
            settlement: Some(Rate(1_000_001)),
            ..contract()
        },
    ] {
        let admit = AllianceCommand::AdmitMerchant {
            token,
            contract: bad,
        };
        refused(shop.alliance(admit), "contract_invalid");
    }
    let merchant = shop.admit(Contract {
        entry_fee: Money(50_000),
        ..contract()
    });
    let again = AllianceCommand::AdmitMerchant {
        token: shop.world.merchant(merchant).unwrap().token,
        contract: contract(),
    };
    assert_eq!(shop.alliance(again), Ok(Answer::Merchant(merchant)));
    assert_eq!(shop.money(merchant), (0, 0, 50_000));
    assert_eq!(shop.balance("entry-fees"), -50_000);
    // Nobody has paid it yet, so it is no money of the platform's.
    assert_eq!(shop.world.books().own, Money(0));
    let store = shop.open_store(merchant);
    assert_eq!(shop.world.store(store).unwrap().0, merchant);
    let other = shop.admit(contract());
    let taken = AllianceCommand::OpenStore {
        merchant: other,
        token: shop.world.store(store).unwrap().1,
    };
    refused(shop.alliance(taken), "store_unknown");

    refused(
        shop.try_do(Command::PublishCampaign {
            campaign: Box::new(lunch()),
        }),
        "merchant_missing",
    );
    refused(shop.publish_for(MerchantId(9), lunch()), "merchant_unknown");
    refused(
        shop.publish_for(merchant, campaign(100, 2, 1, 0)),
        "merchant_missing",
    );
    let mut dear = lunch();
    dear.merchant = Some(MerchantTerms {
        commission: Rate(110_000),
    });
    refused(
        shop.publish_for(merchant, dear.clone()),
        "commission_differs",
    );
    let sign = |contract| AllianceCommand::SignContract { merchant, contract };
    shop.alliance(sign(Contract {
        commission: None,
        ..contract()
    }))
    .unwrap();
    refused(
        shop.publish_for(merchant, dear.clone()),
        "commission_differs",
    );
    let commission = Some(Rate(110_000));
    shop.alliance(sign(Contract {
        commission,
        ..contract()
    }))
    .unwrap();
    assert_eq!(shop.world.merchant(merchant).unwrap().version, 3);
    let published = shop.publish_for(merchant, dear.clone()).unwrap();
    assert_eq!(shop.world.merchant_of(published), Some(merchant));

    let leader = shop.member(None);
    shop.alliance(suspend(merchant)).unwrap();
    refused(shop.publish_for(merchant, dear), "merchant_suspended");
    refused(
        shop.alliance(AllianceCommand::OpenStore { merchant, token }),
        "merchant_suspended",
    );
    let open = |campaign| Command::OpenGroup {
        campaign,
        member: leader,
        via: None,
    };
    refused(shop.try_do(open(published)), "merchant_suspended");
    let before = shop.records.len();
    assert_eq!(shop.alliance(suspend(merchant)), Ok(Answer::Done));
    assert_eq!(shop.records.len(), before);
    shop.alliance(AllianceCommand::ReinstateMerchant { merchant })
        .unwrap();
    shop.must(open(published));
    shop.check();
}

/// 2 × 100 − 2 × 10 − 2 × 1 − 3 × 5 = 163 yuan, which wait until both have kept what they got.
#[test]
fn the_merchant_is_due_the_sales_less_commission_fees_and_rewards() {
    let mut shop = Shop::new();
    let merchant = shop.admit(contract());
    let offer = shop.publish_for(merchant, lunch()).unwrap();
    let members = shop.members(5);
    let group = shop.fill(offer, &members);
    shop.settle(group);
    assert_eq!(shop.money(merchant), (0, 16_300, 0));
    shop.refund_all();
    for (account, amount) in [
        ("commission", -2_000),
        ("sales", 0),
        ("suppliers", 0),
        ("rewards", 0),
        ("channel-fees", 0),
    ] {
        assert_eq!(shop.balance(account), amount, "{account}");
    }
    let books = shop.world.books();
    assert_eq!(books.own, Money(2_000));
    assert!(books.owed.contains(&("merchant-vesting", Money(16_300))));
    shop.check();
    shop.ship_and_receive(0..2);
    assert_eq!(shop.money(merchant), (0, 16_300, 0));
    shop.wait(7 * DAY_S);
    shop.tick();
    assert_eq!(shop.money(merchant), (16_300, 0, 0));
    assert_eq!(shop.world.books().own, Money(2_000));
    shop.check();
}

/// What is sold for him is read off the settlement: nothing that follows from a loss may come between.
#[test]
fn losers_who_pause_take_nothing_from_the_merchant() {
    let mut shop = Shop::new();
    let mut own = crate::profiles::own_profile();
    own.terms.loss_pause = Some(LossPause {
        losses: 1,
        pause: Duration::seconds(3_600),
    });
    let profile = Profile::Own(Box::new(own));
    shop.must(Command::AdoptProfile {
        profile: Box::new(profile.clone()),
    });
    let merchant = shop.admit(contract());
    let mut terms = lunch();
    terms.profile = profile;
    let offer = shop.publish_for(merchant, terms).unwrap();
    let members = shop.members(5);
    let group = shop.fill(offer, &members);
    let outcome = Box::new(shop.outcome(group));
    shop.must(Command::SettleGroup { group, outcome });
    assert_eq!(shop.money(merchant), (0, 16_300, 0));
    shop.check();
    let pausing = members.iter().filter(|&&member| {
        let open = Command::OpenGroup {
            campaign: offer,
            member,
            via: None,
        };
        shop.try_do(open)
            .is_err_and(|refusal| refusal.code() == "loss_pause")
    });
    assert_eq!(pausing.count(), 3);
}

#[test]
fn returns_give_back_commission_fee_and_the_merchants_part() {
    let mut shop = Shop::new();
    let merchant = shop.admit(contract());
    let offer = shop.publish_for(merchant, lunch()).unwrap();
    let members = shop.members(5);
    let group = shop.fill(offer, &members);
    shop.settle(group);
    shop.ship_and_receive(0..2);
    // 100 − 10 − 1 = 89 yuan of his.
    shop.send_back(0);
    assert_eq!(shop.money(merchant), (0, 16_300 - 8_900, 0));
    assert_eq!(shop.balance("commission"), -1_000);
    shop.check();
    // The second return takes the other 74, and 15 that the others' consolation has cost: he owes them.
    shop.send_back(1);
    assert_eq!(shop.money(merchant), (0, 0, 1_500));
    assert_eq!(shop.balance("commission"), 0);
    shop.refund_all();
    for account in [
        "sales",
        "rewards",
        "channel-fees",
        "escrow",
        "merchant-vesting",
    ] {
        assert_eq!(shop.balance(account), 0, "{account}");
    }
    // What he owes is not there yet.
    assert_eq!(shop.world.books().own, Money(-1_500));
    shop.check();
}

/// Where the channel keeps its fees on refunds the merchant bears those of all payments, and gets none back.
#[test]
fn fees_that_the_channel_keeps_are_the_merchants() {
    let mut shop = Shop::new();
    let merchant = shop.admit(contract());
    let mut terms = lunch();
    terms.channel.kept_on_refund = true;
    let offer = shop.publish_for(merchant, terms).unwrap();
    let members = shop.members(5);
    let group = shop.fill(offer, &members);
    shop.settle(group);
    assert_eq!(shop.money(merchant).1, 16_000);
    shop.ship_and_receive(0..1);
    shop.send_back(0);
    assert_eq!(shop.money(merchant).1, 16_000 - 9_000);
    shop.refund_all();
    assert_eq!(shop.balance("channel-fees"), 0);
    shop.check();
}

#[test]
fn everyone_buys_of_a_merchant_and_prizes_are_his_affair() {
    let mut shop = Shop::new();
    let merchant = shop.admit(contract());
    let mut terms = lunch();
    terms.kind = Kind::EveryoneBuys;
    terms.group.winners = 5;
    terms.rewards.clear();
    let offer = shop.publish_for(merchant, terms.clone()).unwrap();
    let members = shop.members(5);
    let group = shop.open(offer, members[0]);
    for &member in &members[1..] {
        shop.seat(group, member);
    }
    assert_eq!(shop.money(merchant).1, 5 * 8_900);
    terms.kind = Kind::BonusDraw;
    terms.group.winners = 1;
    terms.prize = Some(Prize {
        title: terms.name.clone(),
        cost: Money(5_000),
    });
    let offer = shop.publish_for(merchant, terms).unwrap();
    let group = shop.fill(offer, &members);
    shop.settle(group);
    assert_eq!(shop.money(merchant).1, 10 * 8_900);
    assert_eq!(shop.balance("suppliers"), 0);
    shop.check();
}

/// The dividend pool is filled on the merchant's account, and what leaves it with a return is his again.
#[test]
fn the_merchant_bears_what_goes_into_the_pool() {
    use rewards::{Base, Dividend, Limit, Program, Reward, Source};
    let mut shop = Shop::new();
    let merchant = shop.admit(contract());
    let mut terms = lunch();
    let program = Program::Dividend(Dividend {
        source: Source::Winners,
        base: Base::Price,
        rate: Rate(50_000),
    });
    let limit = Limit::None;
    terms.rewards.push(Reward { program, limit });
    let offer = shop.publish_for(merchant, terms).unwrap();
    let members = shop.members(5);
    let group = shop.fill(offer, &members);
    shop.settle(group);
    assert_eq!(shop.money(merchant), (0, 16_300 - 1_000, 0));
    assert_eq!(shop.balance("dividend-pool"), -1_000);
    shop.ship_and_receive(0..1);
    shop.send_back(0);
    assert_eq!(shop.money(merchant), (0, 16_300 - 1_000 - 8_400, 0));
    assert_eq!(shop.balance("dividend-pool"), -500);
    assert_eq!(shop.balance("rewards"), 0);
    shop.check();
}

#[test]
fn a_suspended_merchants_open_groups_finish_as_published() {
    let mut shop = Shop::new();
    let merchant = shop.admit(contract());
    let offer = shop.publish_for(merchant, lunch()).unwrap();
    let members = shop.members(5);
    let group = shop.open(offer, members[0]);
    shop.alliance(AllianceCommand::SuspendMerchant { merchant })
        .unwrap();
    let late = Contract {
        commission: Some(Rate(500_000)),
        ..contract()
    };
    shop.alliance(AllianceCommand::SignContract {
        merchant,
        contract: late,
    })
    .unwrap();
    for &member in &members[1..] {
        shop.seat(group, member);
    }
    shop.settle(group);
    assert_eq!(shop.money(merchant), (0, 16_300, 0));
    shop.check();
}

/// Something of every kind that is stored of the alliance.
pub(crate) fn every_kind(shop: &mut Shop) {
    let merchant = shop.admit(Contract {
        entry_fee: Money(50_000),
        ..contract()
    });
    shop.open_store(merchant);
    let offer = shop.publish_for(merchant, lunch()).unwrap();
    let members = shop.members(5);
    let group = shop.fill(offer, &members);
    shop.settle(group);
    shop.alliance(AllianceCommand::SuspendMerchant { merchant })
        .unwrap();
    shop.alliance(AllianceCommand::SignContract {
        merchant,
        contract: Contract {
            entry_fee: Money(0),
            commission: None,
            settlement: None,
            cash: CashTaker::Store,
            lock_days: None,
            origin_share: None,
            channel: None,
        },
    })
    .unwrap();
    shop.alliance(AllianceCommand::ReinstateMerchant { merchant })
        .unwrap();
    shop.ship_and_receive(0..2);
    shop.send_back(0);
    shop.wait(7 * DAY_S);
    shop.tick();
}

#[test]
fn every_kind_is_among_the_stored() {
    let mut shop = Shop::new();
    every_kind(&mut shop);
    crate::counters::every_kind(&mut shop);
    crate::statements::every_kind(&mut shop);
    crate::homes::every_kind(&mut shop);
    let mut records = shop.records;
    records.extend(crate::counter_cash::every_kind());
    records.extend(crate::counter_cash::withdrawn());
    records.extend(crate::homes::at_counters());
    records.extend(crate::debts::every_kind());
    let events = records.iter().flat_map(|record| &record.events);
    let mut names: Vec<&str> = events
        .filter_map(|event| match event {
            Event::Alliance(event) => Some(event.name()),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut all = AllianceEvent::NAMES;
    all.sort_unstable();
    assert_eq!(names, all);
}
