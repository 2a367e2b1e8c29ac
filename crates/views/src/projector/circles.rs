//! Circles that take turns (rules 4): which groups they played, and what their draws depend on.

use domain::{CircleEvent, GroupId};

use super::batch::{Batch, Done};
use super::tables::new_rows;
use crate::db::{Table, Tx, Value};

const ROUND: Table = new_rows("circle_round", &["group_id", "circle", "name"]);

/// What a batch adds to them.
#[derive(Debug, Default)]
pub(super) struct Circles {
    rounds: Vec<Value>,
    /// What the group's own event, which is the next, is made with.
    pub(super) turn: Option<Turn>,
}

/// What the files of a circle's group have beside those of other groups.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) group: GroupId,
    /// The circle's name.
    pub(super) name: draw::Ident,
    pub(super) prev: Option<draw::Hash>,
    /// In seat order; empty before the group is full.
    pub(super) tiers: Vec<u32>,
}

impl Batch {
    pub(super) fn circle_event(&mut self, event: &CircleEvent) -> Done {
        match event {
            CircleEvent::RoundOpened {
                circle,
                group,
                name,
                ..
            } => {
                let row = [group.0.into(), circle.0.into(), name.as_str().into()];
                self.rows.circles.rounds.extend(row);
                self.take_turn(*group, name, (None, &[]))
            }
            CircleEvent::RoundFilled {
                group,
                name,
                prev,
                tiers,
                ..
            } => self.take_turn(*group, name, (*prev, tiers)),
            CircleEvent::RoundOver { .. } | CircleEvent::Left { .. } => Ok(()),
        }
    }

    fn take_turn(
        &mut self,
        group: GroupId,
        name: &str,
        (prev, tiers): (Option<[u8; 32]>, &[u32]),
    ) -> Done {
        let name = draw::Ident::new(name)
            .map_err(|error| self.unfit(format!("a circle cannot be named {name}: {error}")))?;
        self.rows.circles.turn = Some(Turn {
            group,
            name,
            prev: prev.map(draw::Hash),
            tiers: tiers.to_vec(),
        });
        Ok(())
    }

    /// What was just said of this group, if it is a circle's.
    pub(super) fn turn_of(&self, group: GroupId) -> Option<&Turn> {
        let turn = self.rows.circles.turn.as_ref();
        turn.filter(|turn| turn.group == group)
    }
}

/// Writes what is new, and forgets it.
pub(super) async fn store(tx: &mut Tx, circles: &mut Circles) -> Result<(), sqlx::Error> {
    tx.write_rows(&ROUND, std::mem::take(&mut circles.rounds))
        .await
}
