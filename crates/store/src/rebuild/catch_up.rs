//! What came in meanwhile is applied to the new facts too; then they take the place of the old ones.

use domain::catalogue::Catalogue;
use rusqlite::Connection;

use super::{Aside, Phase, Plan, tables};
use crate::StoreError;
use crate::applier::{
    Again, CATALOGUE, CHANGE, Done, NEXT_CATALOGUE, NEXT_CHANGE, REBUILT, TREE, Waiting, read_catalogue_named,
    read_number, write_catalogue, write_number,
};
use crate::journal::{Tally, counts};
use crate::sql::{atomically, one, run};
use crate::writer::Writer;

/// Applies some deliveries; with the last ones the new facts are shown.
pub(super) fn catch_up(writer: &mut Writer, mut plan: Plan) -> Result<Plan, StoreError> {
    let Writer { conn, applier, aside, shared, .. } = writer;
    let conn = &*conn;
    let news = match aside.applier.take() {
        Some(known) => known,
        None => applier.aside(conn)?,
    };
    let news = aside.applier.insert(news);
    let limit = plan.sizes.caught_up;
    let again = Waiting::again(conn, &shared.archive, Again::Noted, limit)?;
    let rows = if again.is_empty() {
        Waiting::again(conn, &shared.archive, Again::WithCatalogues(plan.read), limit)?
    } else {
        Vec::new()
    };
    let done = atomically(conn, false, || {
        if let Some(last) = again.last() {
            news.apply(conn, &again, true)?;
            run(conn, "DELETE FROM next_again WHERE seq <= ?", [last.seq])?;
        }
        if let Some(last) = rows.last() {
            news.apply(conn, &rows, true)?;
            plan.read = last.seq;
        }
        let caught_up = (again.len() + rows.len()) as u64;
        plan.done += caught_up;
        plan.rebuilt.caught_up += caught_up;
        plan.total = plan.done + counts(conn)?.pending;
        let shown = if is_level(conn, &plan)? { Some(show(conn, &mut plan)?) } else { None };
        plan.write(conn)?;
        Ok(shown)
    });
    let shown = match done {
        Ok(shown) => shown,
        Err(error) => {
            *aside = Aside::default();
            return Err(error);
        }
    };
    if let Some((change, catalogue)) = shown {
        writer.aside = Aside::default();
        writer.applier.start_over(catalogue);
        writer.recount();
        writer.finish(&[Done { tally: Tally::default(), change }]);
    }
    Ok(plan)
}

/// Whether nothing is left that is not in the new facts: nothing can come in while this transaction is open.
fn is_level(conn: &Connection, plan: &Plan) -> Result<bool, StoreError> {
    let beyond = one(conn, "SELECT 1 FROM journal WHERE seq > ? AND kind <= 2 LIMIT 1", [plan.read], |_| Ok(()))?;
    let again = one(conn, "SELECT 1 FROM next_again LIMIT 1", [], |_| Ok(()))?;
    Ok(beyond.is_none() && again.is_none())
}

/// Puts the new facts in the place of the old ones; gives the last change number, and the catalogue they were made with.
fn show(conn: &Connection, plan: &mut Plan) -> Result<(u64, Catalogue), StoreError> {
    let before = read_number(conn, CHANGE)?;
    if before >= plan.base {
        return Err(StoreError::unreadable("a change number", format!("{before} was to stay below {}", plan.base)));
    }
    tables::swap(conn)?;
    tables::settle_verdicts(conn, &mut Tally::default())?;
    let catalogue = read_catalogue_named(conn, NEXT_CATALOGUE)?.unwrap_or_default();
    write_catalogue(conn, CATALOGUE, &catalogue)?;
    let change = read_number(conn, NEXT_CHANGE)?.max(plan.base) + 1;
    write_number(conn, REBUILT, before)?;
    write_number(conn, CHANGE, change)?;
    write_number(conn, TREE, change)?;
    plan.enter(Phase::Clearing, tables::DERIVED.len() as u64);
    Ok((change, catalogue))
}
