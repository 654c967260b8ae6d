//! `[retention]`: how long things are kept where they are.

use std::collections::BTreeMap;

use domain::Timestamp;
use domain::time::{DAY, Month};
use serde::{Deserialize, Serialize};

macro_rules! tables {
    ($($(#[doc = $doc:literal])* $key:ident of $table:literal;)*) => {
        /// Days after which raw deliveries move to the archive, and rows leave the tables. The store keeps every fact.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct RetentionConfig {
            /// Days after which the bodies of a closed day of the journal move to the table `journal` of the lake; 0 for never.
            pub journal_days: u32,
            $($(#[doc = $doc])* pub $key: Option<u32>,)*
        }

        impl Default for RetentionConfig {
            fn default() -> Self {
                RetentionConfig { journal_days: 30, $($key: None,)* }
            }
        }

        impl RetentionConfig {
            /// Keys with their tables and days.
            fn tables(&self) -> Vec<(&'static str, &'static str, Option<u32>)> {
                vec![$((stringify!($key), $table, self.$key),)*]
            }
        }
    };
}

tables! {
    /// Days for which deployments are kept in the tables; for ever when left out, as for all others.
    deployments_days of "deployments";
    /// Days for which commits are, by the end of their deployment.
    commits_days of "commits";
    /// Days for which incidents are.
    incidents_days of "incidents";
    /// Days for which canary analyses are.
    canary_analyses_days of "canary_analyses";
    /// Days for which pipeline runs are.
    pipeline_runs_days of "pipeline_runs";
    /// Days for which stages of pipeline runs are.
    pipeline_stages_days of "pipeline_stages";
    /// Days for which pull requests are, by their opening.
    pull_requests_days of "pull_requests";
    /// Days for which samples of service levels are.
    slo_samples_days of "slo_samples";
    /// Days for which changes of feature flags are.
    flag_changes_days of "flag_changes";
    /// Days for which evidence is, by the end of its deployment or the beginning of its incident.
    evidence_days of "evidence";
}

impl RetentionConfig {
    pub(crate) fn validate(&self) -> Result<(), String> {
        for (key, table, days) in self.tables() {
            if days == Some(0) {
                return Err(format!(
                    "retention.{key} is 0, which would keep nothing; leave it out to keep {table} for ever"
                ));
            }
        }
        Ok(())
    }

    /// The first month of each table that is kept, of those that are not kept for ever: months that are over for so many
    /// days go, whole.
    pub(crate) fn first_months(&self, now: Timestamp) -> BTreeMap<&'static str, Month> {
        let first = |days: u32| Month::of(now.plus(-i64::from(days).saturating_mul(DAY)));
        self.tables().into_iter().filter_map(|(_, table, days)| Some((table, first(days?)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_its_key() {
        let config = RetentionConfig::default();
        let keys: BTreeMap<_, _> = config.tables().into_iter().map(|(key, table, _)| (table, key)).collect();
        for table in warehouse::reference().iter().map(|table| table.name).filter(|name| *name != "places") {
            assert_eq!(keys.get(table).copied(), Some(format!("{table}_days").as_str()));
        }
        assert_eq!(keys.len() + 1, warehouse::reference().len());
    }

    #[test]
    fn a_month_goes_when_its_last_day_is_past_the_retention() {
        let config = RetentionConfig { incidents_days: Some(30), ..RetentionConfig::default() };
        let first = |now: &str| config.first_months(Timestamp::parse(now).unwrap())["incidents"].to_string();
        assert_eq!(first("2025-03-02T23:59:59Z"), "2025-01");
        assert_eq!(first("2025-03-03T00:00:00Z"), "2025-02");
        assert_eq!(config.first_months(Timestamp::parse("2025-03-02T00:00:00Z").unwrap()).len(), 1);
    }
}
