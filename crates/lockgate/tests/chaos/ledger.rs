//! What migrations did, counted outside of everything that is broken.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};

/// By version and attempt.
type Runs = BTreeMap<(String, String), Run>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) begun: u32,
    pub(crate) ended: u32,
}

pub(crate) struct Ledger {
    pub(crate) address: SocketAddr,
    runs: Arc<Mutex<Runs>>,
}

impl Ledger {
    /// On an address that containers and pods reach.
    pub(crate) fn open() -> Ledger {
        let listener = TcpListener::bind((own_address(), 0)).unwrap();
        let ledger = Ledger { address: listener.local_addr().unwrap(), runs: Arc::default() };
        let runs = Arc::clone(&ledger.runs);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let runs = Arc::clone(&runs);
                std::thread::spawn(move || serve(&stream, &runs));
            }
        });
        ledger
    }

    /// Attempts of a version.
    pub(crate) fn of(&self, version: &str) -> BTreeMap<String, Run> {
        let runs = self.runs.lock().unwrap();
        let of_version = runs.iter().filter(|it| it.0.0 == version);
        of_version.map(|((_, attempt), run)| (attempt.clone(), *run)).collect()
    }
}

/// Lines such as `begin v3 r3-2-0-a1`, each answered when it is noted.
fn serve(stream: &TcpStream, runs: &Mutex<Runs>) {
    let mut to = stream;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [what, version, attempt] = words[..] else { return };
        let mut runs = runs.lock().unwrap();
        let run = runs.entry((version.to_owned(), key_of(attempt).to_owned())).or_default();
        match what {
            "begin" => run.begun += 1,
            "end" => run.ended += 1,
            _ => return,
        }
        drop(runs);
        if writeln!(to, "noted").is_err() {
            return;
        }
    }
}

/// The address that this machine has on its way out.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: this only asks for the way.
    socket.connect("192.0.2.1:9").unwrap();
    socket.local_addr().unwrap().ip()
}

/// A pod has the name of its Job, which has the key in its name, and an ending of its own.
fn key_of(attempt: &str) -> &str {
    if attempt.starts_with("shop-") { attempt.rsplit_once('-').map_or(attempt, |it| it.0) } else { attempt }
}
