//! Requests through a gateway, with the host that tells the services apart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// What is asked, and where.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// `10.201.0.10:8000`.
    pub(crate) address: String,
    pub(crate) host: String,
}

/// Answers by version, and what was no answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    pub(crate) by_version: BTreeMap<String, u64>,
    /// Among those that were answered.
    pub(crate) errors: u64,
    pub(crate) failed: Vec<String>,
}

impl Client {
    pub(crate) async fn send(&self, count: u64) -> Answers {
        let mut answers = Answers::default();
        let mut sender = None;
        for _ in 0..count {
            answers.add(self.once(&mut sender).await);
        }
        answers
    }

    /// Sends until it is told to stop, over this many connections.
    pub(crate) fn load(&self, connections: usize) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let worker = |client: Client, stop: Arc<AtomicBool>| async move {
            let mut answers = Answers::default();
            let mut sender = None;
            while !stop.load(Ordering::Relaxed) {
                answers.add(client.once(&mut sender).await);
            }
            answers
        };
        let workers = (0..connections).map(|_| tokio::spawn(worker(self.clone(), stop.clone())));
        Load { workers: workers.collect(), stop }
    }

    async fn once(
        &self,
        sender: &mut Option<http1::SendRequest<Empty<Bytes>>>,
    ) -> Result<(u16, String), String> {
        let said = |it: &dyn std::fmt::Display| it.to_string();
        if sender.as_ref().is_none_or(http1::SendRequest::is_closed) {
            let stream = TcpStream::connect(&self.address).await.map_err(|it| said(&it))?;
            let (new, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|it| said(&it))?;
            tokio::spawn(connection);
            *sender = Some(new);
        }
        let open = sender.as_mut().expect("it was opened just now");
        open.ready().await.map_err(|it| said(&it))?;
        let request = Request::get("/work").header("host", &self.host).body(Empty::new()).unwrap();
        let response = open.send_request(request).await.map_err(|it| said(&it))?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|it| said(&it))?.to_bytes();
        let version = serde_json::from_slice::<serde_json::Value>(&body)
            .ok()
            .and_then(|it| Some(it["version"].as_str()?.to_owned()));
        version.map(|it| (status, it)).ok_or_else(|| format!("{status}: {}", String::from_utf8_lossy(&body)))
    }
}

impl Answers {
    fn add(&mut self, answer: Result<(u16, String), String>) {
        match answer {
            Ok((status, version)) => {
                *self.by_version.entry(version).or_default() += 1;
                self.errors += u64::from(500 <= status);
            }
            Err(why) => self.failed.push(why),
        }
    }

    pub(crate) fn of(&self, version: &str) -> u64 {
        self.by_version.get(version).copied().unwrap_or_default()
    }

    pub(crate) fn total(&self) -> u64 {
        self.by_version.values().sum()
    }
}

pub(crate) struct Load {
    workers: Vec<JoinHandle<Answers>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    pub(crate) async fn end(self) -> Answers {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Answers::default();
        for worker in self.workers {
            let answers = worker.await.unwrap();
            for (version, count) in answers.by_version {
                *all.by_version.entry(version).or_default() += count;
            }
            all.errors += answers.errors;
            all.failed.extend(answers.failed);
        }
        all
    }
}
