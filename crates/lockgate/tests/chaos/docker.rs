//! A Docker engine, a registry, and the node that supervises the containers: all of this test's own.

use lockgate_testbed::{Engine, Image, Networks, Registry};

use crate::faults::{Fault, Strike};
use crate::folder::Folder;
use crate::ledger::Ledger;
use crate::platform::{Platform, REQUESTS_PER_SECOND, ask};
use crate::processes;
use crate::shop::{self, Make, SERVICES};
use crate::users::Users;

const WHAT: &str = "releases to a Docker engine that breaks";

pub(crate) struct Docker {
    // The folder goes first: its node removes what it made while there is an engine.
    folder: Folder,
    ledger: Ledger,
    image: Image,
    registry: Registry,
    engine: Engine,
    ports: [u16; 2],
    broken: Vec<Fault>,
}

impl Docker {
    pub(crate) fn open() -> Option<Docker> {
        let engine = Engine::start(WHAT, Networks::Bridges)?;
        let registry = Registry::start(WHAT)?;
        let mut folder = Folder::of_spec("");
        folder.set("DOCKER_HOST", engine.host());
        let (ledger, image) = (Ledger::open(), shop::image());
        let base = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
        let free = |it: &u16| std::net::TcpListener::bind(("0.0.0.0", *it)).is_ok();
        let mut free = (base..32_000).filter(free);
        let ports = [free.next().unwrap(), free.next().unwrap()];
        Some(Docker { folder, ledger, image, registry, engine, ports, broken: vec![] })
    }

    fn port(&self, service: &str) -> u16 {
        self.ports[shop::place(service)]
    }

    fn node(&self) -> Option<u32> {
        let all = processes::of_folder(self.folder.path());
        all.into_iter().find(|it| processes::cmdline(*it).contains(" node run"))
    }
}

impl Platform for Docker {
    const NAME: &'static str = "Docker";

    fn faults(&self) -> Vec<Fault> {
        use Fault::{Command, CommandAndDriver, Driver, Engine, Node, Registry};
        vec![Command, Driver, CommandAndDriver, Node, Node, Engine, Engine, Registry]
    }

    fn folder(&self) -> &Folder {
        &self.folder
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn offer(&mut self, version: &str, make: Make) -> String {
        let reached =
            |it: &str| format!("ports: {{http: {{number: {}, publish: {}}}}}", shop::port(it), self.port(it));
        self.folder.write(&shop::spec(make, self.ledger.address, "docker", reached));
        let image = self.image.push(&self.registry.address, &format!("chaos/shop:{version}"));
        shop::missing_if(make, image)
    }

    fn users(&self) -> Users {
        let targets = SERVICES.map(|it| format!("http://127.0.0.1:{}/work", self.port(it)));
        Users::of(targets.to_vec(), None, REQUESTS_PER_SECOND)
    }

    fn version_served(&self, service: &str) -> Option<String> {
        ask(&format!("127.0.0.1:{}", self.port(service)), "localhost")
    }

    fn expect(&mut self, _: &[Strike]) {}

    fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::Engine => self.engine.kill(),
            Fault::Registry => self.registry.kill(),
            Fault::Node => self.node().into_iter().for_each(processes::kill),
            other => panic!("{other:?} is no part of a machine with Docker"),
        }
        self.broken.push(fault);
    }

    fn mend(&mut self, fault: Fault) {
        match fault {
            Fault::Engine => self.engine.start_again(),
            Fault::Registry => self.registry.start_again(),
            // A release that goes on starts one by itself.
            _ => (),
        }
        self.broken.retain(|it| *it != fault);
    }

    fn things(&self, in_place: &str) -> Vec<String> {
        let listed = self.engine.try_run(["ps", "--all", "--format", "container {{.Names}} {{.State}}"]);
        let networks = self.engine.try_run(["network", "ls", "--format", "network {{.Name}}"]);
        let volumes = self.engine.try_run(["volume", "ls", "--format", "volume {{.Name}}"]);
        let all = [listed, networks, volumes].map(Option::unwrap_or_default).join("\n");
        let lines = all.lines().filter(|it| !it.is_empty());
        lines.map(|it| it.replace(&format!("-{in_place}-"), "-rN-")).collect()
    }

    /// A node that nobody needed for a release that has ended is started by whoever looks after the machine.
    fn is_well(&self) -> bool {
        if self.node().is_none() {
            let mut command = self.folder.command(&["node", "run"]);
            let quiet = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            drop(quiet.spawn().unwrap());
        }
        SERVICES.iter().all(|it| self.version_served(it).is_some())
    }
}
