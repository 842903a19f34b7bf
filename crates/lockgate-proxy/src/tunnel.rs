//! WebSockets: bytes both ways until one side ends, and a proper goodbye when the slot is drained.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::InstanceId;
use crate::exchange::Exchange;

/// A close frame with status 1001, "going away".
const GOING_AWAY: [u8; 4] = [0x88, 0x02, 0x03, 0xE9];
/// Bytes moved at once: large enough for throughput, small enough for thousands of tunnels.
const CHUNK: usize = 16 * 1024;
/// Time that an instance has to end its side after the client has ended theirs.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// The open tunnels of a slot.
#[derive(Default)]
pub(crate) struct Tunnels(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    next: u64,
    open: BTreeMap<u64, Arc<Strings>>,
}

/// How a tunnel is ended from outside.
pub(crate) struct Strings {
    pub(crate) instance: InstanceId,
    /// Says goodbye to the client.
    pub(crate) close: CancellationToken,
    /// Ends the tunnel now.
    pub(crate) cut: CancellationToken,
}

impl Tunnels {
    pub(crate) fn count(&self) -> usize {
        self.registry().open.len()
    }

    /// Those of one instance, or all.
    pub(crate) fn of(&self, instance: Option<InstanceId>) -> Vec<Arc<Strings>> {
        let registry = self.registry();
        let wanted = registry.open.values().filter(|it| instance.is_none_or(|id| it.instance == id));
        wanted.cloned().collect()
    }

    fn add(&self, strings: Arc<Strings>) -> u64 {
        let mut registry = self.registry();
        registry.next += 1;
        let key = registry.next;
        registry.open.insert(key, strings);
        key
    }

    fn remove(&self, key: u64) {
        self.registry().open.remove(&key);
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a tunnel to its end. Registers at once, so that a drain that starts now knows of it.
pub(crate) fn start(
    client: OnUpgrade,
    upstream: OnUpgrade,
    exchange: Exchange,
    instance: InstanceId,
    gone: &CancellationToken,
) {
    let strings = Arc::new(Strings { instance, close: CancellationToken::new(), cut: gone.child_token() });
    let slot = Arc::clone(exchange.slot());
    let key = slot.tunnels.add(Arc::clone(&strings));
    slot.counters.tunnel();
    tokio::spawn(async move {
        let carry = async {
            let (client, upstream) = tokio::try_join!(client, upstream).map_err(io::Error::other)?;
            carry(client, upstream, &strings.close).await
        };
        if let Some(Err(error)) = strings.cut.run_until_cancelled(carry).await {
            tracing::debug!(%error, slot = %slot.name, "tunnel ended");
        }
        slot.tunnels.remove(key);
        drop(exchange);
    });
}

async fn carry(client: Upgraded, upstream: Upgraded, close: &CancellationToken) -> io::Result<()> {
    let (mut client_read, mut client_write) = tokio::io::split(TokioIo::new(client));
    let (mut upstream_read, mut upstream_write) = tokio::io::split(TokioIo::new(upstream));
    let up = async {
        tokio::io::copy(&mut client_read, &mut upstream_write).await?;
        upstream_write.shutdown().await?;
        tokio::time::sleep(LAST_WORDS).await;
        Ok(())
    };
    let down = async {
        down(&mut upstream_read, &mut client_write, close).await?;
        client_write.shutdown().await
    };
    // Once the instance has ended there is nobody to talk to.
    tokio::select! {
        result = up => result,
        result = down => result,
    }
}

/// Passes on what the instance says; once told to close, ends the frame that is under way, says goodbye, and
/// passes on nothing more while the client's answer goes to the instance.
async fn down(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    close: &CancellationToken,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut frames = Frames::default();
    loop {
        if close.is_cancelled() && frames.at_boundary() {
            break;
        }
        let read = tokio::select! {
            read = from.read(&mut chunk) => read?,
            () = close.cancelled(), if frames.at_boundary() => break,
        };
        if read == 0 {
            return Ok(());
        }
        let pass = if close.is_cancelled() {
            frames.first_boundary(&chunk[..read])
        } else {
            frames.skip(&chunk[..read])
        };
        to.write_all(&chunk[..pass]).await?;
        to.flush().await?;
    }
    to.write_all(&GOING_AWAY).await?;
    to.flush().await?;
    while from.read(&mut chunk).await? != 0 {}
    Ok(())
}

/// Follows the boundaries of WebSocket frames, so that a frame of ours never lands inside another.
#[derive(Default)]
struct Frames {
    header: Vec<u8>,
    payload_left: u64,
}

impl Frames {
    fn at_boundary(&self) -> bool {
        self.header.is_empty() && self.payload_left == 0
    }

    /// Follows all of `bytes`.
    fn skip(&mut self, bytes: &[u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            done += self.first_boundary(&bytes[done..]);
        }
        done
    }

    /// Follows `bytes` up to the end of the frame that is under way, and says how many those are.
    fn first_boundary(&mut self, bytes: &[u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            if self.payload_left == 0 {
                self.header.push(bytes[done]);
                done += 1;
                if let Some(length) = frame_payload(&self.header) {
                    self.payload_left = length;
                    self.header.clear();
                }
            } else {
                let rest = u64::try_from(bytes.len() - done).unwrap_or(u64::MAX);
                let step = self.payload_left.min(rest);
                self.payload_left -= step;
                done += usize::try_from(step).unwrap_or(usize::MAX);
            }
            if self.at_boundary() {
                break;
            }
        }
        done
    }
}

/// Length of a frame's payload, once its header is complete.
fn frame_payload(header: &[u8]) -> Option<u64> {
    let second = *header.get(1)?;
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (extended, short) = match second & 0x7F {
        126 => (2, 0),
        127 => (8, 0),
        length => (0, u64::from(length)),
    };
    if header.len() < 2 + extended + mask {
        return None;
    }
    let length = header[2..2 + extended].iter().fold(short, |sum, &byte| sum << 8 | u64::from(byte));
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_followed_however_they_are_cut() {
        let mut stream = vec![0x81, 3, b'a', b'b', b'c'];
        stream.extend([0x82, 126, 0x01, 0x00]);
        stream.extend([7; 256]);
        stream.extend([0x89, 0]);
        for step in 1..20 {
            let mut frames = Frames::default();
            let mut boundaries = Vec::new();
            let mut at = 0;
            for chunk in stream.chunks(step) {
                let mut done = 0;
                while done < chunk.len() {
                    done += frames.first_boundary(&chunk[done..]);
                    if frames.at_boundary() {
                        boundaries.push(at + done);
                    }
                }
                at += chunk.len();
            }
            assert_eq!(boundaries, [5, 265, 267], "in steps of {step}");
        }
    }
}
