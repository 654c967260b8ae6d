//! One connection from its first byte to its last: TLS, then message by message, each bounded in size and time.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use datafusion_postgres::pgwire::api::{ClientInfo as _, NoopHandler};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use datafusion_postgres::pgwire::tokio::TlsAcceptor;
use datafusion_postgres::pgwire::tokio::server::{
    MaybeTls, PgWireMessageServerCodec, negotiate_tls, process_error, process_message,
};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::codec::{Framed, FramedParts};

use super::errors::{self, code};
use super::extended::Extended;
use super::handlers::{Connection, Shared, longest};
use super::prepared::Prepared;

/// A client gets this long to log in.
const LOGIN: Duration = Duration::from_secs(15);
/// The largest message taken, in bytes.
const MESSAGE: usize = 4 * 1024 * 1024;

/// Reads no more than one message's worth until told that a message was taken.
struct Metered {
    inner: MaybeTls,
    left: usize,
}

impl AsyncRead for Metered {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too large")));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.inner).poll_read(cx, buffer);
        this.left = this.left.saturating_sub(buffer.filled().len().saturating_sub(before));
        read
    }
}

impl AsyncWrite for Metered {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

type Socket = Framed<Metered, PgWireMessageServerCodec<Prepared>>;

/// Serves one connection until it ends. The permit is one of those of connections that nobody has logged in on.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    waiting: OwnedSemaphorePermit,
    stopping: watch::Receiver<bool>,
) {
    let negotiated = tokio::time::timeout(LOGIN, negotiate_tls(stream, tls)).await;
    let Ok(Ok(Some(socket))) = negotiated else { return };
    // What came in the open before TLS began is nobody's: it could be somebody else's on the way.
    if socket.is_secure() && !socket.read_buffer().is_empty() {
        tracing::warn!(%peer, "bytes were sent before TLS began; the connection was closed");
        return;
    }
    let parts = socket.into_parts();
    let mut metered = FramedParts::new(Metered { inner: parts.io, left: MESSAGE }, parts.codec);
    metered.read_buf = parts.read_buf;
    metered.write_buf = parts.write_buf;
    let mut socket = Framed::from_parts(metered);
    // Whoever has gone is told nothing.
    let _ = talk(&mut socket, peer, shared, waiting, stopping).await;
}

async fn talk(
    socket: &mut Socket,
    peer: SocketAddr,
    shared: Arc<Shared>,
    waiting: OwnedSemaphorePermit,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let connection = Arc::new(Connection::new(shared.clone(), peer));
    let extended = Arc::new(Extended(connection.clone()));
    let (nothing, longest) = (Arc::new(NoopHandler), longest(&shared.settings));
    let mut waiting = Some(waiting);
    let login = tokio::time::Instant::now() + LOGIN;
    loop {
        let open = connection.is_open();
        if open {
            drop(waiting.take());
        }
        let message = tokio::select! {
            biased;
            () = stopped(&mut stopping) => {
                return say(socket, errors::fatal(code::SHUTDOWN, "the server is stopping")).await;
            }
            message = socket.next() => message,
            () = tokio::time::sleep_until(login), if !open => return Ok(()),
        };
        let message = match message {
            None | Some(Ok(PgWireFrontendMessage::Terminate(_))) => return Ok(()),
            Some(Err(error)) => return say(socket, errors::fatal(code::PROTOCOL, error.to_string())).await,
            Some(Ok(message)) => message,
        };
        socket.get_mut().left = MESSAGE;
        let is_extended = message.is_extended_query();
        let done = tokio::time::timeout(
            longest,
            process_message(
                message,
                socket,
                connection.clone(),
                connection.clone(),
                extended.clone(),
                nothing.clone(),
                connection.clone(),
            ),
        );
        // A client that does not read its answer is not waited for.
        let Ok(done) = done.await else { return Ok(()) };
        if let Err(error) = done {
            let info = ErrorInfo::from(error);
            let ends = info.is_fatal();
            let sent = process_error(socket, PgWireError::UserError(Box::new(info)), is_extended);
            let Ok(sent) = tokio::time::timeout(longest, sent).await else { return Ok(()) };
            sent?;
            if ends {
                return Ok(());
            }
        }
    }
}

/// Waits until the port is told to stop.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // A port that is gone has stopped as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// The last a client hears.
async fn say(socket: &mut Socket, error: PgWireError) -> io::Result<()> {
    let last = socket.send(PgWireBackendMessage::ErrorResponse(ErrorInfo::from(error).into()));
    match tokio::time::timeout(Duration::from_secs(1), last).await {
        Ok(sent) => sent?,
        Err(_) => return Ok(()),
    }
    socket.close().await
}
