//! The words of every notice, in both languages. All of them stand here: the inbox and every connector give the same.

use domain::{Bounce, Closing, Coins, Money, NoticeKind};
use views::{NoticeRow, RefundReason};

use super::Told;
use crate::wire::Words;

/// What a notice says.
pub(crate) fn text(told: &Told) -> Words {
    match told {
        Told::Event(row) => of_event(row),
        Told::Expiring { notice, .. } => expiring(notice.coins),
    }
}

fn words(zh: impl Into<String>, en: impl Into<String>) -> Words {
    Words {
        zh: zh.into(),
        en: en.into(),
    }
}

fn coins(coins: Coins) -> String {
    Money(coins.0).to_decimal()
}

fn of_event(row: &NoticeRow) -> Words {
    let name = group(row);
    let ended = |zh: String, en: String| with_money(row, words(zh, capital(&en)));
    match row.kind {
        NoticeKind::Filled => words(
            format!("{}已满员。", name.zh),
            capital(&format!("{} is full.", name.en)),
        ),
        NoticeKind::Won => ended(
            format!("{}已开奖：你有 {} 个名额被抽中。", name.zh, row.won),
            format!("{} is drawn: {} of your seats won.", name.en, row.won),
        ),
        NoticeKind::NotWon => ended(
            format!("{}已开奖：你未被抽中。", name.zh),
            format!("{} is drawn: you have not won.", name.en),
        ),
        NoticeKind::Bought => ended(
            format!("{}已成团：你已购得商品。", name.zh),
            format!("{} is complete: the product is yours.", name.en),
        ),
        NoticeKind::Refunded => refunded(row, &name),
        NoticeKind::Shipped => {
            let order = row.number.unwrap_or_default();
            words(
                format!("你的订单 {order} 已发货。"),
                format!("Your order {order} is on its way."),
            )
        }
        NoticeKind::Vested => {
            let (sum, tax) = (together(row.amount, row.coins), taxed(row.tax));
            words(
                format!("{}的奖励已解冻：{}{}，现在可用。", name.zh, sum.zh, tax.zh),
                format!(
                    "Rewards of {} are available now: {}{}.",
                    name.en, sum.en, tax.en
                ),
            )
        }
        NoticeKind::Dividend => words(
            format!("分红已到账：{} 元。", row.amount.to_decimal()),
            format!("A dividend has come: ¥{}.", row.amount.to_decimal()),
        ),
        NoticeKind::CoinsExpiring => expiring(row.coins),
        NoticeKind::CoinsExpired => words(
            format!("{} 购物币已过期。", coins(row.coins)),
            format!("{} coins have expired.", coins(row.coins)),
        ),
        NoticeKind::WithdrawalSent
        | NoticeKind::WithdrawalWaiting
        | NoticeKind::WithdrawalPaid
        | NoticeKind::WithdrawalRejected
        | NoticeKind::WithdrawalFailed
        | NoticeKind::WithdrawalExpired => of_withdrawal(row),
        NoticeKind::PurchaseShipped
        | NoticeKind::PurchaseReturned
        | NoticeKind::RechargeRefunded
        | NoticeKind::OrderFetched
        | NoticeKind::PurchaseFetched
        | NoticeKind::CounterPaid
        | NoticeKind::CounterReversed => of_shop(row),
        NoticeKind::CoinsGiven | NoticeKind::UnitGiven | NoticeKind::VipGiven => of_gift(row),
        NoticeKind::Frozen => words(
            "你的账号已被冻结：不能发起新的操作，已参加的团照常进行。",
            "Your account is frozen: you can begin nothing new; what has begun goes on.",
        ),
        NoticeKind::Unfrozen => words("你的账号已解除冻结。", "Your account is no longer frozen."),
        NoticeKind::ClawedBack => clawed_back(row),
        NoticeKind::MayBuy | NoticeKind::RightUnused => of_right(row, &name),
    }
}

