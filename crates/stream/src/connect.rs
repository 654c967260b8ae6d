//! A connection by the settings. It reconnects by itself for as long as it lives.

use std::path::Path;
use std::time::Duration;

use async_nats::rustls::crypto::{CryptoProvider, ring};
use async_nats::{Client, ConnectOptions, Event};

use crate::settings::{Error, Settings};

/// The longest wait between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(crate) async fn connect(settings: &Settings) -> Result<Client, Error> {
    // Where a program has several, none is chosen by itself; this one is everywhere here.
    if CryptoProvider::get_default().is_none() {
        // Somebody else may just have chosen one, which is as good.
        let _ = ring::default_provider().install_default();
    }
    let mut options = ConnectOptions::new()
        .name("leadline")
        .retry_on_initial_connect()
        .connection_timeout(Duration::from_secs(10))
        .reconnect_delay_callback(|attempts| {
            let doubled = u32::try_from(attempts).unwrap_or(u32::MAX).min(7);
            Duration::from_millis(100).saturating_mul(1 << doubled).min(LONGEST_PAUSE)
        })
        .require_tls(settings.tls)
        .event_callback(|event| async move {
            match event {
                Event::Connected => tracing::info!("connected to NATS"),
                // Says whom it could not reach and why, and no secret.
                other => tracing::warn!(event = %other, "the connection to NATS"),
            }
        });
    if let Some(token) = &settings.token {
        options = options.token(token.clone());
    }
    if let Some(file) = &settings.token_file {
        options = options.token(secret("token_file", file)?);
    }
    if let (Some(user), Some(file)) = (&settings.user, &settings.password_file) {
        options = options.user_and_password(user.clone(), secret("password_file", file)?);
    }
    if let Some(file) = &settings.nkey_file {
        options = options.nkey(secret("nkey_file", file)?);
    }
    if let Some(file) = &settings.credentials_file {
        let text = secret("credentials_file", file)?;
        options = options.credentials(&text).map_err(|error| unreadable("credentials_file", file, &error))?;
    }
    for (key, file) in [("ca_file", &settings.ca_file), ("certificate_file", &settings.certificate_file)] {
        // Read again with each connection; a file that is missing is better said now.
        if let Some(file) = file {
            secret(key, file)?;
        }
    }
    if let Some(file) = &settings.ca_file {
        options = options.add_root_certificates(file.clone());
    }
    if let (Some(certificate), Some(key)) = (&settings.certificate_file, &settings.key_file) {
        secret("key_file", key)?;
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    let servers: Vec<String> = settings.servers.iter().map(|server| server.trim().to_owned()).collect();
    options
        .connect(servers)
        .await
        .map_err(|error| Error::Setting { key: "servers", why: format!("cannot be used: {error}") })
}

/// A file's text without white space around it.
fn secret(key: &'static str, file: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(key, file, &error))?;
    match text.trim() {
        "" => Err(Error::File { key, file: file.display().to_string(), why: "it is empty".to_owned() }),
        text => Ok(text.to_owned()),
    }
}

fn unreadable(key: &'static str, file: &Path, error: &std::io::Error) -> Error {
    Error::File { key, file: file.display().to_string(), why: error.to_string() }
}
