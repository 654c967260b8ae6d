//! Request bodies: read whole, never past the limit.

use std::time::Duration;

use axum::body::Body;
use domain::Code;
use futures_util::StreamExt;

use crate::error::ApiError;

/// Of a body that is too large, this much is read and thrown away, so that the sender gets to hear why.
const DRAIN_BYTES: usize = 128 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(20);

pub(crate) async fn read(body: Body, limit: usize) -> Result<Vec<u8>, ApiError> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| ApiError::new(Code::MalformedJson, "the body broke off before its end"))?;
        if bytes.len() + chunk.len() > limit {
            let mut drained = bytes.len() + chunk.len();
            drop(bytes);
            let rest = async {
                while drained < DRAIN_BYTES
                    && let Some(Ok(chunk)) = stream.next().await
                {
                    drained += chunk.len();
                }
            };
            // A sender slower than that hears nothing but the closed connection.
            let _ = tokio::time::timeout(DRAIN_TIME, rest).await;
            return Err(ApiError::new(Code::BodyTooLarge, format!("the body has more than {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
