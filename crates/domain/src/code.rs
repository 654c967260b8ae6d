//! The one table of public error codes: what a client sees, with which HTTP status, and what to do about it.

use std::fmt;

use serde::Serialize;

macro_rules! codes {
    ($($name:ident $text:literal $status:literal $meaning:literal $fix:literal;)*) => {
        /// A public error code. The text form is stable; scripts may match on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $meaning] $name,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];
            /// The stable text form.
            #[must_use]
            pub const fn text(self) -> &'static str { match self { $(Code::$name => $text,)* } }
            /// The HTTP status it is answered with when it concerns the whole request.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Code::$name => $status,)* } }
            /// What happened, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str { match self { $(Code::$name => $meaning,)* } }
            /// What to do.
            #[must_use]
            pub const fn fix(self) -> &'static str { match self { $(Code::$name => $fix,)* } }
        }
    };
}

codes! {
    MalformedJson "malformed_json" 400 "The body is not JSON." "Send one JSON object, an array of them, or one object a line with `Content-Type: application/x-ndjson`.";
    InvalidParameter "invalid_parameter" 422 "A query parameter or path has a value that cannot be used." "See the message for the parameter and the values it takes.";
    Unauthenticated "unauthenticated" 401 "No token, or one that is not known." "Send `Authorization: Bearer TOKEN`, HTTP Basic with the token as password, or use a source address that carries it. Make one with `leadline token create`.";
    SignatureInvalid "signature_invalid" 401 "The signature does not match the body and the shared secret." "Set the same secret on both sides and send the body unchanged.";
    Forbidden "forbidden" 403 "The token is known but lacks the scope this needs." "Use a token with the scope named in the message.";
    NotFound "not_found" 404 "There is nothing at this address, or no such thing by this name." "Check the address and the name; `/api/v1/tree` lists the nodes.";
    MethodNotAllowed "method_not_allowed" 405 "The address exists, but not for this method." "See the API reference.";
    Ambiguous "ambiguous" 409 "The short name fits several nodes." "Write the full name, `product/component`; the message lists them.";
    BodyTooLarge "body_too_large" 413 "The body is over the size limit." "Send fewer events at a time, or raise `ingest.max_body_bytes`.";
    TooManyEvents "too_many_events" 413 "The request holds more events than one request may." "Send fewer events at a time.";
    UnsupportedMediaType "unsupported_media_type" 415 "The content type cannot be read here." "Send `application/json` or `application/x-ndjson`.";
    NotAnObject "not_an_object" 422 "An event is not a JSON object." "Each event is one object with a `type`.";
    UnknownType "unknown_type" 422 "The event's `type` is missing or not one of the native types." "Use deployment, change, tag, pull_request, pipeline_run, incident, canary_analysis, flag_change or slo_sample.";
    MissingField "missing_field" 422 "A required field is missing or null." "Add the field named in the message.";
    WrongType "wrong_type" 422 "A field has the wrong JSON type or shape." "See the message for the shape it takes.";
    UnknownValue "unknown_value" 422 "A field that takes one of a few values has another." "Use one of the values listed in the message.";
    FieldTooLong "field_too_long" 422 "A text is longer than this field takes." "Shorten it; identifiers take up to 512 bytes, texts up to 16 KiB.";
    TimestampWithoutOffset "timestamp_without_offset" 422 "A timestamp does not say its offset from UTC." "Write it as 2025-01-31T12:00:00Z or 2025-01-31T13:00:00+01:00.";
    TimestampInvalid "timestamp_invalid" 422 "A timestamp is not RFC 3339." "Write it as 2025-01-31T12:00:00Z.";
    TimestampInFuture "timestamp_in_future" 422 "A timestamp lies in the future." "Check the sender's clock and time zone; ten minutes of clock skew are accepted.";
    FinishedBeforeStarted "finished_before_started" 422 "An end lies before its beginning." "Check that the two timestamps are not swapped and share one clock.";
    CatalogueInvalid "catalogue_invalid" 422 "The catalogue cannot be used." "See the message for the node and the rule it breaks.";
    DefinitionUnknown "definition_unknown" 422 "There is no definition by this id." "`/api/v1/definitions` lists them.";
    DefinitionInvalid "definition_invalid" 422 "A definition cannot be used." "See the message for the part and the values it takes.";
    RateLimited "rate_limited" 429 "Too many requests." "Wait as long as `Retry-After` says.";
    Internal "internal" 500 "Something failed here." "Try again; if it stays, look in the log for the request id.";
    Unavailable "unavailable" 503 "The server is starting, stopping or cannot write." "Try again in a moment; `/readyz` says why.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

/// A code with a message for the person who has to act on it. It never holds a secret or an internal cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Problem {
    /// The public code.
    pub code: Code,
    /// What happened, to what.
    pub message: String,
}

impl Problem {
    /// A code and its message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Problem { code, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_say_what_to_do() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.text()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.meaning().ends_with('.') && code.fix().ends_with('.'), "{code}");
            assert!((400..600).contains(&code.status()), "{code}");
        }
    }
}
