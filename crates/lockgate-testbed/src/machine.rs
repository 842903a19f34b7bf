//! Machines of their own as far as the network goes: a namespace with a Docker engine and a server of ssh in it.

use std::net::Ipv4Addr;
use std::process::Command;

use crate::{Engine, Networks, Sshd, output, program, skipped};

/// Networks of machines, told apart by their third number.
const NUMBERS: std::ops::Range<u8> = 1..250;

/// All of it is gone when it is dropped.
pub struct Machine {
    pub engine: Engine,
    pub sshd: Sshd,
    /// Of the machine, reached from the one that runs the tests.
    pub address: Ipv4Addr,
    _namespace: Namespace,
}

impl Machine {
    /// `None` where there can be none, which is said; `what` is left out then.
    pub fn start(what: &str) -> Option<Machine> {
        if program("ip").is_none() {
            return skipped(what, "ip is not installed");
        }
        if String::from_utf8_lossy(&output(Command::new("id").arg("-u")).0).trim() != "0" {
            return skipped(what, "only root makes networks");
        }
        let Some(namespace) = NUMBERS.into_iter().find_map(Namespace::new) else {
            return skipped(what, "no network can be made");
        };
        let address = namespace.address();
        let engine = Engine::start_in(what, Networks::Bridges, &namespace.name)?;
        let sshd = Sshd::start_in(what, &namespace.name, address)?;
        Some(Machine { engine, sshd, address, _namespace: namespace })
    }
}

struct Namespace {
    name: String,
    number: u8,
}

impl Namespace {
    /// `None` when the number is taken.
    fn new(number: u8) -> Option<Namespace> {
        let (name, link) = (format!("lockgate-machine-{number}"), format!("lgm{number}"));
        // What a killed test left running keeps the link, after the name of its namespace is gone.
        if Command::new("ip").args(["link", "show", &link]).output().ok()?.status.success() {
            return None;
        }
        if !Command::new("ip").args(["netns", "add", &name]).output().ok()?.status.success() {
            return None;
        }
        let namespace = Namespace { name, number };
        let name = namespace.name.as_str();
        let (here, there) = (format!("10.213.{number}.1"), namespace.address().to_string());
        ip(&["link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", name]);
        ip(&["addr", "add", &format!("{here}/30"), "dev", &link]);
        ip(&["link", "set", &link, "up"]);
        ip(&["-n", name, "addr", "add", &format!("{there}/30"), "dev", "eth0"]);
        ip(&["-n", name, "link", "set", "eth0", "up"]);
        ip(&["-n", name, "link", "set", "lo", "up"]);
        ip(&["-n", name, "route", "add", "default", "via", &here]);
        Some(namespace)
    }

    fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, 2)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The link goes with it.
        let _done = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}

fn ip(args: &[&str]) {
    output(Command::new("ip").args(args));
}
