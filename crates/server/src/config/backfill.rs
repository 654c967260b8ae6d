//! How the past of a source is read: the keys of `[[sources]]` for its API.

use domain::Timestamp;
use sources::poll::{Backfill, Credentials, Settings};

use super::SourceConfig;

impl SourceConfig {
    /// How and what to read, with secrets read now from where they stand; none when no key asks for it.
    pub(crate) fn backfill(
        &self,
        run: String,
        since: Option<Timestamp>,
    ) -> Result<Option<(&'static Backfill, Settings)>, String> {
        let wrong = |why: String| format!("the source `{}`: {why}", self.name);
        let Some(credentials) = self.credentials().map_err(wrong)? else { return Ok(None) };
        let kind = self.source()?;
        let backfill = kind.backfill.ok_or_else(|| wrong(format!("the past of {} cannot be read yet", kind.title)))?;
        let api_url = self.api_url.as_deref().unwrap_or(backfill.api_url).trim_end_matches('/').to_owned();
        let (repositories, owners) = (self.repositories.clone(), self.owners.clone());
        let settings = Settings { run, api_url, credentials, repositories, owners, since, options: Default::default() };
        (backfill.check)(&settings).map_err(wrong)?;
        Ok(Some((backfill, settings)))
    }

    fn credentials(&self) -> Result<Option<Credentials>, String> {
        let given = [
            self.token.is_some(),
            self.token_file.is_some(),
            self.token_env.is_some(),
            self.app_id.is_some() || self.private_key_file.is_some(),
        ];
        match given.iter().filter(|given| **given).count() {
            0 if self.repositories.is_empty() && self.owners.is_empty() && self.api_url.is_none() => return Ok(None),
            1 => {}
            _ => {
                return Err(
                    "its past is read with one of `token`, `token_file`, `token_env`, or `app_id` together with \
                            `private_key_file`"
                        .to_owned(),
                );
            }
        }
        if let Some(token) = &self.token {
            return Ok(Some(Credentials::Token(token.text().to_owned())));
        }
        if let Some(file) = &self.token_file {
            return Ok(Some(Credentials::Token(text("token_file", file)?.trim().to_owned())));
        }
        if let Some(variable) = &self.token_env {
            let token = std::env::var(variable).map_err(|_| format!("token_env: {variable} is not set"))?;
            return Ok(Some(Credentials::Token(token)));
        }
        match (&self.app_id, &self.private_key_file) {
            (Some(id), Some(file)) => {
                Ok(Some(Credentials::App { id: id.trim().to_owned(), private_key: text("private_key_file", file)? }))
            }
            _ => Err("`app_id` and `private_key_file` go together".to_owned()),
        }
    }
}

fn text(key: &str, file: &std::path::Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("{key}: {} cannot be read: {error}", file.display()))
}
