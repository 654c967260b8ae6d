//! Configuration: one TOML file, every key also an environment variable (`LEADLINE_SERVER__LISTEN`, …).

mod backfill;
mod data;
mod ingest;
mod metrics;
mod read;
mod retention;
mod server;
mod sources;
mod span;
mod sql;
mod warehouse;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use self::backfill::OptionValue;
pub use self::sources::{OneOrMore, Secret, SourceConfig};
pub(crate) use backfill::Polling;
pub use data::DataConfig;
pub use ingest::IngestConfig;
pub use metrics::MetricsConfig;
pub use read::ReadConfig;
pub use retention::RetentionConfig;
pub use server::ServerConfig;
pub use span::Span;
pub use sql::SqlConfig;
pub use warehouse::WarehouseConfig;

/// All sections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it listens.
    pub server: ServerConfig,
    /// Where data is kept.
    pub data: DataConfig,
    /// What comes in.
    pub ingest: IngestConfig,
    /// What goes out.
    pub read: ReadConfig,
    /// What numbers mean unless asked otherwise.
    pub metrics: MetricsConfig,
    /// How the tables that queries read are kept.
    pub warehouse: WarehouseConfig,
    /// How long things are kept where they are.
    pub retention: RetentionConfig,
    /// The SQL port.
    pub sql: SqlConfig,
    /// Senders with names and secrets of their own. Only from the file: the environment can hold their secrets.
    pub sources: Vec<SourceConfig>,
    /// Tools that are read by programs of one's own. Only from the file.
    pub tools: Vec<::sources::Tool>,
    /// Clusters of Kubernetes that are watched. Only from the file.
    pub clusters: Vec<::watch::Cluster>,
    /// Streams of NATS JetStream that are read. Only from the file.
    pub streams: Vec<::stream::Settings>,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used: {0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads a file, when one is named, then the environment, which wins.
    ///
    /// # Errors
    /// The file cannot be read, a key is not known, or a value cannot be used; the message names it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
        }
        let environment = config::Environment::with_prefix("LEADLINE")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("ingest.anonymous_networks")
            .with_list_parse_key("read.anonymous_networks");
        // Variables without a section (`LEADLINE_TOKEN`, `LEADLINE_DATA`, …) belong to the command line.
        let sections: Vec<(String, String)> =
            std::env::vars().filter(|(name, _)| name.starts_with("LEADLINE_") && name.contains("__")).collect();
        let environment = environment.source(Some(sections.into_iter().collect()));
        let read = builder.add_source(environment).build().map_err(|error| ConfigError(error.to_string()))?;
        let config: Config = read.try_deserialize().map_err(|error| ConfigError(error.to_string()))?;
        config.validate()?;
        Ok(config)
    }

    /// Reads and compiles the programs of its tools, again when they changed: from then on sources may be of their kinds.
    ///
    /// # Errors
    /// The first program that cannot be used, and where.
    pub fn learn_tools(&self) -> Result<(), ConfigError> {
        ::sources::learn(&self.tools).map_err(|error| ConfigError(error.to_string()))
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.learn_tools()?;
        self.server
            .validate()
            .and_then(|()| self.ingest.validate())
            .and_then(|()| self.metrics.validate())
            .and_then(|()| self.warehouse.validate())
            .and_then(|()| self.retention.validate())
            .and_then(|()| self.sql.validate())
            .and_then(|()| sources::validate(&self.sources))
            .and_then(|()| ::watch::Config { clusters: self.clusters.clone() }.check())
            .and_then(|()| self.validate_streams())
            .map_err(ConfigError)
    }

    fn validate_streams(&self) -> Result<(), String> {
        for (place, settings) in self.streams.iter().enumerate() {
            let name = &settings.stream;
            let same = |other: &::stream::Settings| (&other.servers, &other.stream) == (&settings.servers, name);
            if self.streams[..place].iter().any(same) {
                return Err(format!("streams: `{name}` of the same servers is there twice"));
            }
            ::stream::Consumer::new(settings.clone(), ::sources::find)
                .map_err(|error| format!("streams: `{name}`: {error}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_sets_some_keys_and_the_rest_have_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("leadline.toml");
        std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:9\"\n[ingest]\nanonymous_networks = [\"127.0.0.0/8\"]\n")
            .unwrap();
        let config = Config::load(Some(&file)).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:9");
        assert_eq!(config.ingest.anonymous_networks.len(), 1);
        assert_eq!(config.metrics, MetricsConfig::default());
    }

    #[test]
    fn a_tool_of_ones_own_is_a_kind_of_source_and_a_mistake_in_it_is_placed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("leadline.toml");
        let text = "[[tools]]\nname = \"shipit\"\nprogram = '{ignored: \"x\"}'\n[[sources]]\nname = \"shipit-eu\"\n\
                    kind = \"shipit\"\n";
        std::fs::write(&file, text).unwrap();
        let config = Config::load(Some(&file)).unwrap();
        assert_eq!(config.sources[0].source().unwrap().name, "shipit");
        std::fs::write(&file, text.replace("ignored:", "ignored")).unwrap();
        let error = Config::load(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("tools `shipit`: the program: line 1, column"), "{error}");
    }

    #[test]
    fn secrets_of_a_source_come_from_three_places_and_are_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("leadline.toml");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "from-the-file\n").unwrap();
        let text = format!(
            "[[sources]]\nname = \"acme\"\nkind = \"github\"\nsecret = [\"old-one\", \"new-one\"]\nsecret_file = {:?}\n\
             secret_env = [\"PATH\"]\n[[sources]]\nname = \"open\"\nkind = \"github\"\n",
            secret
        );
        std::fs::write(&file, &text).unwrap();
        let config = Config::load(Some(&file)).unwrap();
        let secrets = config.sources[0].secrets().unwrap();
        assert_eq!(secrets[..3], ["old-one", "new-one", "from-the-file"].map(Secret::new));
        assert_eq!((secrets.len(), config.sources[1].secrets().unwrap().len()), (4, 0));
        let shown = format!("{config:?} {secrets:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("-one") && !shown.contains("from-the-file"), "{shown}");
        std::fs::write(&file, text.replace("\"open\"", "\"acme\"")).unwrap();
        assert!(Config::load(Some(&file)).unwrap_err().to_string().contains("twice"));
    }

    #[test]
    fn a_token_for_the_api_comes_from_one_place_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let (file, token) = (folder.path().join("leadline.toml"), folder.path().join("token"));
        std::fs::write(&token, "from-the-file\n").unwrap();
        let source = "[[sources]]\nname = \"a\"\nkind = \"github\"\nrepositories = [\"acme/cart\"]\n";
        for (key, wanted) in [
            ("token = \"from-the-text\"".to_owned(), "from-the-text"),
            (format!("token_file = {token:?}"), "from-the-file"),
        ] {
            std::fs::write(&file, format!("{source}{key}\n")).unwrap();
            let config = Config::load(Some(&file)).unwrap();
            let (_, settings) = config.sources[0].backfill("run".to_owned(), None).unwrap().unwrap();
            assert_eq!(settings.credentials, ::sources::poll::Credentials::Token(wanted.to_owned()));
            assert_eq!(settings.api_url, "https://api.github.com");
            let shown = format!("{config:?} {settings:?} {}", serde_json::to_string(&config).unwrap());
            assert!(!shown.contains(wanted), "{shown}");
        }
        std::fs::write(&file, source.replace("repositories", "owners").replace("acme/cart", "acme")).unwrap();
        assert!(Config::load(Some(&file)).unwrap_err().to_string().contains("token_file"));
    }

    #[test]
    fn a_password_is_never_shown_and_polling_says_when() {
        let folder = tempfile::tempdir().unwrap();
        let (file, password) = (folder.path().join("leadline.toml"), folder.path().join("password"));
        std::fs::write(&password, "from-the-file\n").unwrap();
        let source = "[[sources]]\nname = \"a\"\nkind = \"github\"\nrepositories = [\"acme/cart\"]\n";
        let basic = format!("{source}user = \"ada\"\npassword_file = {password:?}\n");
        // GitHub takes no password; whoever asks is told so without it.
        std::fs::write(&file, basic).unwrap();
        let error = Config::load(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("asked with a token") && !error.contains("from-the-file"), "{error}");
        let polled = format!("{source}token = \"x\"\npoll_every = \"15m\"\nfirst_poll = \"2d\"\n");
        for (more, every) in [("", Some(900)), ("poll = false\n", None)] {
            std::fs::write(&file, format!("{polled}{more}")).unwrap();
            let polling = Config::load(Some(&file)).unwrap().sources[0].polling();
            assert_eq!(polling.map(|polling| polling.every.as_secs()), every);
        }
        std::fs::write(&file, format!("{source}token = \"x\"\npoll = true\n")).unwrap();
        let polling = Config::load(Some(&file)).unwrap().sources[0].polling().unwrap();
        assert_eq!((polling.every.as_secs(), polling.first.as_secs()), (3_600, 7 * 86_400));
    }

    #[test]
    fn an_unknown_key_or_value_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("leadline.toml");
        for (text, named) in [
            ("[server]\nlisten_on = 1\n", "listen_on"),
            ("[metrics]\ndefinition = \"X!\"\n", "metrics.definition"),
            ("[server]\nlisten = \"here\"\n", "server.listen"),
            ("[sql]\nlisten = \"0.0.0.0:5433\"\n", "sql.tls_certificate_file"),
            ("[sql]\nlisten = \"[::]:5433\"\n", "sql.tls_certificate_file"),
            ("[sql]\nlisten = \"here\"\n", "sql.listen"),
            ("[sql]\ntls_key_file = \"/nowhere/key.pem\"\n", "belong together"),
            ("[retention]\ncommits_days = 0\n", "retention.commits_days"),
            ("[retention]\nbuilds_days = 7\n", "builds_days"),
            ("[retention]\njournal_days = -1\n", "journal_days"),
            ("[sql]\ntimeout_s = 0\n", "sql.timeout_s"),
            ("[sql]\nmax_rows = 0\n", "sql.max_rows"),
            ("[sql]\nmax_memory_bytes = 1\n", "sql.max_memory_bytes"),
            ("[sql]\nmax_connections = 0\n", "sql.max_connections"),
            ("[[sources]]\nname = \"a b\"\nkind = \"github\"\n", "sources.name"),
            ("[[sources]]\nname = \"articles\"\nkind = \"github\"\n", "sources.name"),
            ("[[sources]]\nname = \"a\"\nkind = \"svn\"\n", "there are github"),
            ("[[sources]]\nname = \"a\"\nkind = \"articles\"\n", "sources.kind"),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\nsecret = [\"x\", \" \"]\n", "empty"),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\nsecret_env = \"LL_NOT_SET\"\n", "LL_NOT_SET"),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\nsecret_file = \"/nowhere/s\"\n", "/nowhere/s"),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\nsecrets = \"x\"\n", "secrets"),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\ntoken = \"x\"\n", "set `repositories` or `owners`"),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\ntoken = \" \"\nowners = [\"b\"]\n", "the token is empty"),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\ntoken = \"x\"\nowners = [\"b/c\"]\n", "`b/c` is no user"),
            (
                "[[sources]]\nname = \"a\"\nkind = \"github\"\ntoken = \"x\"\nuser = \"b\"\nowners = [\"b\"]\n",
                "one of several",
            ),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\nuser = \"b\"\nowners = [\"b\"]\n", "password_file"),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\npoll = true\n", "token_file"),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\npoll_every = \"soon\"\n", "15m"),
            (
                "[[sources]]\nname = \"a\"\nkind = \"github\"\ntoken = \"x\"\nowners = [\"b\"]\noptions = { depth = 3 }\n",
                "`options.depth` is not known; GitHub takes no options",
            ),
            (
                "[[sources]]\nname = \"a\"\nkind = \"github\"\ntoken = \"x\"\nrepositories = [\"../b\"]\n",
                "write owner/name",
            ),
            (
                "[[sources]]\nname = \"a\"\nkind = \"github\"\ntoken = \"x\"\ntoken_env = \"PATH\"\nowners = [\"b\"]\n",
                "one of",
            ),
            (
                "[[sources]]\nname = \"a\"\nkind = \"github\"\ntoken_env = \"LL_NOT_SET\"\nowners = [\"b\"]\n",
                "LL_NOT_SET",
            ),
            ("[[sources]]\nname = \"a\"\nkind = \"github\"\napp_id = 7\nowners = [\"b\"]\n", "private_key_file"),
            (
                "[[sources]]\nname = \"a\"\nkind = \"github\"\ntoken = \"x\"\nowners = [\"b\"]\napi_url = \"here\"\n",
                "api_url",
            ),
        ] {
            std::fs::write(&file, text).unwrap();
            let error = Config::load(Some(&file)).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
