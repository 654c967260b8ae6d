//! `[server]`

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port; loopback unless told otherwise. Port 0 takes a free one.
    pub listen: String,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig { listen: "127.0.0.1:8080".to_owned() }
    }
}

impl ServerConfig {
    pub(super) fn validate(&self) -> Result<(), String> {
        let listen = self.listen.replace("localhost", "127.0.0.1");
        listen.parse::<SocketAddr>().map(|_| ()).map_err(|_| {
            format!(
                "server.listen is `{}`; write an address and a port, such as 127.0.0.1:8080 or 0.0.0.0:8080",
                self.listen
            )
        })
    }
}
