//! What becomes of answers, and the words for commands and answers in the coverage.

use domain::{AllianceCommand, Command, CounterId, MemberId, PurchaseId, Request, ShopCommand};

use super::{Earlier, Op, Run, town};
use crate::model::Told;

/// How long a key is kept.
const DAY: i64 = 86_400_000;

impl Run {
    /// The batch is durable: answers leave, and their senders note them.
    pub(super) fn answers_leave(&mut self) {
        for op in std::mem::take(&mut self.batch) {
            self.answer(op);
        }
        let world = self.step.world();
        self.town.awaiting = world
            .awaiting_draw(24)
            .iter()
            .map(|awaited| (awaited.group, awaited.round_time_s.cast_signed()))
            .collect();
        self.town.refunds = world
            .pending_refunds(None, 200)
            .iter()
            .map(|pending| {
                let txn = pending.txn.as_str().to_owned();
                (pending.refund, txn, pending.amount.0)
            })
            .collect();
        self.town.payouts = world
            .pending_payouts(None, 200)
            .iter()
            .map(|due| (due.id, due.withdrawal.token, due.withdrawal.net().0))
            .collect();
    }

    fn answer(&mut self, op: Op) {
        match (&op.request.command, op.told) {
            (
                Command::OpenGroup { member, .. } | Command::JoinGroup { member, .. },
                Told::Reserved(payment, _),
            ) => {
                town::keep(&mut self.town.bills, 200, (payment, *member));
            }
            (Command::Shop(ShopCommand::Buy(asked)), Told::Purchase(number)) => {
                let receipt = (PurchaseId(number), asked.sku, asked.member);
                town::keep(&mut self.town.receipts, 60, receipt);
            }
            (Command::Alliance(AllianceCommand::PayAtCounter { .. }), Told::Counter(number)) => {
                self.note_slip(CounterId(number));
            }
            (Command::AcceptPayment { txn, .. }, Told::Refused("payment_not_in_memory"))
            | (Command::JoinPaid { txn, .. }, Told::Refused("group_over"))
            | (
                Command::Shop(ShopCommand::PayPurchase { txn, .. }),
                Told::Refused("purchase_unknown"),
            )
            | (
                Command::Alliance(AllianceCommand::PayCounter { txn, .. }),
                Told::Refused("counter_payment_unknown"),
            ) => {
                self.town.strays.push(txn.as_str().to_owned());
            }
            _ => {}
        }
        if op.request.key.is_some() && self.rng.percent(20) {
            town::keep(&mut self.town.repeatable, 60, op.request);
        }
    }

    pub(super) fn somebody(&mut self) -> MemberId {
        let people = self.live.people.len() as u64;
        if self.rng.percent(1) {
            return MemberId(u32::MAX - 1);
        }
        MemberId(u32::try_from(self.rng.below(people)).unwrap_or(0))
    }

    /// Clients that got no answer ask again, with the same keys and names of payments.
    pub(super) fn ask_again(
        &mut self,
        lost: Vec<(Request, Option<Earlier>)>,
    ) -> Result<(), crate::SimError> {
        for (request, earlier) in lost {
            if !self.would_ask_again(&request) {
                continue;
            }
            self.coverage.retried += 1;
            let made_room =
                earlier.is_some_and(|earlier| self.live.has_no_room(request.actor, earlier.at));
            let told = self.send_again(request.clone(), earlier)?;
            let Some(earlier) = earlier else { continue };
            self.coverage.retried_done += 1;
            let now = self.clock.max(self.live.now);
            let key_is_kept = request.key.is_some() && now < earlier.at + DAY && !made_room;
            if !same_effect(&request.command, key_is_kept, earlier.told, told) {
                return self.differs(vec![format!(
                    "{request:?} was durable as {earlier:?}, asked again it is answered {told:?}"
                )]);
            }
        }
        Ok(())
    }
}

