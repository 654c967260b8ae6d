//! `[sql]`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use warehouse::wire::Settings;

/// The SQL port: PostgreSQL's wire protocol over the tables, for reading only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SqlConfig {
    /// Address and port; empty and there is no such port. Off loopback it needs TLS. Port 0 takes a free one.
    pub listen: String,
    /// Certificate chain in PEM; empty and there is no TLS.
    pub tls_certificate_file: PathBuf,
    /// Its private key in PEM.
    pub tls_key_file: PathBuf,
    /// A statement gets this many seconds, from its arrival to its last row. Clients may ask for less.
    pub timeout_s: u64,
    /// Most rows of an answer.
    pub max_rows: usize,
    /// Most memory one statement may hold, in bytes. All statements and questions together share 256 MiB.
    pub max_memory_bytes: usize,
    /// Most connections at once.
    pub max_connections: usize,
}

impl Default for SqlConfig {
    fn default() -> Self {
        SqlConfig {
            listen: String::new(),
            tls_certificate_file: PathBuf::new(),
            tls_key_file: PathBuf::new(),
            timeout_s: 30,
            max_rows: 1_000_000,
            max_memory_bytes: 128 * 1024 * 1024,
            max_connections: 32,
        }
    }
}

impl SqlConfig {
    pub(super) fn validate(&self) -> Result<(), String> {
        let files = [&self.tls_certificate_file, &self.tls_key_file];
        let given = files.iter().filter(|file| !file.as_os_str().is_empty()).count();
        if given == 1 {
            return Err("sql.tls_certificate_file and sql.tls_key_file belong together; set both or none".to_owned());
        }
        if !(1..=3_600).contains(&self.timeout_s) {
            return Err(format!("sql.timeout_s is {}; it is between 1 and 3600", self.timeout_s));
        }
        if self.max_rows == 0 {
            return Err("sql.max_rows is 0; it is at least 1".to_owned());
        }
        if self.max_memory_bytes < 1024 * 1024 {
            return Err(format!("sql.max_memory_bytes is {}; it is at least 1048576", self.max_memory_bytes));
        }
        if !(1..=1_000).contains(&self.max_connections) {
            return Err(format!("sql.max_connections is {}; it is between 1 and 1000", self.max_connections));
        }
        if self.listen.is_empty() {
            return Ok(());
        }
        let address = self.listen.replace("localhost", "127.0.0.1").parse::<SocketAddr>().map_err(|_| {
            format!(
                "sql.listen is `{}`; write an address and a port, such as 127.0.0.1:5433 or 0.0.0.0:5433",
                self.listen
            )
        })?;
        if given == 0 && !address.ip().to_canonical().is_loopback() {
            return Err(format!(
                "sql.listen is `{}`, which others can reach, and tokens would go over the network as they are; set \
                 sql.tls_certificate_file and sql.tls_key_file, or listen on 127.0.0.1",
                self.listen
            ));
        }
        Ok(())
    }

    /// How the port is set up; none when there is to be none.
    pub(crate) fn settings(&self) -> Option<Settings> {
        if self.listen.is_empty() {
            return None;
        }
        let (certificate, key) = (self.tls_certificate_file.clone(), self.tls_key_file.clone());
        Some(Settings {
            listen: self.listen.clone(),
            tls: (!certificate.as_os_str().is_empty()).then_some((certificate, key)),
            timeout: Duration::from_secs(self.timeout_s),
            max_rows: self.max_rows,
            max_memory_bytes: self.max_memory_bytes,
            max_connections: self.max_connections,
            version: concat!("Leadline ", env!("CARGO_PKG_VERSION")),
        })
    }
}
