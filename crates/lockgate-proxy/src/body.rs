//! Bodies on their way through: nothing is buffered, and each knows when it has ended.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::count::Outcome;
use crate::exchange::Exchange;
use crate::grpc;

/// How far a request's body has come; the clock for the answer starts at its last byte.
pub(crate) struct Progress {
    started: Instant,
    last_ms: AtomicU64,
    done: AtomicBool,
    broken: AtomicBool,
}

impl Progress {
    pub(crate) fn new(started: Instant) -> Progress {
        Progress {
            started,
            last_ms: AtomicU64::new(0),
            done: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// The client's side failed in the middle of the body.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub(crate) fn last(&self) -> Instant {
        self.started + Duration::from_millis(self.last_ms.load(Ordering::Relaxed))
    }

    fn note(&self) {
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(ms, Ordering::Relaxed);
    }

    fn finish(&self) {
        self.note();
        self.done.store(true, Ordering::Relaxed);
    }
}

/// A request's body on its way to an instance.
pub(crate) struct Upload {
    inner: Option<Incoming>,
    progress: Arc<Progress>,
}

impl Upload {
    pub(crate) fn new(inner: Incoming, progress: Arc<Progress>) -> Upload {
        if inner.is_end_stream() {
            return Upload::empty(progress);
        }
        Upload { inner: Some(inner), progress }
    }

    pub(crate) fn empty(progress: Arc<Progress>) -> Upload {
        progress.finish();
        Upload { inner: None, progress }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(&mut *inner).poll_frame(cx));
        if let Some(Err(_)) = frame {
            self.progress.broken.store(true, Ordering::Relaxed);
            return Poll::Ready(frame);
        }
        let ended = frame.is_none() || inner.is_end_stream();
        if ended {
            self.progress.finish();
        } else {
            self.progress.note();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// An answer's body on its way to the client.
pub(crate) enum Answer {
    /// The proxy's own.
    Own(Full<Bytes>),
    /// An instance's.
    Passed(Box<Passed>),
}

/// An instance's body, with what is released at its end.
pub(crate) struct Passed {
    inner: Incoming,
    exchange: Option<Exchange>,
    sender: Option<SendRequest<Upload>>,
}

impl Passed {
    pub(crate) fn new(inner: Incoming, exchange: Exchange, sender: Option<SendRequest<Upload>>) -> Passed {
        Passed { inner, exchange: Some(exchange), sender }
    }

    fn frame(
        &mut self,
        frame: Option<Result<Frame<Bytes>, hyper::Error>>,
    ) -> Option<Result<Frame<Bytes>, hyper::Error>> {
        match &frame {
            Some(Ok(data)) => {
                if let (Some(trailers), Some(exchange)) = (data.trailers_ref(), &mut self.exchange) {
                    grpc::apply(trailers, exchange);
                }
                if self.inner.is_end_stream() {
                    self.finish();
                }
            }
            Some(Err(_)) => {
                if let Some(mut exchange) = self.exchange.take() {
                    exchange.ended(Outcome::Truncated);
                }
                self.sender = None;
            }
            None => self.finish(),
        }
        frame
    }

    /// The whole answer was read: the connection can be used again, and the request is over.
    fn finish(&mut self) {
        let Some(exchange) = self.exchange.take() else { return };
        if let Some(sender) = self.sender.take() {
            exchange.give_back(sender);
        }
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        if self.inner.is_end_stream() {
            self.finish();
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Answer::Own(own) => Pin::new(own).poll_frame(cx).map_err(|never| match never {}),
            Answer::Passed(passed) => {
                let frame = ready!(Pin::new(&mut passed.inner).poll_frame(cx));
                Poll::Ready(passed.frame(frame))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Answer::Own(own) => own.is_end_stream(),
            Answer::Passed(passed) => passed.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Own(own) => own.size_hint(),
            Answer::Passed(passed) => passed.inner.size_hint(),
        }
    }
}
