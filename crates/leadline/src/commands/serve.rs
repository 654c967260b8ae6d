//! `leadline serve`: the server.

use std::path::Path;
use std::process::ExitCode;

use server::Config;
use store::{Scope, Store};

use crate::cli::ServeArgs;
use crate::client::{Client, Content};
use crate::failure::Failure;
use crate::session::{COMMAND, Local, open_store};
use crate::{clock, out};

/// Name of the token made at the first start.
const ADMIN: &str = "admin";

/// Runs the command.
pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let mut config = Config::load(args.config.as_deref()).map_err(|error| Failure::Use(error.to_string()))?;
    if let Some(folder) = &args.data {
        config.data.dir.clone_from(folder);
    }
    if let Some(listen) = &args.listen {
        config.server.listen.clone_from(listen);
    }
    let catalogue = args.catalogue.as_deref().map(read_catalogue).transpose()?;
    let store = open_store(&config.data.dir)?;
    let secret = admin(&store)?;
    let (local, client) = Local::start(config, store)?;
    if let Some((text, kind)) = catalogue
        && let Err(failure) = put_catalogue(&client, &text, kind)
    {
        local.stop()?;
        return Err(failure);
    }
    if let Some(secret) = secret {
        out::line(&format!("admin token, shown this once: {secret}"))?;
    }
    out::line(&format!("listening on {}", client.base()))?;
    local.wait()?;
    Ok(ExitCode::SUCCESS)
}

/// Sees to it that somebody can administer; gives the secret of a token that was made for that.
fn admin(store: &Store) -> Result<Option<String>, Failure> {
    if let Ok(secret) = std::env::var("LEADLINE_ADMIN_TOKEN") {
        store.put_token(ADMIN, &[Scope::Admin], secret.trim(), clock::now()).map_err(|error| match error {
            store::StoreError::TokenInvalid(why) => Failure::Use(format!("LEADLINE_ADMIN_TOKEN: {why}")),
            other => other.into(),
        })?;
        return Ok(None);
    }
    // One that a killed command left behind is nobody's.
    if store.tokens()?.iter().any(|token| token.scopes.contains(&Scope::Admin) && token.name != COMMAND) {
        return Ok(None);
    }
    Ok(Some(store.create_token(ADMIN, &[Scope::Admin], clock::now())?))
}

/// A catalogue file and its content type.
fn read_catalogue(file: &Path) -> Result<(Vec<u8>, &'static str), Failure> {
    let name = file.extension().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
    let kind = match name.as_str() {
        "toml" => "application/toml",
        "yaml" | "yml" => "application/yaml",
        "json" => "application/json",
        _ => {
            return Err(Failure::Use(format!(
                "{}: a catalogue's name ends in .toml, .yaml, .yml or .json",
                file.display()
            )));
        }
    };
    let text = std::fs::read(file)
        .map_err(|error| Failure::could_not(format!("{} cannot be read: {error}", file.display())))?;
    Ok((text, kind))
}

fn put_catalogue(client: &Client, text: &[u8], kind: &str) -> Result<(), Failure> {
    client.put("/api/v1/catalogue", &Content { body: text, kind })?;
    Ok(())
}
