//! What holds whatever happens: paid - refunded = held, per payment and over all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use payments::sandbox::{Faults, PayFaults, RefundFaults};
use payments::{Order, Refund, RefundState, RefusalCode};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::setup::{Scene, order};

/// One step; orders and refunds are small numbers, so that steps meet.
#[derive(Clone, Debug)]
enum Step {
    Create {
        order: u8,
        amount_fen: i64,
    },
    Pay {
        order: u8,
        transactions: u32,
    },
    Close {
        order: u8,
    },
    Refund {
        number: u8,
        order: u8,
        amount_fen: i64,
        fails: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let order = 0u8..4;
    prop_oneof![
        (order.clone(), 1i64..50)
            .prop_map(|(order, amount_fen)| Step::Create { order, amount_fen }),
        (order.clone(), 1u32..3).prop_map(|(order, transactions)| Step::Pay {
            order,
            transactions
        }),
        order.clone().prop_map(|order| Step::Close { order }),
        (0u8..8, order, 1i64..60, prop::bool::weighted(0.2)).prop_map(
            |(number, order, amount_fen, fails)| Step::Refund {
                number,
                order,
                amount_fen,
                fails
            }
        ),
    ]
}

/// What the provider ought to know.
#[derive(Default)]
struct Model {
    /// Amount, whether closed, and ids of payments.
    orders: HashMap<u8, (i64, bool, Vec<String>)>,
    /// Paid and refunded, by payment.
    payments: HashMap<String, (i64, i64)>,
    /// Payment and amount, by number.
    refunds: HashMap<u8, (String, i64)>,
}

/// A run of its own numbers on the shared provider.
struct Run<'a> {
    scene: &'a Scene,
    name: u64,
    model: Model,
}

impl Run<'_> {
    fn order_no(&self, order: u8) -> String {
        format!("{}-{order}", self.name)
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Create { order, amount_fen } => self.create(order, amount_fen).await,
            Step::Pay {
                order,
                transactions,
            } => self.pay(order, transactions).await,
            Step::Close { order } => self.close(order).await,
            Step::Refund {
                number,
                order,
                amount_fen,
                fails,
            } => {
                self.refund(number, order, amount_fen, fails).await;
            }
        }
    }

    async fn create(&mut self, number: u8, amount_fen: i64) {
        let order_no = self.order_no(number);
        let order = Order {
            amount_fen,
            ..order(&order_no)
        };
        let answer = self
            .scene
            .channel
            .create_order(&order)
            .await
            .map_err(|e| e.refusal());
        let known = self
            .model
            .orders
            .entry(number)
            .or_insert((amount_fen, false, Vec::new()));
        let expected = if known.0 != amount_fen {
            Err(Some(RefusalCode::Conflict))
        } else if known.2.is_empty() {
            Ok(())
        } else {
            Err(Some(RefusalCode::OrderPaid))
        };
        assert_eq!(answer.map(|_| ()), expected);
    }

    async fn pay(&mut self, number: u8, transactions: u32) {
        let order_no = self.order_no(number);
        let pay = PayFaults {
            transactions,
            ..Default::default()
        };
        self.scene
            .set_faults(Faults {
                pay,
                ..Faults::default()
            })
            .await;
        let (status, body) = self.scene.try_pay(&order_no).await;
        let Some((amount_fen, closed, ids)) = self.model.orders.get_mut(&number) else {
            return assert_eq!(status, 404);
        };
        if *closed {
            return assert_eq!(status, 409);
        }
        assert_eq!(status, 200, "{body}");
        let paid = body["transactions"].as_array().unwrap();
        assert_eq!(paid.len(), ids.len().max(transactions as usize));
        for transaction in &paid[ids.len()..] {
            let txn_id = transaction["txn_id"].as_str().unwrap().to_owned();
            assert!(
                self.model
                    .payments
                    .insert(txn_id.clone(), (*amount_fen, 0))
                    .is_none()
            );
            ids.push(txn_id);
        }
    }

    async fn close(&mut self, number: u8) {
        let answer = self.scene.channel.close_order(&self.order_no(number)).await;
        let expected = match self.model.orders.get_mut(&number) {
            None => Err(Some(RefusalCode::NotFound)),
            Some((_, _, ids)) if !ids.is_empty() => Err(Some(RefusalCode::OrderPaid)),
            Some((_, closed, _)) => {
                *closed = true;
                Ok(())
            }
        };
        assert_eq!(answer.map_err(|e| e.refusal()), expected);
    }

    async fn refund(&mut self, number: u8, order: u8, amount_fen: i64, fails: bool) {
        let ids = self
            .model
            .orders
            .get(&order)
            .map(|(_, _, ids)| ids.as_slice());
        let Some(txn_id) = ids.and_then(|ids| ids.last()).cloned() else {
            return;
        };
        let refund_course = RefundFaults {
            processing_ms: 0,
            fails,
        };
        self.scene
            .set_faults(Faults {
                refund_course,
                ..Faults::default()
            })
            .await;
        let refund_no = format!("{}-{number}", self.name);
        let refund = Refund {
            refund_no: &refund_no,
            txn_id: &txn_id,
            amount_fen,
            reason: "",
        };
        let answer = self
            .scene
            .channel
            .refund(&refund)
            .await
            .map_err(|e| e.refusal());
        let (paid_fen, refunded_fen) = self.model.payments.get_mut(&txn_id).unwrap();
        match self.model.refunds.get(&number) {
            Some(known) if *known == (txn_id.clone(), amount_fen) => {
                assert!(answer.is_ok(), "{answer:?}");
            }
            Some(_) => assert_eq!(answer, Err(Some(RefusalCode::Conflict))),
            None if *paid_fen - *refunded_fen < amount_fen => {
                assert_eq!(answer, Err(Some(RefusalCode::RefundTooLarge)));
            }
            None => {
                let failed = matches!(answer.unwrap(), RefundState::Failed { .. });
                assert_eq!(failed, fails);
                *refunded_fen += if fails { 0 } else { amount_fen };
                self.model.refunds.insert(number, (txn_id, amount_fen));
            }
        }
    }

    async fn check(&self) {
        for (number, (_, _, ids)) in &self.model.orders {
            let state = self
                .scene
                .channel
                .query(&self.order_no(*number))
                .await
                .unwrap();
            let known: Vec<_> = state
                .transactions
                .iter()
                .map(|t| t.txn_id.clone())
                .collect();
            assert_eq!(known, *ids);
            for transaction in state.transactions {
                let sums = (transaction.amount_fen, transaction.refunded_fen);
                assert_eq!(sums, self.model.payments[&transaction.txn_id]);
                assert!(transaction.refunded_fen <= transaction.amount_fen);
            }
        }
        check_sum_law(self.scene).await;
    }
}

