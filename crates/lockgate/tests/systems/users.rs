//! Users of a system: constant load, and the account of what they lost.

use std::net::SocketAddr;
use std::time::Duration;

use lockgate_sample::load::{Load, LoadHandle, LoadReport, Rate};

/// Longest that anything may be waited for; all of it comes far earlier.
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct Users {
    runtime: tokio::runtime::Runtime,
    load: LoadHandle,
}

impl Users {
    /// So many requests a second over all targets; `at` is the gateway that tells them apart.
    pub(crate) fn of(targets: Vec<String>, at: Option<SocketAddr>, per_second: f64) -> Users {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let timeout = Duration::from_secs(10);
        let load = Load { targets, at, connections: 16, rate: Rate::PerSecond(per_second), timeout, seed: 0 };
        let load = runtime.block_on(async { load.start().unwrap() });
        Users { runtime, load }
    }

    pub(crate) fn leave(self) -> LoadReport {
        self.runtime.block_on(self.load.stop())
    }
}

#[track_caller]
pub(crate) fn assert_nothing_was_lost(report: &LoadReport) {
    assert!(0 < report.requests);
    assert_eq!(lost(report), 0, "{report:?}");
}

/// What a version answered is its own, also an error; all else would be ours.
pub(crate) fn lost(report: &LoadReport) -> u64 {
    let answered: u64 = report.versions.values().map(|it| it.errors).sum();
    let unanswered = report.http_5xx + report.injected - answered;
    report.lost() + unanswered + report.http_4xx
}

/// One request on a connection of its own: the status and the body. `at` is where the host is reached.
pub(crate) fn ask(at: SocketAddr, method: &str, host: &str, path: &str) -> std::io::Result<(u16, String)> {
    use std::io::{Error, Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(at)?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text.split(' ').nth(1).and_then(|it| it.parse().ok());
    let status = status.ok_or_else(|| Error::other(format!("no answer of HTTP: {text}")))?;
    let body = text.split_once("\r\n\r\n").map_or("", |it| it.1);
    Ok((status, body.to_owned()))
}

/// Looks again and again until something holds; a test that waits too long has failed.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "waited too long for: {what}");
        std::thread::yield_now();
    }
}
