//! What may be asked. Everything that is not named here is refused.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CloseCursor, DescribeAlias, DiscardObject, Expr, Query, Reset, Select, Set, SetExpr, Statement, UtilityOption,
    Value, Visit, Visitor,
};
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};

use super::dialect;
use super::errors::{self, code};

/// A statement's text is no longer than this, in bytes.
const TEXT: usize = 1024 * 1024;
/// Statements in one message.
const MANY: usize = 100;

/// A statement that is allowed.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// It reads: `SELECT`, `VALUES`, `TABLE`, `WITH`, `EXPLAIN` of these.
    Query(Box<Statement>),
    /// It is answered without the engine.
    Command(Command),
}

/// What is answered without the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// A transaction begins.
    Begin,
    /// It ends well.
    Commit,
    /// It is given up.
    Rollback,
    /// Part of it is given up.
    RollbackTo,
    /// `SET name TO value`; no value for the default.
    Set(String, Option<String>),
    /// `SHOW name`.
    Show(String),
    /// `RESET ALL`, `DISCARD ALL`: everything as it was at the start. The word to answer with.
    Reset(&'static str),
    /// `DEALLOCATE name`; no name for all.
    Deallocate(Option<String>),
    /// Clients send it and nothing has to happen. The word to answer with.
    Nothing(&'static str),
}

/// Reads what a client sent and allows or refuses all of it.
pub(super) fn read(parser: &PostgresCompatibilityParser, text: &str) -> PgWireResult<Vec<Asked>> {
    if text.len() > TEXT {
        return Err(errors::error(code::LIMIT, format!("a statement has at most {TEXT} bytes")));
    }
    let statements = parser.parse(&dialect::without_backticks(text)).map_err(|error| errors::syntax(&error))?;
    if statements.len() > MANY {
        return Err(errors::error(code::LIMIT, format!("one message has at most {MANY} statements")));
    }
    statements.into_iter().map(allowed).collect()
}

fn refused(what: &str) -> PgWireError {
    errors::hinted(
        code::FORBIDDEN,
        format!("{what} is not allowed: this port only reads"),
        "Allowed are SELECT, WITH, VALUES, EXPLAIN, SHOW and SET of session settings.",
    )
}

fn allowed(mut statement: Statement) -> PgWireResult<Asked> {
    dialect::translate(&mut statement);
    match statement {
        Statement::Query(_) => query(statement),
        Statement::Explain { statement: inner, analyze, verbose, query_plan, estimate, options, .. }
            if matches!(*inner, Statement::Query(_)) && !query_plan && !estimate =>
        {
            let analyze = analyze || options.iter().flatten().any(|option| is_set(option, "analyze"));
            let verbose = verbose || options.iter().flatten().any(|option| is_set(option, "verbose"));
            query(explain(*inner, analyze, verbose))
        }
        Statement::Explain { .. } => Err(refused("EXPLAIN of anything but a query")),
        other => command(&other).map(Asked::Command),
    }
}

fn is_set(option: &UtilityOption, name: &str) -> bool {
    let off = |value: &Expr| ["false", "off", "0"].contains(&value.to_string().to_lowercase().as_str());
    option.name.value.eq_ignore_ascii_case(name) && !option.arg.as_ref().is_some_and(off)
}

/// Without the options of PostgreSQL's that the engine does not have.
fn explain(inner: Statement, analyze: bool, verbose: bool) -> Statement {
    Statement::Explain {
        describe_alias: DescribeAlias::Explain,
        analyze,
        verbose,
        query_plan: false,
        estimate: false,
        statement: Box::new(inner),
        format: None,
        options: None,
    }
}

fn query(statement: Statement) -> PgWireResult<Asked> {
    match Visit::visit(&statement, &mut Reads) {
        ControlFlow::Continue(()) => Ok(Asked::Query(Box::new(statement))),
        ControlFlow::Break(what) => Err(refused(what)),
    }
}

/// Finds in a query what does more than read.
struct Reads;

fn reads(body: &SetExpr) -> ControlFlow<&'static str> {
    match body {
        SetExpr::Insert(_) => ControlFlow::Break("INSERT"),
        SetExpr::Update(_) => ControlFlow::Break("UPDATE"),
        SetExpr::Delete(_) => ControlFlow::Break("DELETE"),
        SetExpr::Merge(_) => ControlFlow::Break("MERGE"),
        SetExpr::SetOperation { left, right, .. } => {
            reads(left)?;
            reads(right)
        }
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => ControlFlow::Continue(()),
    }
}

