//! What is written in PostgreSQL's or BigQuery's way and means something else to the engine, or nothing.

use std::borrow::Cow;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DataType, ExactNumberInfo, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Statement, TableAliasColumnDef,
    TableFactor, Value, VisitMut, VisitorMut,
};

/// Turns a statement into what the engine means by it.
pub(super) fn translate(statement: &mut Statement) {
    let _ = VisitMut::visit(statement, &mut Translation);
}

struct Translation;

impl VisitorMut for Translation {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            // PostgreSQL's `float` has eight bytes.
            Expr::Cast { data_type: kind @ DataType::Float(ExactNumberInfo::None), .. } => {
                *kind = DataType::DoublePrecision
            }
            Expr::Function(function) => {
                let name = function.name.to_string().to_lowercase();
                if let FunctionArguments::List(list) = &mut function.args {
                    match (name.as_str(), list.args.as_mut_slice()) {
                        // BigQuery's unit is a bare word, which would be taken for a column.
                        ("timestamp_diff", [_, _, FunctionArg::Unnamed(FunctionArgExpr::Expr(unit))]) => word(unit),
                        ("to_char", [_, FunctionArg::Unnamed(FunctionArgExpr::Expr(pattern))]) => strftime(pattern),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        // The name of `generate_series(…) AS day` is that of its column too.
        if let TableFactor::Table { name, args: Some(_), alias: Some(alias), .. } = factor
            && alias.columns.is_empty()
            && name.to_string().eq_ignore_ascii_case("generate_series")
        {
            alias.columns = vec![TableAliasColumnDef { name: alias.name.clone(), data_type: None }];
        }
        ControlFlow::Continue(())
    }
}

fn word(unit: &mut Expr) {
    let word = match unit {
        Expr::Identifier(word) => Some(word.value.clone()),
        Expr::CompoundIdentifier(words) => words.last().map(|word| word.value.clone()),
        _ => None,
    };
    if let Some(word) = word {
        *unit = Expr::Value(Value::SingleQuotedString(word.to_lowercase()).with_empty_span());
    }
}

/// PostgreSQL's patterns for dates and the engine's, the longer before what they begin with.
const PATTERNS: [(&str, &str); 24] = [
    ("IYYY", "%G"),
    ("YYYY", "%Y"),
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("Month", "%B"),
    ("FMDD", "%-d"),
    ("FMMM", "%-m"),
    ("DDD", "%j"),
    ("Day", "%A"),
    ("Mon", "%b"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("MI", "%M"),
    ("MS", "%3f"),
    ("DD", "%d"),
    ("Dy", "%a"),
    ("HH", "%I"),
    ("SS", "%S"),
    ("US", "%6f"),
    ("IW", "%V"),
    ("ID", "%u"),
    ("AM", "%p"),
    ("PM", "%p"),
    ("TZ", "%Z"),
];

fn strftime(pattern: &mut Expr) {
    if let Expr::Value(value) = pattern
        && let Value::SingleQuotedString(text) = &mut value.value
        && !text.contains('%')
    {
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(letter) = rest.chars().next() {
            if let Some(quoted) = rest.strip_prefix('"') {
                let (inside, after) = quoted.split_once('"').unwrap_or((quoted, ""));
                out.push_str(inside);
                rest = after;
                continue;
            }
            let found = PATTERNS.iter().find(|(known, _)| rest.starts_with(known));
            out.push_str(found.map_or(&rest[..letter.len_utf8()], |(_, theirs)| theirs));
            rest = &rest[found.map_or(letter.len_utf8(), |(known, _)| known.len())..];
        }
        *text = out;
    }
}

/// BigQuery names tables within backticks, the dot inside, and what its articles print is meant to be pasted. Within quotes
/// and comments a backtick stays.
pub(super) fn without_backticks(text: &str) -> Cow<'_, str> {
    if !text.contains('`') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut within: Option<char> = None;
    let mut comment = false;
    let mut last = ' ';
    for letter in text.chars() {
        if comment {
            comment = letter != '\n';
        } else {
            match within {
                None if letter == '-' && last == '-' => comment = true,
                None if letter == '\'' || letter == '"' => within = Some(letter),
                Some(quote) if letter == quote => within = None,
                _ => {}
            }
        }
        last = letter;
        if letter != '`' || within.is_some() || comment {
            out.push(letter);
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn translated(text: &str) -> String {
        let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, &without_backticks(text)).unwrap();
        translate(&mut statements[0]);
        statements[0].to_string()
    }

    #[test]
    fn what_others_mean_is_said_in_the_engines_way() {
        for (text, wanted) in [
            ("SELECT x::float", "SELECT x::DOUBLE PRECISION"),
            ("SELECT to_char(a, 'YYYY-MM-DD\"T\"HH24:MI')", "SELECT to_char(a, '%Y-%m-%dT%H:%M')"),
            ("SELECT TIMESTAMP_DIFF(a, b.c, HOUR) FROM `d.t`", "SELECT TIMESTAMP_DIFF(a, b.c, 'hour') FROM d.t"),
            ("SELECT '`' FROM `t` -- `\n", "SELECT '`' FROM t"),
            ("SELECT * FROM generate_series(1, 2) AS d", "SELECT * FROM generate_series(1, 2) AS d (d)"),
        ] {
            assert_eq!(translated(text), wanted);
        }
    }
}