/// A right to buy in a ballot.
fn of_right(row: &NoticeRow, name: &Words) -> Words {
    if row.kind == NoticeKind::RightUnused {
        return words(
            format!("{}：你未在时限内购买，资格已失效。", name.zh),
            capital(&format!(
                "{}: you did not buy in time, and your right is over.",
                name.en
            )),
        );
    }
    words(
        format!("{}已摇号：你可以购买，时限见团页。", name.zh),
        capital(&format!(
            "{} is drawn: you may buy, until the time on its page.",
            name.en
        )),
    )
}

fn clawed_back(row: &NoticeRow) -> Words {
    let amount = row.amount.to_decimal();
    match row.group {
        Some(group) => words(
            format!("{group} 号团的奖励 {amount} 元已被追回。"),
            format!("¥{amount} of your rewards of group {group} was taken back."),
        ),
        None => words(
            format!("你的奖励 {amount} 元已被追回。"),
            format!("¥{amount} of your rewards was taken back."),
        ),
    }
}

/// What a recharge gives.
fn of_gift(row: &NoticeRow) -> Words {
    let (number, held) = (row.number.unwrap_or_default(), coins(row.coins));
    if row.kind == NoticeKind::UnitGiven {
        return words(
            format!("充值赠送的商品归你了，见购买 {number}：请填写收货地址或到门店领取。"),
            format!(
                "What your recharge gives is yours: see purchase {number}, and say where it is sent or fetch it."
            ),
        );
    }
    if row.kind == NoticeKind::VipGiven {
        return words(
            format!("充值 {number} 赠送的 VIP 等级已生效，期限见「我的」。"),
            format!(
                "The VIP level that your recharge {number} gives has begun; your page says until when."
            ),
        );
    }
    words(
        format!("充值 {number} 赠送的 {held} 购物币已到账。"),
        format!("{held} coins came as the gift of your recharge {number}."),
    )
}

/// Purchases, what is fetched, bought coins, payments at counters.
fn of_shop(row: &NoticeRow) -> Words {
    let number = row.number.unwrap_or_default();
    let sum = together(row.amount, row.coins);
    let (amount, held) = (row.amount.to_decimal(), coins(row.coins));
    let (zh, en) = match row.kind {
        NoticeKind::PurchaseReturned => (
            format!("你的购买 {number} 已退，退还给你：{}。", sum.zh),
            format!(
                "Your purchase {number} is undone; what comes back: {}.",
                sum.en
            ),
        ),
        NoticeKind::RechargeRefunded => (
            format!("你的充值 {number} 未用部分 {amount} 元正原路退回，{held} 购物币已扣除。"),
            format!(
                "¥{amount} of your recharge {number} goes back the way it came; its {held} coins are gone."
            ),
        ),
        NoticeKind::OrderFetched => (
            format!("你的订单 {number} 已在门店领取或核销。"),
            format!("Your order {number} was given out at a store."),
        ),
        NoticeKind::PurchaseFetched => (
            format!("你的购买 {number} 已在门店领取或核销。"),
            format!("Your purchase {number} was given out at a store."),
        ),
        NoticeKind::CounterPaid => (
            format!("你在门店付了一笔 {amount} 元的账单，其中用了 {held} 购物币。"),
            format!("You paid a bill of ¥{amount} at a store, {held} of it in coins."),
        ),
        NoticeKind::CounterReversed => (
            format!("你在门店的付款 {number} 已撤销：{held} 购物币已退还。"),
            format!("Your payment {number} at a store was undone: {held} coins are back."),
        ),
        NoticeKind::PurchaseShipped
        | NoticeKind::Filled
        | NoticeKind::Won
        | NoticeKind::NotWon
        | NoticeKind::Bought
        | NoticeKind::Refunded
        | NoticeKind::Shipped
        | NoticeKind::Vested
        | NoticeKind::Dividend
        | NoticeKind::CoinsExpiring
        | NoticeKind::CoinsExpired
        | NoticeKind::WithdrawalSent
        | NoticeKind::WithdrawalWaiting
        | NoticeKind::WithdrawalPaid
        | NoticeKind::WithdrawalRejected
        | NoticeKind::WithdrawalFailed
        | NoticeKind::WithdrawalExpired
        | NoticeKind::Frozen
        | NoticeKind::Unfrozen
        | NoticeKind::ClawedBack
        | NoticeKind::MayBuy
        | NoticeKind::RightUnused
        | NoticeKind::CoinsGiven
        | NoticeKind::UnitGiven
        | NoticeKind::VipGiven => (
            format!("你的购买 {number} 已发货。"),
            format!("Your purchase {number} is on its way."),
        ),
    };
    words(zh, en)
}

