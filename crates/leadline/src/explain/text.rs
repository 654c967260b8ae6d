//! An explanation for people.

use domain::Timestamp;
use domain::metric::Metric;
use serde_json::{Map, Value};

use crate::format::{Align, Paint, Table, Tone, count, fill, moment, percent, value, window};

const WIDTH: usize = 110;
/// Columns of rows that say most, in this order; the others are in the JSON form.
const COLUMNS: &[&str] = &["at", "component", "instance", "id", "item", "value", "mark"];
/// Wider texts are cut.
const CELL: usize = 36;

/// The explanation as text.
pub(super) fn render(metric: Metric, whole: &Value, paint: Paint) -> String {
    let word = |of: &Value, path: &str| of.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let part = |name: &str| whole.get(name).cloned().unwrap_or_default();
    let (answer, explanation) = (part("answer"), part("explanation"));
    let unit = metric.unit().text();
    let shown =
        answer.get("value").and_then(Value::as_f64).map_or_else(|| "N/A".to_owned(), |found| value(unit, found));
    let band = word(&answer, "/band");
    let band = if band.is_empty() { band } else { format!(" ({band})") };
    let mut out = format!(
        "{}\n",
        paint.apply(Tone::Strong, &format!("{} of {}: {shown}{band}", metric.title(), word(&explanation, "/node")))
    );
    let at = |name: &str| Timestamp::parse(&word(whole, name)).ok();
    if let (Some(from), Some(to)) = (at("/from"), at("/to")) {
        out.push_str(&format!("{}\n", window(from, to)));
    }
    if shown == "N/A" {
        out.push_str(&fill(&word(&answer, "/reason_text"), WIDTH, ""));
    }
    let version = explanation.pointer("/definition/version").and_then(Value::as_u64).unwrap_or_default();
    out.push_str(&format!(
        "\n{} {} v{version}\n",
        paint.apply(Tone::Strong, "Definition"),
        word(&explanation, "/definition/id")
    ));
    out.push_str(&fill(&word(&explanation, "/sentence"), WIDTH, "  "));
    let total = |name: &str| explanation.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (population, used) = (total("population"), total("used"));
    let share = if population > 0 { format!(", {}", percent(used as f64 / population as f64)) } else { String::new() };
    out.push_str(&format!(
        "\n{} {} of {}{share}\n",
        paint.apply(Tone::Strong, "Rows used"),
        count(used),
        count(population)
    ));
    out.push_str(&rows(explanation.get("rows"), used, unit, paint));
    for left in explanation.get("left_out").and_then(Value::as_array).into_iter().flatten() {
        let n = left.get("n").and_then(Value::as_u64).unwrap_or_default();
        let reason = word(left, "/reason");
        out.push_str(&format!(
            "\n{} {} {}\n",
            paint.apply(Tone::Strong, "Left out"),
            count(n),
            reason.replace('_', " ")
        ));
        out.push_str(&fill(&word(left, "/text"), WIDTH, "  "));
        out.push_str(&rows(left.get("rows"), n, unit, paint));
    }
    for (name, path) in [("SQL of the rows", "/sql"), ("SQL of the value", "/value_sql")] {
        let sql = word(&explanation, path);
        if !sql.is_empty() {
            let lines: String = sql.lines().map(|line| format!("  {line}\n")).collect();
            out.push_str(&format!("\n{}\n{lines}", paint.apply(Tone::Strong, name)));
        }
    }
    out
}

fn rows(rows: Option<&Value>, all: u64, unit: &str, paint: Paint) -> String {
    let rows: Vec<&Map<String, Value>> =
        rows.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect();
    let told = |name: &&str| rows.iter().any(|row| row.get(*name).is_some_and(|value| !value.is_null()));
    let mut names: Vec<&str> = COLUMNS.iter().copied().filter(|name| told(name)).collect();
    if names.is_empty() {
        let first = rows.first().into_iter().flat_map(|row| row.keys());
        names = first.map(String::as_str).filter(|name| told(name)).take(8).collect();
    }
    if rows.is_empty() || names.is_empty() {
        return String::new();
    }
    let heads: Vec<String> = names.iter().map(|name| name.replace('_', " ")).collect();
    let aligned = |name: &str| if name == "value" { Align::Right } else { Align::Left };
    let columns: Vec<(&str, Align)> =
        heads.iter().map(String::as_str).zip(names.iter().map(|name| aligned(name))).collect();
    let mut table = Table::new(&columns);
    for row in &rows {
        table.row(names.iter().map(|name| (cell(name, row.get(*name), unit), Tone::Plain)).collect());
    }
    let more = all.saturating_sub(rows.len() as u64);
    if more > 0 {
        table.note(format!("and {} more; --rows shows more of them, --format json all their columns", count(more)));
    }
    table.text(paint, "  ")
}

fn cell(name: &str, found: Option<&Value>, unit: &str) -> String {
    let text = match found {
        None | Some(Value::Null) => return String::new(),
        Some(Value::Number(number)) if name == "value" => {
            return number.as_f64().map(|found| in_unit(unit, found)).unwrap_or_default();
        }
        Some(Value::String(text)) if name == "item" => text.chars().take(12).collect(),
        Some(Value::String(text)) => Timestamp::parse(text).map_or_else(|_| text.clone(), moment),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(other) => other.to_string(),
    };
    if text.chars().count() > CELL { text.chars().take(CELL - 1).chain(['…']).collect() } else { text }
}

/// A row of a ratio or a frequency is one thing that counts or does not, so its value is a plain number.
fn in_unit(unit: &str, found: f64) -> String {
    if unit == "s" { value(unit, found) } else { crate::format::quantity(found) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_taken_apart_in_words() {
        let explanation = json!({"node": "product:shop", "definition": {"id": "dora", "version": 1}, "sentence": "Median of the time.", "sql": "SELECT 1\nFROM x", "value_sql": "", "population": 5, "used": 3,
            "rows": [{"component": "shop/cart", "at": "2025-01-03T12:00:00Z", "item": "0123456789abcdef", "value": 18_000.0}],
            "left_out": [{"reason": "no_commit_link", "text": "Send `sha`.", "n": 2, "rows": []}]});
        let whole = json!({"from": "2025-01-01T00:00:00Z", "to": "2025-01-31T00:00:00Z",
            "answer": {"value": 18_000.0, "band": "elite"}, "explanation": explanation});
        let text = render(Metric::LeadTime, &whole, Paint::Plain);
        assert_eq!(
            text,
            "Change lead time of product:shop: 5 h (elite)\n30 days: 2025-01-01 00:00 to 2025-01-31 00:00 UTC\n\n\
             Definition dora v1\n  Median of the time.\n\nRows used 3 of 5, 60 %\n\
             \u{20} at                component  item          value\n  2025-01-03 12:00  shop/cart  0123456789ab    5 h\n\
             \u{20} and 2 more; --rows shows more of them, --format json all their columns\n\n\
             Left out 2 no commit link\n  Send `sha`.\n\nSQL of the rows\n  SELECT 1\n  FROM x\n"
        );
    }
}
