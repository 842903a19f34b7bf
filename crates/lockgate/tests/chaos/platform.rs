//! What a round asks of a platform: to be broken, to be mended, and to say what is on it.

use std::time::{Duration, Instant};

use crate::faults::{Fault, Strike};
use crate::folder::Folder;
use crate::ledger::Ledger;
use crate::shop::Make;
use crate::users::Users;

/// Requests a second over both services: a quarter of a half of it is evidence within seconds.
pub(crate) const REQUESTS_PER_SECOND: f64 = 100.0;
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub(crate) trait Platform {
    const NAME: &'static str;

    /// What can break here.
    fn faults(&self) -> Vec<Fault>;
    fn folder(&self) -> &Folder;
    fn ledger(&self) -> &Ledger;
    /// Writes the spec of a version and sees that its image is there; gives that image.
    fn offer(&mut self, version: &str, make: Make) -> String;
    fn users(&self) -> Users;
    /// The version that answers for a service.
    fn version_served(&self, service: &str) -> Option<String>;
    /// Before a release with these faults.
    fn expect(&mut self, strikes: &[Strike]);
    fn strike(&mut self, fault: Fault);
    fn mend(&mut self, fault: Fault);
    /// All that Lockgate has made, but for what stays for ever; `r12` of the release in place is `rN`.
    fn things(&self, in_place: &str) -> Vec<String>;
    /// Whether all parts of the platform itself are well again.
    fn is_well(&self) -> bool;
}

/// Looks until something holds, for so long at most.
pub(crate) fn until<T>(within: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let found = look();
        if found.is_some() || within < begun.elapsed() {
            return found;
        }
        // Slow on purpose: a breath between two looks, so that looking does not take the cores it waits for.
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The version that an answer of the sample service names.
pub(crate) fn ask(address: &str, host: &str) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let mut stream =
        std::net::TcpStream::connect_timeout(&address.parse().ok()?, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let body: serde_json::Value = serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()?;
    Some(body["version"].as_str()?.to_owned())
}