fn expiring(left: Coins) -> Words {
    words(
        format!("你有 {} 购物币将在本月底过期，请在此前使用。", coins(left)),
        format!(
            "{} coins of yours expire at the end of this month: use them before.",
            coins(left)
        ),
    )
}

/// What goes back and what comes on top, after what has become of the group.
fn with_money(row: &NoticeRow, mut said: Words) -> Words {
    if row.amount != Money::ZERO {
        let amount = row.amount.to_decimal();
        said.zh.push_str(&format!("{amount} 元正原路退回。"));
        said.en
            .push_str(&format!(" ¥{amount} goes back the way it came."));
    }
    if row.extra != Money::ZERO || row.coins != Coins::ZERO {
        let (extra, tax) = (together(row.extra, row.coins), taxed(row.tax));
        said.zh
            .push_str(&format!("参与奖 {}{}已到账。", extra.zh, tax.zh));
        said.en.push_str(&format!(
            " Your consolation of {}{} is there.",
            extra.en, tax.en
        ));
    }
    said
}

/// What stands behind an amount of which tax was withheld.
fn taxed(tax: Money) -> Words {
    if tax == Money::ZERO {
        return words("", "");
    }
    let tax = tax.to_decimal();
    words(
        format!("（已代扣税 {tax} 元）"),
        format!(" (after ¥{tax} of tax)"),
    )
}

fn refunded(row: &NoticeRow, name: &Words) -> Words {
    let why = row.why.map_or_else(|| words("未说明", "not given"), reason);
    let amount = row.amount.to_decimal();
    if row.group.is_none() {
        return words(
            format!("你的一笔付款 {amount} 元正原路退回：{}。", why.zh),
            format!(
                "A payment of yours of ¥{amount} goes back the way it came: {}.",
                why.en
            ),
        );
    }
    words(
        format!("{}的 {amount} 元正原路退回：{}。", name.zh, why.zh),
        format!(
            "¥{amount} of {} goes back the way it came: {}.",
            name.en, why.en
        ),
    )
}

fn of_withdrawal(row: &NoticeRow) -> Words {
    let amount = row.amount.to_decimal();
    let (zh, en) = match row.kind {
        NoticeKind::WithdrawalWaiting => (
            "等待你确认收款，请尽快确认",
            "waits for you to confirm it: do so soon",
        ),
        NoticeKind::WithdrawalPaid => ("已到账", "is paid"),
        NoticeKind::WithdrawalRejected => (
            "未通过审核，金额已退回可用余额",
            "was rejected; the money is available again",
        ),
        NoticeKind::WithdrawalFailed => (
            "打款失败，金额已退回可用余额",
            "could not be paid; the money is available again",
        ),
        NoticeKind::WithdrawalExpired => (
            "逾期未确认，金额已退回可用余额",
            "was not confirmed in time; the money is available again",
        ),
        NoticeKind::WithdrawalSent
        | NoticeKind::Filled
        | NoticeKind::Won
        | NoticeKind::NotWon
        | NoticeKind::Bought
        | NoticeKind::Refunded
        | NoticeKind::Shipped
        | NoticeKind::Vested
        | NoticeKind::Dividend
        | NoticeKind::CoinsExpiring
        | NoticeKind::CoinsExpired
        | NoticeKind::PurchaseShipped
        | NoticeKind::PurchaseReturned
        | NoticeKind::RechargeRefunded
        | NoticeKind::OrderFetched
        | NoticeKind::PurchaseFetched
        | NoticeKind::CoinsGiven
        | NoticeKind::CounterPaid
        | NoticeKind::CounterReversed
        | NoticeKind::Frozen
        | NoticeKind::Unfrozen
        | NoticeKind::ClawedBack
        | NoticeKind::MayBuy
        | NoticeKind::RightUnused
        | NoticeKind::UnitGiven
        | NoticeKind::VipGiven => ("已通过审核，正在打款", "was approved and is being paid"),
    };
    words(
        format!("你的提现 {amount} 元{zh}。"),
        format!("Your withdrawal of ¥{amount} {en}."),
    )
}

