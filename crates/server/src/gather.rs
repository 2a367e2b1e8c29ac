//! Questions of many requests asked in one.
//!
//! Why: a gateway that sends joins one by one would else cost a call to the channel and a look into the directory for
//! each. The first question goes out at once; what comes while it is under way waits for the next, so nobody waits for
//! company. Bounded by the room for requests.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// An answer that is on its way.
pub(crate) type Asking<V, E> = Pin<Box<dyn Future<Output = Result<Vec<V>, E>> + Send>>;
type Question<K, V, E> = dyn Fn(Vec<K>) -> Asking<V, E> + Send + Sync;

/// How much is asked at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtOnce {
    /// Most keys of one question.
    pub(crate) keys: usize,
    /// Most questions under way.
    pub(crate) questions: usize,
}

/// Gathers questions about keys; each key has its answer, in the same order.
pub(crate) struct Gather<K, V, E>(Arc<Inner<K, V, E>>);

struct Inner<K, V, E> {
    question: Box<Question<K, V, E>>,
    at_once: AtOnce,
    waiting: Mutex<Waiting<K, V, E>>,
}

struct Waiting<K, V, E> {
    asked: Vec<Asked<K, V, E>>,
    /// Questions under way.
    asking: usize,
}

struct Asked<K, V, E> {
    keys: Vec<K>,
    to: oneshot::Sender<Result<Vec<V>, E>>,
}

impl<K, V, E> Gather<K, V, E>
where
    K: Clone + Send + 'static,
    V: Send + 'static,
    E: Clone + Send + 'static,
{
    /// Gathers for a question that answers as many keys as it is given, in their order.
    pub(crate) fn new(
        at_once: AtOnce,
        question: impl Fn(Vec<K>) -> Asking<V, E> + Send + Sync + 'static,
    ) -> Gather<K, V, E> {
        Gather(Arc::new(Inner {
            question: Box::new(question),
            at_once,
            waiting: Mutex::new(Waiting {
                asked: Vec::new(),
                asking: 0,
            }),
        }))
    }

    /// Asks; none if the question broke off.
    pub(crate) async fn ask(&self, keys: Vec<K>) -> Option<Result<Vec<V>, E>> {
        // What fills much of a question has one of its own.
        if self.0.at_once.keys < keys.len().saturating_mul(4) {
            return Some((self.0.question)(keys).await);
        }
        let (to, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.0.waiting();
            waiting.asked.push(Asked { keys, to });
            let is_first = waiting.asking < self.0.at_once.questions;
            waiting.asking += usize::from(is_first);
            is_first
        };
        if is_first {
            tokio::spawn(Inner::work_off(self.0.clone()));
        }
        answer.await.ok()
    }
}

impl<K, V, E> Inner<K, V, E> {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting<K, V, E>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone, V, E: Clone> Inner<K, V, E> {
    /// Asks until nobody waits.
    async fn work_off(self: Arc<Inner<K, V, E>>) {
        let mut under_way = UnderWay(Some(self.clone()));
        loop {
            let asked = {
                let mut waiting = self.waiting();
                let asked = take(&mut waiting.asked, self.at_once.keys);
                if asked.is_empty() {
                    waiting.asking -= 1;
                    under_way.0 = None;
                    return;
                }
                asked
            };
            let keys = asked.iter().flat_map(|asked| &asked.keys).cloned();
            let mut answers = (self.question)(keys.collect()).await.map(Vec::into_iter);
            for Asked { keys, to } in asked {
                let own = answers.as_mut().map(|answers| answers.take(keys.len()));
                // Whoever asked may have gone.
                let _ = to.send(own.map(Iterator::collect).map_err(|error| error.clone()));
            }
        }
    }
}

/// A question that breaks off is not under way any more, and whoever waited for it or behind it is told so; else nobody
/// would ask again.
struct UnderWay<K, V, E>(Option<Arc<Inner<K, V, E>>>);

impl<K, V, E> Drop for UnderWay<K, V, E> {
    fn drop(&mut self) {
        if let Some(inner) = self.0.take() {
            let mut waiting = inner.waiting();
            waiting.asking -= 1;
            waiting.asked.clear();
        }
    }
}

/// Takes as many as fit into one question, oldest first.
fn take<K, V, E>(asked: &mut Vec<Asked<K, V, E>>, most: usize) -> Vec<Asked<K, V, E>> {
    let mut room = most;
    let fit = asked
        .iter()
        .take_while(|asked| {
            let left = room.checked_sub(asked.keys.len());
            room = left.unwrap_or(0);
            left.is_some()
        })
        .count();
    asked.drain(..fit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Semaphore;

    const AT_ONCE: AtOnce = AtOnce {
        keys: 8,
        questions: 1,
    };

    #[tokio::test]
    async fn what_comes_while_a_question_is_under_way_is_asked_together() {
        let (go, lengths) = (
            Arc::new(Semaphore::new(0)),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (may, asked) = (go.clone(), lengths.clone());
        let gather = Arc::new(Gather::new(AT_ONCE, move |keys: Vec<u32>| {
            let may = may.clone();
            asked.lock().unwrap().push(keys.len());
            Box::pin(async move {
                may.acquire().await.unwrap().forget();
                Ok::<_, ()>(keys.into_iter().map(|key| key * 10).collect())
            })
        }));
        let ask = |keys: Vec<u32>| {
            let gather = gather.clone();
            tokio::spawn(async move { gather.ask(keys).await })
        };
        let mut asking = vec![ask(vec![1])];
        while lengths.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        asking.extend([vec![2, 3], vec![4, 5], vec![6, 7], vec![8, 9], vec![10]].map(ask));
        while gather.0.waiting().asked.len() < 5 {
            tokio::task::yield_now().await;
        }
        go.add_permits(10);
        let mut answers = Vec::new();
        for asking in asking {
            answers.push(asking.await.unwrap().unwrap().unwrap());
        }
        let tens = [
            vec![10],
            vec![20, 30],
            vec![40, 50],
            vec![60, 70],
            vec![80, 90],
            vec![100],
        ];
        assert_eq!(answers, tens);
        assert_eq!(*lengths.lock().unwrap(), [1, 8, 1]);
        assert_eq!(gather.ask(vec![1, 2, 3]).await, Some(Ok(vec![10, 20, 30])));
        assert_eq!(
            *lengths.lock().unwrap(),
            [1, 8, 1, 3],
            "much is asked alone"
        );
    }

    #[tokio::test]
    async fn an_error_is_everybodys() {
        let gather: Gather<u32, u32, &str> =
            Gather::new(AT_ONCE, |_| Box::pin(async { Err("no answer") }));
        let (one, other) = tokio::join!(gather.ask(vec![1]), gather.ask(vec![2]));
        assert_eq!(
            (one, other),
            (Some(Err("no answer")), Some(Err("no answer")))
        );
    }

    #[tokio::test]
    async fn a_question_that_breaks_off_is_not_under_way_any_more() {
        let gather = Gather::new(AT_ONCE, |keys: Vec<u32>| {
            Box::pin(async move {
                assert!(!keys.contains(&0), "a mistake in the question");
                Ok::<_, ()>(keys)
            })
        });
        let behind = tokio::join!(gather.ask(vec![0]), gather.ask(vec![2]));
        assert_eq!(behind, (None, None));
        assert_eq!(gather.ask(vec![1]).await, Some(Ok(vec![1])));
    }
}
