//! What clients are told, with PostgreSQL's codes.

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};
use domain::{Code, Problem};

/// Codes of the appendix "PostgreSQL Error Codes".
pub(super) mod code {
    pub(crate) const PROTOCOL: &str = "08P01";
    pub(crate) const UNSUPPORTED: &str = "0A000";
    pub(crate) const DATA: &str = "22000";
    pub(crate) const DIVISION: &str = "22012";
    pub(crate) const PARAMETER: &str = "22023";
    pub(crate) const TEXT: &str = "22P02";
    pub(crate) const ABORTED: &str = "25P02";
    pub(crate) const AUTHORIZATION: &str = "28000";
    pub(crate) const PASSWORD: &str = "28P01";
    pub(crate) const DATABASE: &str = "3D000";
    pub(crate) const SYNTAX: &str = "42601";
    pub(crate) const FORBIDDEN: &str = "42501";
    pub(crate) const AMBIGUOUS: &str = "42702";
    pub(crate) const COLUMN: &str = "42703";
    pub(crate) const OBJECT: &str = "42704";
    pub(crate) const FUNCTION: &str = "42883";
    pub(crate) const TABLE: &str = "42P01";
    pub(crate) const RULES: &str = "42000";
    pub(crate) const MEMORY: &str = "53200";
    pub(crate) const CONNECTIONS: &str = "53300";
    pub(crate) const LIMIT: &str = "54000";
    pub(crate) const CANCELLED: &str = "57014";
    pub(crate) const SHUTDOWN: &str = "57P01";
    pub(crate) const NOT_YET: &str = "57P03";
    pub(crate) const INTERNAL: &str = "XX000";
}

fn tell(severity: &str, code: &str, message: impl Into<String>, hint: Option<&str>) -> PgWireError {
    let mut info = ErrorInfo::new(severity.to_owned(), code.to_owned(), message.into());
    info.hint = hint.map(str::to_owned);
    PgWireError::UserError(Box::new(info))
}

/// The statement failed; the connection goes on.
pub(super) fn error(code: &str, message: impl Into<String>) -> PgWireError {
    tell("ERROR", code, message, None)
}

/// As [`error`], with what to do.
pub(super) fn hinted(code: &str, message: impl Into<String>, hint: &str) -> PgWireError {
    tell("ERROR", code, message, Some(hint))
}

/// The connection ends.
pub(super) fn fatal(code: &str, message: impl Into<String>) -> PgWireError {
    tell("FATAL", code, message, None)
}

/// It took too long.
pub(super) fn timeout() -> PgWireError {
    hinted(
        code::CANCELLED,
        "canceling statement due to statement timeout",
        "Ask for a shorter window or fewer rows; `sql.timeout_s` in the configuration is the limit.",
    )
}

/// Somebody asked for it to end.
pub(super) fn cancelled() -> PgWireError {
    error(code::CANCELLED, "canceling statement due to user request")
}

/// Of whoever runs the port.
pub(super) fn problem(problem: &Problem) -> PgWireError {
    match problem.code {
        Code::Unavailable => error(code::NOT_YET, problem.message.clone()),
        Code::Internal => error(code::INTERNAL, "the server ran into a fault; its log says more"),
        _ => error(code::RULES, problem.message.clone()),
    }
}

/// Of the parser.
pub(super) fn syntax(failure: &ParserError) -> PgWireError {
    match failure {
        ParserError::RecursionLimitExceeded => error(code::LIMIT, "the statement is nested too deeply"),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
            error(code::SYNTAX, format!("the statement cannot be read: {text}"))
        }
    }
}

/// Of the engine.
pub(super) fn engine(failure: &DataFusionError) -> PgWireError {
    let text = || failure.find_root().strip_backtrace();
    match failure.find_root() {
        DataFusionError::ResourcesExhausted(_) => hinted(
            code::MEMORY,
            "the statement needs more memory than it may take",
            "Aggregate more, ask for a shorter window, or have `sql.max_memory_bytes` raised.",
        ),
        DataFusionError::SQL(failure, _) => syntax(failure),
        DataFusionError::SchemaError(failure, _) => match failure.as_ref() {
            SchemaError::FieldNotFound { .. } => error(code::COLUMN, text()),
            SchemaError::AmbiguousReference { .. } => error(code::AMBIGUOUS, text()),
            _ => error(code::RULES, text()),
        },
        DataFusionError::Plan(_) => plan(&text()),
        DataFusionError::NotImplemented(_) => error(code::UNSUPPORTED, text()),
        DataFusionError::Execution(_) => error(code::DATA, text()),
        DataFusionError::ArrowError(failure, _) => {
            let text = failure.to_string();
            if text.contains("Divide by zero") {
                return error(code::DIVISION, "division by zero");
            }
            let code = if text.contains("Cast") || text.contains("Pars") { code::TEXT } else { code::DATA };
            error(code, text)
        }
        other => {
            tracing::error!(error = %other, "a statement of the SQL port failed");
            error(code::INTERNAL, "the engine could not answer this statement; the server's log says more")
        }
    }
}

fn plan(text: &str) -> PgWireError {
    let has = |part: &str| text.contains(part);
    let unresolved = has("failed to resolve schema") || has("failed to resolve catalog");
    let code = if unresolved || (has("table '") && has("not found")) {
        code::TABLE
    } else if has("Invalid function") || has("No function matches") || has("Failed to coerce arguments") {
        code::FUNCTION
    } else if has("not supported: ") {
        code::FORBIDDEN
    } else {
        code::RULES
    };
    error(code, text.trim_start_matches("Error during planning: "))
}