impl Visitor for Reads {
    type Break = &'static str;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        if !query.locks.is_empty() {
            return ControlFlow::Break("FOR UPDATE");
        }
        if !query.pipe_operators.is_empty() {
            return ControlFlow::Break("|>");
        }
        reads(&query.body)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        if select.into.is_some() { ControlFlow::Break("SELECT INTO") } else { ControlFlow::Continue(()) }
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<Self::Break> {
        match statement {
            Statement::Query(_) | Statement::Explain { .. } => ControlFlow::Continue(()),
            _ => ControlFlow::Break("a statement that writes"),
        }
    }
}

fn command(statement: &Statement) -> PgWireResult<Command> {
    Ok(match statement {
        Statement::StartTransaction { statements, exception, .. } if statements.is_empty() && exception.is_none() => {
            Command::Begin
        }
        Statement::Commit { chain: false, .. } => Command::Commit,
        Statement::Rollback { chain: false, savepoint: None } => Command::Rollback,
        Statement::Rollback { chain: false, savepoint: Some(_) } => Command::RollbackTo,
        Statement::Savepoint { .. } => Command::Nothing("SAVEPOINT"),
        Statement::ReleaseSavepoint { .. } => Command::Nothing("RELEASE"),
        Statement::UNLISTEN { .. } => Command::Nothing("UNLISTEN"),
        // There are no cursors to be closed: pools send it before they lend a connection again.
        Statement::Close { cursor: CloseCursor::All } => Command::Nothing("CLOSE CURSOR ALL"),
        Statement::Discard { object_type: DiscardObject::ALL } => Command::Reset("DISCARD ALL"),
        Statement::Reset(reset) => match &reset.reset {
            Reset::ALL => Command::Reset("RESET"),
            Reset::ConfigurationParameter(name) => Command::Set(name.to_string().to_lowercase(), None),
        },
        Statement::Deallocate { name, .. } => {
            let all = name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all");
            Command::Deallocate((!all).then(|| name.value.clone()))
        }
        Statement::ShowVariable { variable } => {
            let words: Vec<String> = variable.iter().map(|word| word.value.to_lowercase()).collect();
            Command::Show(match words.join(" ").as_str() {
                "time zone" => "timezone".to_owned(),
                "transaction isolation level" => "transaction_isolation".to_owned(),
                "session authorization" => "session_authorization".to_owned(),
                _ => words.join("."),
            })
        }
        Statement::Set(set) => return setting(set),
        other => {
            let text = other.to_string();
            let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_uppercase();
            return Err(refused(if word.is_empty() { "this statement" } else { &word }));
        }
    })
}

fn setting(set: &Set) -> PgWireResult<Command> {
    match set {
        Set::SingleAssignment { variable, values, hivevar: false, .. } => {
            let values = values.iter().map(literal).collect::<Option<Vec<_>>>();
            let values = values.ok_or_else(|| errors::error(code::PARAMETER, "SET takes literals"))?;
            let default = matches!(values.as_slice(), [one] if one.eq_ignore_ascii_case("default"));
            Ok(Command::Set(variable.to_string().to_lowercase(), (!default).then(|| values.join(", "))))
        }
        Set::SetTimeZone { value, .. } => {
            let zone = literal(value).unwrap_or_else(|| value.to_string());
            let default = zone.eq_ignore_ascii_case("local") || zone.eq_ignore_ascii_case("default");
            Ok(Command::Set("timezone".to_owned(), (!default).then_some(zone)))
        }
        Set::SetNames { charset_name, .. } => {
            Ok(Command::Set("client_encoding".to_owned(), Some(charset_name.value.clone())))
        }
        // There is one isolation level, and nothing that is written.
        Set::SetTransaction { .. } => Ok(Command::Nothing("SET")),
        Set::SetRole { .. } => Err(refused("SET ROLE")),
        Set::SetSessionAuthorization(_) => Err(refused("SET SESSION AUTHORIZATION")),
        _ => Err(refused("this form of SET")),
    }
}

fn literal(value: &Expr) -> Option<String> {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Some(text.clone()),
            Value::Number(text, _) => Some(text.clone()),
            Value::Boolean(yes) => Some(if *yes { "on" } else { "off" }.to_owned()),
            _ => None,
        },
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::UnaryOp { expr, .. } => literal(expr).map(|text| format!("-{text}")),
        _ => None,
    }
}