impl Run {
    /// Ticks are nobody's. What memory has forgotten of a payment is found in the history. A refund that was confirmed
    /// by mistake, before there was any of that number, must not be confirmed when there is one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a few are told apart")]
    fn would_ask_again(&self, request: &Request) -> bool {
        let (txn, target) = match &request.command {
            Command::AcceptPayment { payment, txn, .. } => (txn, Some(payment.group)),
            Command::JoinPaid { group, txn, .. } => (txn, Some(*group)),
            Command::BouncePayment { txn, .. }
            | Command::Shop(
                ShopCommand::PayPurchase { txn, .. } | ShopCommand::BouncePurchase { txn, .. },
            )
            | Command::Alliance(
                AllianceCommand::PayCounter { txn, .. }
                | AllianceCommand::BounceCounter { txn, .. },
            ) => (txn, None),
            Command::ConfirmRefund { refund } => return self.town.sent.contains(refund),
            Command::Tick(_) => return false,
            _ => return true,
        };
        !self.in_history(txn.as_str(), target)
    }
}

/// Whether the answer to a command that had taken effect shows that it has not taken effect again.
fn same_effect(command: &Command, key_is_kept: bool, earlier: Told, told: Told) -> bool {
    match (command, earlier) {
        // A refusal or an answer without effect is not remembered: anything may have become possible.
        (_, Told::Refused(_) | Told::Known) => true,
        (Command::AcceptPayment { .. }, _) => {
            told == earlier || matches!(told, Told::Known | Told::Refused("payment_not_in_memory"))
        }
        (Command::JoinPaid { .. }, _) => {
            told == earlier || matches!(told, Told::Known | Told::Refused("group_over"))
        }
        (Command::BouncePayment { .. } | Command::Shop(ShopCommand::BouncePurchase { .. }), _) => {
            matches!(told, Told::Known)
        }
        (Command::Shop(ShopCommand::PayPurchase { .. }), _) => {
            matches!(told, Told::Known | Told::Refused("purchase_unknown"))
        }
        (Command::Alliance(AllianceCommand::BounceCounter { .. }), _) => {
            matches!(told, Told::Known)
        }
        (Command::Alliance(AllianceCommand::PayCounter { .. }), _) => {
            matches!(told, Told::Known | Told::Refused("counter_payment_unknown"))
        }
        (Command::Alliance(AllianceCommand::PayAtCounter { .. }), _) => {
            matches!(told, Told::Refused(_))
        }
        (Command::Shop(ShopCommand::Buy(_) | ShopCommand::ListSku { .. }), _) => told == earlier,
        (Command::RegisterMember { .. } | Command::Withdraw { .. }, _) => told == earlier,
        _ if key_is_kept => told == earlier,
        (Command::ConfirmRefund { .. }, _) => told == Told::Refused("refund_unknown"),
        (Command::SettleGroup { .. } | Command::VoidGroup { .. }, _) => {
            told == Told::Refused("group_unknown")
        }
        _ => true,
    }
}

