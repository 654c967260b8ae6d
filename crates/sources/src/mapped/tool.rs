//! What a mapped tool says of itself, in TOML: in its folder, or as `[[tools]]` in the configuration.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Mapped;
use crate::{Answer, Digits, Route, Scheme, Signs, Source, Verification};

/// A tool that is read by a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tool {
    /// Its name: it sends to `/webhooks/NAME`, or to the name a source of this kind is given.
    pub name: String,
    /// Its name for people; the name when left out.
    pub title: String,
    /// What it sends, in a sentence.
    pub doc: String,
    /// Headers the program reads, as `$headers`; the journal keeps no others.
    pub headers: Vec<String>,
    /// Header with the tool's own id of a delivery; without one the content is the identity.
    pub id_header: Option<String>,
    /// How it shows that it knows the secret; the first way whose header was sent counts. Without any a token lets it in.
    pub verify: Vec<Way>,
    /// The program.
    pub program: Option<String>,
    /// The file with the program, instead.
    pub program_file: Option<PathBuf>,
}

/// One way to show that one knows a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Way {
    /// An HMAC-SHA256 of the body.
    HmacSha256 {
        /// Header with the signature.
        header: String,
        /// What stands before the digits, such as `sha256=`.
        #[serde(default)]
        prefix: String,
        /// Whether the digits are base64 instead of hexadecimal.
        #[serde(default)]
        base64: bool,
        /// Header whose text is signed before the body, such as a time.
        time_header: Option<String>,
        /// What the time that is signed before the body begins with in the signature's own header, such as `t=`.
        time_part: Option<String>,
    },
    /// The Standard Webhooks.
    StandardWebhooks,
    /// The secret itself.
    Secret {
        /// Header it is sent in.
        header: String,
        /// What stands before it, such as `Bearer `.
        #[serde(default)]
        prefix: String,
    },
}

/// What is wrong with a tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct ToolError {
    /// Which tool, and the file of its program when it has one.
    pub place: String,
    /// What is wrong with it and where: `line 3, column 5: …` for a program.
    pub what: String,
}

impl Tool {
    /// A tool from TOML.
    ///
    /// # Errors
    /// What is wrong, with its line and column.
    pub fn read(text: &str) -> Result<Self, ToolError> {
        toml::from_str(text).map_err(|error: toml::de::Error| ToolError {
            place: "a tool".to_owned(),
            what: error.to_string().trim_end().to_owned(),
        })
    }

    /// The source it is: its program is read from where it stands and compiled now.
    ///
    /// What a source is made of stays for as long as the process runs, so that events can be read again by the program
    /// they were read by; a program that is replaced takes some kilobytes for good.
    ///
    /// # Errors
    /// What is wrong with its name, its way to sign, or its program.
    pub fn source(&self) -> Result<Source, ToolError> {
        let place = match &self.program_file {
            Some(file) => format!("tools `{}`, {}", self.shown_name(), file.display()),
            None => format!("tools `{}`", self.shown_name()),
        };
        let wrong = |what: String| ToolError { place: place.clone(), what };
        self.check().map_err(wrong)?;
        let code = match (&self.program, &self.program_file) {
            (Some(code), None) => code.clone(),
            (None, Some(file)) => code_of(file).map_err(wrong)?,
            _ => return Err(wrong("a tool has either a `program` or a `program_file`".to_owned())),
        };
        let mapped = self.mapped(code);
        mapped.program().map_err(|why| wrong(format!("the program: {why}")))?;
        Ok(self.leaked(mapped))
    }

    fn mapped(&self, code: String) -> Mapped {
        Mapped::new(code, self.headers.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    fn leaked(&self, mapped: Mapped) -> Source {
        let headers: Vec<&'static str> = self.headers.iter().map(|name| lower(name)).collect();
        let title = if self.title.is_empty() { &self.name } else { &self.title };
        let route = Route {
            path: keep(&format!("/webhooks/{}", self.name)),
            event: "webhook",
            doc: keep(&format!("A webhook of {title}, or a list of its API.")),
            headers: Vec::leak([headers, vec!["content-type"]].concat()),
            id_header: self.id_header.as_deref().map(lower),
            answer: Answer::Recorded,
        };
        let schemes: Vec<Scheme> = self.verify.iter().map(Way::scheme).collect();
        let mapped: &'static Mapped = Box::leak(Box::new(mapped));
        Source {
            name: keep(&self.name),
            title: keep(title),
            doc: if self.doc.is_empty() { "A tool of the configuration." } else { keep(&self.doc) },
            routes: Vec::leak(vec![route]),
            verification: if schemes.is_empty() {
                Verification::Token
            } else {
                Verification::Secret(Vec::leak(schemes))
            },
            backfill: None,
            parse: Box::leak(Box::new(|delivery: &crate::Delivery<'_>| mapped.parse(delivery))),
        }
    }

    fn shown_name(&self) -> String {
        super::program::shown(crate::json::clip(&self.name, 64))
    }

    fn check(&self) -> Result<(), String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            return Err("its name has 1 to 64 small letters, digits, hyphens and underscores".to_owned());
        }
        if !self.doc.is_empty() && !self.doc.ends_with('.') {
            return Err("its `doc` is a sentence and ends with a full stop".to_owned());
        }
        let named = self
            .headers
            .iter()
            .chain(&self.id_header)
            .map(String::as_str)
            .chain(self.verify.iter().flat_map(Way::headers));
        for name in named {
            let token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if name.is_empty() || !name.bytes().all(token) {
                return Err(format!("`{}` is no name of a header", super::program::shown(name)));
            }
        }
        if self.headers.iter().chain(&self.id_header).any(|name| name.eq_ignore_ascii_case("authorization")) {
            return Err("`authorization` is not kept: it holds a secret".to_owned());
        }
        Ok(())
    }
}

impl Way {
    fn headers(&self) -> Vec<&str> {
        match self {
            Way::HmacSha256 { header, time_header, .. } => {
                [header.as_str()].into_iter().chain(time_header.as_deref()).collect()
            }
            Way::StandardWebhooks => Vec::new(),
            Way::Secret { header, .. } => vec![header],
        }
    }

    fn scheme(&self) -> Scheme {
        match self {
            Way::HmacSha256 { header, prefix, base64, time_header, time_part } => Scheme::Hmac {
                header: lower(header),
                prefix: keep(prefix),
                digits: if *base64 { Digits::Base64 } else { Digits::Hex },
                signs: match (time_header, time_part) {
                    (Some(other), _) => Signs::HeaderAndBody(lower(other)),
                    (None, Some(part)) => Signs::PartAndBody(keep(part)),
                    (None, None) => Signs::Body,
                },
            },
            Way::StandardWebhooks => Scheme::Standard,
            Way::Secret { header, prefix } => Scheme::Plain { header: lower(header), prefix: keep(prefix) },
        }
    }
}

fn code_of(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| format!("the program cannot be read: {error}"))
}

fn keep(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

fn lower(name: &str) -> &'static str {
    keep(&name.to_ascii_lowercase())
}

/// A tool that comes with Leadline: its folder.
pub(crate) struct Shipped {
    pub(crate) about: &'static str,
    pub(crate) program: &'static str,
}

impl Shipped {
    /// The source it is. Its program is compiled when it is first needed; that all of them can be is tested.
    pub(crate) fn source(&self) -> Result<Source, ToolError> {
        let tool = Tool::read(self.about)?;
        tool.check().map_err(|what| ToolError { place: tool.name.clone(), what })?;
        let mapped = tool.mapped(self.program.to_owned());
        Ok(tool.leaked(mapped))
    }
}
