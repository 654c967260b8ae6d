//! The one error envelope: `{code, message, details, request_id}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Code, Problem};
use serde_json::{Value, json};
use store::StoreError;

tokio::task_local! {
    /// Id of the request under way.
    pub(crate) static REQUEST_ID: String;
}

/// What a client is told when a request cannot be answered.
#[derive(Debug)]
pub(crate) struct ApiError {
    problem: Problem,
    details: Value,
    retry_after_s: Option<u32>,
}

impl ApiError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Problem::new(code, message).into()
    }

    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// What happened, for those who are not answered over HTTP.
    pub(crate) fn into_problem(self) -> Problem {
        self.problem
    }

    /// Something failed here: the cause goes to the log once, never to the client.
    pub(crate) fn internal(what: &str, cause: &(dyn std::error::Error + 'static)) -> Self {
        let mut chain = cause.to_string();
        let mut next = cause.source();
        while let Some(source) = next {
            chain = format!("{chain}: {source}");
            next = source.source();
        }
        let request_id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
        tracing::error!(request_id, cause = chain, "{what}");
        ApiError::new(Code::Internal, format!("{what}; the server's log says why under this request id"))
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        ApiError { problem, details: Value::Null, retry_after_s: None }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TokenExists(_) | StoreError::TokenInvalid(_) => {
                ApiError::new(Code::InvalidParameter, error.to_string())
            }
            StoreError::Rebuilding => ApiError::new(Code::Unavailable, error.to_string()),
            StoreError::Closed => ApiError::new(Code::Unavailable, "the server is stopping").retry_after(5),
            other => ApiError::internal("the store could not be read or written", &other),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let code = self.problem.code;
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({
            "code": code.text(),
            "message": self.problem.message,
            "details": if self.details.is_null() { json!({"fix": code.fix()}) } else { self.details },
            "request_id": REQUEST_ID.try_with(Clone::clone).ok(),
        });
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let value = HeaderValue::from_static("Bearer realm=\"leadline\", Basic realm=\"leadline\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