pub(super) fn name_of(command: &Command) -> &'static str {
    match command {
        Command::RegisterMember { .. } => "register-member",
        Command::PublishCampaign { .. } => "publish-campaign",
        Command::DepositCapital { .. } => "deposit-capital",
        Command::PayTax { .. } => "pay-tax",
        Command::PaySuppliers { .. } => "pay-suppliers",
        Command::OpenGroup { .. } => "open-group",
        Command::JoinGroup { .. } => "join-group",
        Command::LeaveGroup { .. } => "leave-group",
        Command::AcceptPayment { .. } => "accept-payment",
        Command::JoinPaid { .. } => "join-paid",
        Command::BouncePayment { .. } => "bounce-payment",
        Command::CancelGroup { .. } => "cancel-group",
        Command::SettleGroup { .. } => "settle-group",
        Command::VoidGroup { .. } => "void-group",
        Command::ConfirmRefund { .. } => "confirm-refund",
        Command::ShipOrder { .. } => "ship-order",
        Command::ReceiveOrder { .. } => "receive-order",
        Command::ReturnOrder { .. } => "return-order",
        Command::TakeBackOrder { .. } => "take-back-order",
        Command::Tick(_) => "tick",
        Command::PublishPlan { .. } => "publish-plan",
        Command::SetRank { .. } => "set-rank",
        Command::DeclareRegion { .. } => "declare-region",
        Command::AppointAgent { .. } => "appoint-agent",
        Command::DismissAgent { .. } => "dismiss-agent",
        Command::SetLimits { .. } => "set-limits",
        Command::ExcludeSelf { .. } => "exclude-self",
        Command::FreezeMember { .. } => "freeze-member",
        Command::UnfreezeMember { .. } => "unfreeze-member",
        Command::DeleteAccount { .. } => "delete-account",
        Command::AdoptProfile { .. } => "adopt-profile",
        Command::Withdraw { .. } => "withdraw",
        Command::ApproveWithdrawal { .. } => "approve-withdrawal",
        Command::RejectWithdrawal { .. } => "reject-withdrawal",
        Command::NotePayout { .. } => "note-payout",
        Command::ClawBack { .. } => "claw-back",
        Command::Alliance(command) => name_in_alliance(command),
        Command::Shop(command) => match command {
            ShopCommand::ListSku { .. } => "list-sku",
            ShopCommand::ChangeSku { .. } => "change-sku",
            ShopCommand::CloseSku { .. } => "close-sku",
            ShopCommand::ReopenSku { .. } => "reopen-sku",
            ShopCommand::AdjustStock { .. } => "adjust-stock",
            ShopCommand::StockReturns { .. } => "stock-returns",
            ShopCommand::Buy(_) => "buy",
            ShopCommand::CancelPurchase { .. } => "cancel-purchase",
            ShopCommand::PayPurchase { .. } => "pay-purchase",
            ShopCommand::BouncePurchase { .. } => "bounce-purchase",
            ShopCommand::ShipPurchase { .. } => "ship-purchase",
            ShopCommand::ReceivePurchase { .. } => "receive-purchase",
            ShopCommand::ReturnPurchase { .. } => "return-purchase",
            ShopCommand::GiveUp { .. } => "give-up",
            ShopCommand::TakeBackPurchase { .. } => "take-back-purchase",
            ShopCommand::Redeem { .. } => "redeem",
        },
        Command::Recharge(_) => "recharge",
        Command::Circle(_) => "circle",
        Command::Identity(_) => "identity",
        Command::Delivery(_) => "delivery",
        Command::NoteLateRound { .. } => "note-late-round",
        Command::Table(_) => "table",
        Command::Ballot(_) => "ballot",
    }
}

fn name_in_alliance(command: &AllianceCommand) -> &'static str {
    match command {
        AllianceCommand::PayAtCounter { .. } => "pay-at-counter",
        AllianceCommand::PayCounter { .. } => "pay-counter",
        AllianceCommand::BounceCounter { .. } => "bounce-counter",
        AllianceCommand::RefundCounter { .. } | AllianceCommand::ReverseCounter { .. } => {
            "reverse-counter"
        }
        AllianceCommand::DraftStatement { .. }
        | AllianceCommand::ConfirmStatement { .. }
        | AllianceCommand::NoteMerchantPaid { .. }
        | AllianceCommand::PayStatement { .. } => "statement",
        AllianceCommand::AdmitMerchant { .. }
        | AllianceCommand::SignContract { .. }
        | AllianceCommand::SuspendMerchant { .. }
        | AllianceCommand::ReinstateMerchant { .. }
        | AllianceCommand::OpenStore { .. }
        | AllianceCommand::PublishFor { .. }
        | AllianceCommand::BindHome { .. }
        | AllianceCommand::EndHome { .. } => "alliance",
    }
}

pub(super) fn name_of_answer(told: Told) -> &'static str {
    match told {
        Told::Done => "done",
        Told::Member(_) => "member",
        Told::Campaign(_) => "campaign",
        Told::Reserved(..) => "reserved",
        Told::Seated(_) => "seated",
        Told::Bounced(_) => "bounced",
        Told::Withdrawal(_) => "withdrawal",
        Told::Sku(_) => "sku",
        Told::Purchase(_) => "purchase",
        Told::Merchant(_) => "merchant",
        Told::Store(_) => "store",
        Told::Counter(_) => "counter",
        Told::Known => "known",
        Told::Refused(_) => "refused",
    }
}
