//! A load generator over keep-alive connections that says of every single request what became of it.

mod connection;
mod histogram;
mod report;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Uri;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use histogram::Histogram;
pub use report::{Failures, LoadReport, VersionCounts};

use connection::Connection;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Over all connections together.
    PerSecond(f64),
    /// As fast as the answers come.
    FlatOut,
}

/// What to send where.
#[derive(Clone, Debug)]
pub struct Load {
    /// `http://127.0.0.1:8080/work`; several are asked in turn. Hosts are addresses: nothing is resolved.
    pub targets: Vec<String>,
    /// Where all targets are, such as a gateway that tells them apart by their names; else where their names say.
    pub at: Option<SocketAddr>,
    pub connections: usize,
    pub rate: Rate,
    /// From the request to the last byte of its answer.
    pub timeout: Duration,
    /// Decides when within its interval each request is sent.
    pub seed: u64,
}

impl Load {
    /// A load on one target with values that suit a test.
    pub fn on(target: impl Into<String>) -> Load {
        Load {
            targets: vec![target.into()],
            at: None,
            connections: 4,
            rate: Rate::FlatOut,
            timeout: Duration::from_secs(10),
            seed: 0,
        }
    }

    /// Begins to send; must be called within a tokio runtime.
    pub fn start(self) -> io::Result<LoadHandle> {
        let targets =
            self.targets.iter().map(|it| Destination::parse(it, self.at)).collect::<io::Result<Vec<_>>>()?;
        if targets.is_empty() || self.connections == 0 {
            return Err(invalid("a load needs a target and a connection"));
        }
        let interval = match self.rate {
            Rate::FlatOut => None,
            Rate::PerSecond(rate) => {
                let interval = Duration::try_from_secs_f64(rate.recip());
                Some(interval.map_err(|_| invalid("the rate is not above zero"))?)
            }
        };
        let (seed, timeout) = (self.seed, self.timeout);
        let run = Arc::new(Run {
            targets,
            interval,
            seed,
            timeout,
            started: Instant::now(),
            next: AtomicU64::new(0),
            report: Mutex::default(),
            stop: CancellationToken::new(),
        });
        let mut workers = JoinSet::new();
        for _ in 0..self.connections {
            workers.spawn(work(Arc::clone(&run)));
        }
        Ok(LoadHandle { run, workers })
    }
}

/// Dropping it cuts the connections; `stop` waits for the answers.
pub struct LoadHandle {
    run: Arc<Run>,
    workers: JoinSet<()>,
}

impl LoadHandle {
    /// What has been answered so far.
    pub fn snapshot(&self) -> LoadReport {
        self.run.report().clone()
    }

    /// Sends nothing more, waits for what is in flight, and gives the whole account.
    pub async fn stop(mut self) -> LoadReport {
        self.run.stop.cancel();
        while self.workers.join_next().await.is_some() {}
        self.snapshot()
    }
}

/// Parsed once, so that a request costs nothing but itself.
struct Destination {
    address: SocketAddr,
    authority: String,
    path: Uri,
}

impl Destination {
    fn parse(url: &str, at: Option<SocketAddr>) -> io::Result<Destination> {
        let wrong = || invalid(&format!("`{url}` is no URL such as http://127.0.0.1:8080/work"));
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(wrong)?;
        let named = || {
            let host = authority.host().replace("localhost", "127.0.0.1");
            let address = format!("{host}:{}", authority.port_u16().unwrap_or(80));
            address.parse().map_err(|_| wrong())
        };
        let address = at.map_or_else(named, Ok)?;
        let path = uri.path_and_query().map_or("/", |it| it.as_str());
        Ok(Destination {
            address,
            authority: authority.to_string(),
            path: path.parse().map_err(|_| wrong())?,
        })
    }
}

struct Run {
    targets: Vec<Destination>,
    interval: Option<Duration>,
    seed: u64,
    timeout: Duration,
    started: Instant,
    next: AtomicU64,
    report: Mutex<LoadReport>,
    stop: CancellationToken,
}

impl Run {
    fn report(&self) -> std::sync::MutexGuard<'_, LoadReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each request has its own interval, and a place in it that the seed decides.
    fn due(&self, number: u64) -> Option<Instant> {
        let interval = self.interval?;
        let place = mix(self.seed ^ number) as f64 / u64::MAX as f64;
        Some(self.started + interval.mul_f64(number as f64 + place))
    }
}

async fn work(run: Arc<Run>) {
    let mut connections: Vec<Connection> = run.targets.iter().map(|_| Connection::default()).collect();
    while !run.stop.is_cancelled() {
        let number = run.next.fetch_add(1, Ordering::Relaxed);
        if let Some(due) = run.due(number) {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                () = run.stop.cancelled() => return,
            }
        }
        let which = usize::try_from(number % run.targets.len() as u64).unwrap_or(0);
        let begun = Instant::now();
        let exchange = connections[which].exchange(&run.targets[which]);
        let outcome = tokio::time::timeout(run.timeout, exchange).await;
        if outcome.is_err() {
            // The answer may still come; nobody may take it for the next one's.
            connections[which] = Connection::default();
        }
        run.report().record(outcome.ok(), begun.elapsed());
    }
}

/// `splitmix64`: neighbouring numbers become unrelated ones.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
