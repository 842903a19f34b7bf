//! Reads the request headers of an HTTP/1 connection before hyper does, for two things that hyper does not tell:
//! that a request names its length twice (hyper drops one of them), and that a header arrives too slowly.
//!
//! It only ever looks; what it cannot follow (chunked bodies, upgrades) makes the request the connection's last.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What was seen on a connection so far.
#[derive(Default)]
pub(crate) struct Seen {
    ambiguous: AtomicBool,
    last: AtomicBool,
}

impl Seen {
    /// A request had both `Content-Length` and `Transfer-Encoding`.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.ambiguous.load(Ordering::Relaxed)
    }

    /// The connection must be closed after this request.
    pub(crate) fn is_last(&self) -> bool {
        self.last.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Copy)]
enum At {
    Head,
    Body {
        left: u64,
    },
    /// Beyond what is followed.
    Lost,
}

#[derive(Default)]
struct Head {
    begun: bool,
    length: Option<u64>,
    has_encoding: bool,
    has_upgrade: bool,
    bytes: usize,
}

pub(crate) struct Heads<S> {
    inner: S,
    seen: Arc<Seen>,
    at: At,
    head: Head,
    /// The start of a line whose end has not arrived.
    line: Vec<u8>,
    read_within: Duration,
    bytes_max: usize,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Heads<S> {
    pub(crate) fn new(inner: S, seen: Arc<Seen>, read_within: Duration, bytes_max: u32) -> Heads<S> {
        let (head, line) = (Head::default(), Vec::new());
        Heads {
            inner,
            seen,
            at: At::Head,
            head,
            line,
            read_within,
            bytes_max: bytes_max as usize,
            timer: None,
        }
    }

    fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.at {
                At::Lost => return,
                At::Body { left } => {
                    let step = left.min(bytes.len() as u64);
                    bytes = &bytes[usize::try_from(step).unwrap_or(bytes.len())..];
                    self.at = if left == step { At::Head } else { At::Body { left: left - step } };
                }
                At::Head => bytes = self.follow_line(bytes),
            }
        }
    }

    fn follow_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.iter().position(|&it| it == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        self.head.bytes += part.len();
        if self.bytes_max < self.head.bytes {
            // hyper refuses such a header.
            self.lose();
            return &[];
        }
        let Some(end) = end else {
            self.line.extend_from_slice(part);
            return &[];
        };
        if self.line.is_empty() {
            self.end_line(part);
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(part);
            self.end_line(&line);
        }
        &bytes[end + 1..]
    }

    fn end_line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            // Empty lines before a request are allowed.
            if self.head.begun {
                self.end_head();
            }
            return;
        }
        self.head.begun = true;
        let Some(colon) = line.iter().position(|&it| it == b':') else { return };
        let name = line[..colon].trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let value = std::str::from_utf8(line[colon + 1..].trim_ascii()).ok();
            // An unreadable length is refused by hyper; it must not read as "no body" here.
            self.head.length = Some(value.and_then(|it| it.parse().ok()).unwrap_or(u64::MAX));
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.head.has_encoding = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.head.has_upgrade = true;
        }
    }

    fn end_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        self.timer = None;
        if head.has_encoding && head.length.is_some() {
            self.seen.ambiguous.store(true, Ordering::Relaxed);
        }
        if head.has_encoding || head.has_upgrade {
            self.lose();
            return;
        }
        self.at = match head.length {
            None | Some(0) => At::Head,
            Some(left) => At::Body { left },
        };
    }

    fn lose(&mut self) {
        self.seen.last.store(true, Ordering::Relaxed);
        self.at = At::Lost;
        self.timer = None;
        self.line = Vec::new();
    }

    fn is_inside_head(&self) -> bool {
        matches!(self.at, At::Head) && (self.head.begun || !self.line.is_empty())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heads<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let this = &mut *self;
        if let Poll::Ready(result) = Pin::new(&mut this.inner).poll_read(cx, buf) {
            this.follow(&buf.filled()[before..]);
            return Poll::Ready(result);
        }
        if !this.is_inside_head() {
            return Poll::Pending;
        }
        let read_within = this.read_within;
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(read_within)));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heads<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