/// Why money goes back.
fn reason(why: RefundReason) -> Words {
    match why {
        RefundReason::Bounced(bounce) => bounced(bounce),
        RefundReason::Left => words("你已退出该团", "you left the group"),
        RefundReason::Closed(why) => match why {
            Closing::Expired => words("到点未满员", "it was not full in time"),
            Closing::LeaderGone => words("团长没有付款或已退出", "its leader did not pay or left"),
            Closing::Cancelled => words("团已取消", "it was cancelled"),
            Closing::Void => words("没有等到随机数", "no beacon value came in time"),
        },
        RefundReason::Lost => words("未中奖", "it was not drawn"),
        RefundReason::Returned => words(
            "已退货，或兑换券未使用",
            "the product was returned, or its voucher was not used",
        ),
        RefundReason::BillReversed => words("门店撤销了付款", "the store took the payment back"),
    }
}

fn bounced(why: Bounce) -> Words {
    match why {
        Bounce::GroupFull => words("团已满员", "the group was full"),
        Bounce::GroupExpired => words("团已过期", "the group had expired"),
        Bounce::GroupCancelled => words("团已取消", "the group was cancelled"),
        Bounce::GroupVoid => words("团已作废", "the group is void"),
        Bounce::GroupSettled => words("团已结算", "the group was settled"),
        Bounce::SecondPayment => words("重复付款", "it was paid twice"),
        Bounce::AmountDiffers => words("付款金额与价格不符", "the amount was not the price"),
        Bounce::NothingToPay => words("没有对应的名额", "there was no place it could pay for"),
        Bounce::SeatLimit => words(
            "已达每人名额上限",
            "you had all the seats a member may have",
        ),
        Bounce::LeaderNotPaid => words("团长还没付款", "the leader had not paid"),
        Bounce::MemberFrozen => words("账号已被冻结", "the account was frozen"),
        Bounce::PurchaseOver => words("购买已结束", "the purchase had ended"),
        Bounce::CoinsGone => words("购物币不足", "the coins for it were gone"),
        Bounce::RightLapsed => words("购买资格已过时限", "the right to buy was not used in time"),
        Bounce::NotInCircle => words("你不在该圈子里", "you were not in this circle"),
        Bounce::MemberLimit => words(
            "你自己或平台设置的限额、禁入不允许",
            "a limit or an exclusion stood against it",
        ),
        Bounce::SelfExcluded => words("你已自我禁入", "you have excluded yourself"),
        Bounce::TooYoung => words("未达到平台的最低年龄", "you are younger than allowed here"),
        Bounce::NotVerified => words(
            "你的姓名和年龄还没有核实",
            "your name and age were not verified",
        ),
        Bounce::LossPause => words("连续未中后的暂停期未满", "you were pausing after losses"),
        Bounce::MoneyLimit => words(
            "超过同时在团中的金额上限",
            "you would have had more money in groups than allowed",
        ),
        Bounce::EntriesLimit => words("已达每日参与次数上限", "you had had all entries of the day"),
        Bounce::ProfileForbids => words(
            "平台规则已不再允许",
            "the platform's rules do not allow it any more",
        ),
    }
}

/// `7 号团`, or what stands for a group that nobody has named.
fn group(row: &NoticeRow) -> Words {
    match row.group {
        Some(group) => words(format!("{group} 号团"), format!("group {group}")),
        None => words("未注明的团", "a group that was not named"),
    }
}

