//! `leadline token`: who may do what.

use std::process::ExitCode;

use domain::Timestamp;
use serde_json::{Value, json};
use store::Scope;

use crate::cli::{TargetArgs, TextFormat, TokenCommand};
use crate::client::{Content, encoded};
use crate::failure::Failure;
use crate::format::{Align, Table, Tone, moment};
use crate::report::pretty;
use crate::session::{open_store, remote};
use crate::{clock, out};

/// Runs the command.
pub(crate) fn run(command: TokenCommand) -> Result<ExitCode, Failure> {
    match command {
        TokenCommand::Create { name, scopes, target } => {
            let secret = create(&target, &name, &scopes)?;
            out::note(&format!("The token `{name}` may {}. It is shown this once:", scopes.join(" and ")));
            out::line(&secret)?;
        }
        TokenCommand::List { format, target } => {
            let tokens = list(&target)?;
            match format {
                TextFormat::Json => out::line(&pretty(&tokens)?)?,
                TextFormat::Text => out::answer(&as_text(&tokens))?,
            }
        }
        TokenCommand::Revoke { name, target } => {
            revoke(&target, &name)?;
            out::note(&format!("The token `{name}` is known no more."));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn create(target: &TargetArgs, name: &str, scopes: &[String]) -> Result<String, Failure> {
    let Some(url) = &target.url else {
        let scopes: Vec<Scope> = scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
        return Ok(open_store(&target.data)?.create_token(name, &scopes, clock::now())?);
    };
    let body = json!({"name": name, "scopes": scopes}).to_string();
    let content = Content { body: body.as_bytes(), kind: "application/json" };
    let answer = remote(url, target.token.clone())?.post("/api/v1/tokens", &content)?;
    let secret = answer.get("token").and_then(Value::as_str).map(str::to_owned);
    secret.ok_or_else(|| Failure::could_not("the server made a token and did not tell it; is it another version?"))
}

fn list(target: &TargetArgs) -> Result<Value, Failure> {
    if let Some(url) = &target.url {
        return Ok(remote(url, target.token.clone())?.get("/api/v1/tokens", &[])?);
    }
    let one = |token: store::Token| {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.text()).collect();
        json!({"name": token.name, "scopes": scopes, "created_at": token.created_at})
    };
    let tokens: Vec<Value> = open_store(&target.data)?.tokens()?.into_iter().map(one).collect();
    Ok(json!({"tokens": tokens}))
}

fn revoke(target: &TargetArgs, name: &str) -> Result<(), Failure> {
    if let Some(url) = &target.url {
        // A slash in a name is part of it, not of the address.
        let name = encoded(name).replace('/', "%2F");
        remote(url, target.token.clone())?.delete(&format!("/api/v1/tokens/{name}"))?;
        return Ok(());
    }
    if open_store(&target.data)?.revoke_token(name, clock::now())? {
        return Ok(());
    }
    Err(Failure::Use(format!("there is no token `{name}`; `leadline token list` lists them")))
}

fn as_text(tokens: &Value) -> String {
    let mut table = Table::new(&[("Name", Align::Left), ("Scopes", Align::Left), ("Made (UTC)", Align::Left)]);
    for token in tokens.get("tokens").and_then(Value::as_array).into_iter().flatten() {
        let word = |name: &str| token.get(name).and_then(Value::as_str).unwrap_or_default();
        let scopes = token.get("scopes").and_then(Value::as_array).into_iter().flatten();
        let scopes: Vec<&str> = scopes.filter_map(Value::as_str).collect();
        let made = Timestamp::parse(word("created_at")).map(moment).unwrap_or_default();
        let cells = [word("name").to_owned(), scopes.join(", "), made];
        table.row(cells.into_iter().map(|cell| (cell, Tone::Plain)).collect());
    }
    table.text(out::paint(), "")
}
