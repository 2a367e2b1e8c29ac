//! Other tables of the demonstration's tea house: colleagues who take turns to treat, and a table that does not become full.

use serde_json::json;

use super::life::{Stage, told};
use super::merchants::{QUICK, TURNS_TO_TREAT};

/// Who take turns.
const COLLEAGUES: [usize; 3] = [0, 3, 5];

impl Stage {
    /// Both of them; visitors and the crowd see neither.
    pub(super) async fn treats(&self) {
        told("a table that is too late", self.too_late().await);
        told("turns to treat", self.turns_to_treat().await);
    }

    /// One sits at a table for two until its time is over, and has his money back.
    async fn too_late(&self) -> Result<(), String> {
        let table = json!({ "bill": "36.00", "guests": 2 });
        let seats = self.opened(QUICK, table).await?;
        self.sit_down(&seats, &[5]).await.map(|_| ())
    }

    /// Two tables of one circle: who has treated at the first does not at the second.
    async fn turns_to_treat(&self) -> Result<(), String> {
        let first = json!({ "bill": "105.00", "guests": COLLEAGUES.len() });
        let seats = self.opened(TURNS_TO_TREAT, first).await?;
        let circle = self.sit_down(&seats, &COLLEAGUES).await?;
        self.settled(&circle).await?;
        let second = json!({ "bill": "84.00", "guests": COLLEAGUES.len(), "circle": circle });
        let seats = self.opened(TURNS_TO_TREAT, second).await?;
        self.sit_down(&seats, &COLLEAGUES).await.map(|_| ())
    }
}