/// The sums of the books are those of its orders, and what is held is what is left.
pub(crate) async fn check_sum_law(scene: &Scene) {
    let books = scene.channel.books().await.unwrap();
    let (mut paid_fen, mut refunded_fen, mut after) = (0, 0, Some(0));
    while let Some(from) = after {
        let page = scene.channel.book_orders(from).await.unwrap();
        for order in &page.orders {
            let arrived = order.refunds.iter().filter(|refund| match refund.state {
                RefundState::Done { .. } | RefundState::Processing => true,
                RefundState::Failed { .. } => false,
            });
            let of_refunds: i64 = arrived.map(|refund| refund.amount_fen).sum();
            let of_payments: i64 = order.transactions.iter().map(|t| t.refunded_fen).sum();
            assert_eq!(of_refunds, of_payments, "{order:?}");
            paid_fen += order.transactions.iter().map(|t| t.amount_fen).sum::<i64>();
            refunded_fen += of_refunds;
        }
        after = page.next;
    }
    assert_eq!(
        (books.paid_fen, books.refunded_fen),
        (paid_fen, refunded_fen)
    );
    assert_eq!(books.held_fen, paid_fen - refunded_fen);
    assert!(0 <= books.held_fen);
}

#[test]
fn paid_less_refunded_is_held_whatever_happens() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let scene = runtime.block_on(Scene::new());
    let names = AtomicU64::new(0);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 24,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&prop::collection::vec(step(), 1..40), |steps| {
        let name = names.fetch_add(1, Ordering::SeqCst);
        runtime.block_on(async {
            let mut run = Run {
                scene: &scene,
                name,
                model: Model::default(),
            };
            for step in &steps {
                run.step(step).await;
            }
            run.check().await;
        });
        Ok(())
    });
    outcome.unwrap();
}
