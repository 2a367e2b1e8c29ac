//! Tables of treats: each as the world has it.

use domain::World;

use super::{Done, Found};
use crate::db::{Columns, Tx};
use crate::query::treats::{SELECT, table};

pub(super) async fn compare(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let sql = "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM treat_table) AS tables_";
    let row = tx.row(sql, Vec::new()).await?;
    let count = row.map_or(Ok(0), |row| row.u64("tables_"))?;
    let known = u64::from(world.tables());
    found.check(|| "tables".to_owned(), count, known);
    for row in tx.rows(SELECT, Vec::new()).await? {
        let row = table(&row)?;
        let id = row.table.table;
        found.check(|| format!("table {id}"), Some(row.table), world.table(id));
    }
    Ok(())
}