/// `1.00 元和 3.00 购物币`; what is nothing is left out, all but the money where all is nothing.
fn together(money: Money, coins_too: Coins) -> Words {
    let money_zh = format!("{} 元", money.to_decimal());
    let money_en = format!("¥{}", money.to_decimal());
    let (coins_zh, coins_en) = (
        format!("{} 购物币", coins(coins_too)),
        format!("{} coins", coins(coins_too)),
    );
    if coins_too == Coins::ZERO {
        words(money_zh, money_en)
    } else if money == Money::ZERO {
        words(coins_zh, coins_en)
    } else {
        words(
            format!("{money_zh}和 {coins_zh}"),
            format!("{money_en} and {coins_en}"),
        )
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::tests::row;

    #[track_caller]
    fn check(row: NoticeRow, zh: &str, en: &str) {
        let said = text(&Told::Event(row));
        assert_eq!((said.zh.as_str(), said.en.as_str()), (zh, en));
    }

    #[test]
    fn tax_stands_beside_what_came() {
        let taxed = NoticeRow {
            kind: NoticeKind::NotWon,
            extra: Money(400),
            tax: Money(100),
            won: 0,
            lost: 1,
            ..row()
        };
        check(
            taxed,
            "7 号团已开奖：你未被抽中。参与奖 4.00 元（已代扣税 1.00 元）已到账。",
            "Group 7 is drawn: you have not won. Your consolation of ¥4.00 (after ¥1.00 of tax) is there.",
        );
        let vested = NoticeRow {
            kind: NoticeKind::Vested,
            amount: Money(800),
            tax: Money(200),
            ..row()
        };
        check(
            vested,
            "7 号团的奖励已解冻：8.00 元（已代扣税 2.00 元），现在可用。",
            "Rewards of group 7 are available now: ¥8.00 (after ¥2.00 of tax).",
        );
    }

    #[test]
    fn what_notices_say() {
        check(
            row(),
            "7 号团已开奖：你有 1 个名额被抽中。",
            "Group 7 is drawn: 1 of your seats won.",
        );
        let lost = NoticeRow {
            kind: NoticeKind::NotWon,
            amount: Money(10_000),
            extra: Money(500),
            coins: Coins(300),
            won: 0,
            lost: 1,
            ..row()
        };
        check(
            lost,
            "7 号团已开奖：你未被抽中。100.00 元正原路退回。参与奖 5.00 元和 3.00 购物币已到账。",
            "Group 7 is drawn: you have not won. ¥100.00 goes back the way it came. \
             Your consolation of ¥5.00 and 3.00 coins is there.",
        );
        let refunded = NoticeRow {
            kind: NoticeKind::Refunded,
            group: None,
            amount: Money(1_000),
            why: Some(RefundReason::Bounced(Bounce::SecondPayment)),
            ..row()
        };
        check(
            refunded,
            "你的一笔付款 10.00 元正原路退回：重复付款。",
            "A payment of yours of ¥10.00 goes back the way it came: it was paid twice.",
        );
        let paid = NoticeRow {
            kind: NoticeKind::WithdrawalPaid,
            amount: Money(10_000),
            ..row()
        };
        let back = NoticeRow {
            kind: NoticeKind::PurchaseReturned,
            number: Some(6),
            amount: Money(900),
            coins: Coins(100),
            ..row()
        };
        check(
            back,
            "你的购买 6 已退，退还给你：9.00 元和 1.00 购物币。",
            "Your purchase 6 is undone; what comes back: ¥9.00 and 1.00 coins.",
        );
        check(
            paid,
            "你的提现 100.00 元已到账。",
            "Your withdrawal of ¥100.00 is paid.",
        );
    }

    #[test]
    fn every_kind_has_words_of_its_own() {
        let mut said: Vec<String> = NoticeKind::ALL
            .iter()
            .map(|&kind| text(&Told::Event(NoticeRow { kind, ..row() })).en)
            .collect();
        said.sort_unstable();
        said.dedup();
        assert_eq!(said.len(), NoticeKind::ALL.len());
    }
}
