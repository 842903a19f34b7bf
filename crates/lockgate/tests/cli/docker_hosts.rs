//! Releases over two hosts that are reached by ssh, each a machine of its own with its engine, its node and its router.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lockgate_testbed::{Image, Machine, Said, program};

use crate::world::{Traffic, World, kill, until};

const WHAT: &str = "releases over hosts by ssh";
const PORT: u16 = 8080;
const VERSIONS: [&str; 3] = ["v1", "v2", "v3"];

fn spec(hosts: &[String; 2], knobs: &str) -> String {
    format!(
        "lockgate: v1
system: shop
services:
  web:
    image: shop/web
    command: [sample]
    replicas: 3
    ports: {{http: {{number: {PORT}, publish: {PORT}}}}}
    health: {{path: /health, interval: 100ms, timeout: 1s, ready_within: 10s}}
    stop: {{drain: 5s, grace: 2s}}
    env: {{LABEL: \"${{release.version}}\"{knobs}}}
    secrets: {{GIVEN_TOKEN: {{generate: hex32}}}}
  worker:
    image: shop/web
    command: [sample]
    env: {{LABEL: worker, PORT: \"9000\"}}
smoke: [{{get: /health, service: web}}]
slo:
  error_rate: {{objective: \"< 1%\", alert: \"> 3% for 30s\"}}
rollout:
  strategy: canary
  steps: [{{weight: 25%, pause: 2s}}, {{weight: 50%, pause: 2s}}, {{weight: 100%}}]
  analysis: {{tick: 200ms, warmup: 200ms, min_time: 1s, min_requests: 30, margin: {{ratio: 1.25, abs: 2%}}}}
environments:
  local:
    target: {{docker: {{hosts: [\"{}\", \"{}\"]}}}}
",
        hosts[0], hosts[1]
    )
}

struct Shop {
    world: World,
    machines: [Machine; 2],
    hosts: [String; 2],
}

impl Shop {
    fn open() -> Option<Shop> {
        let machines = [Machine::start(WHAT)?, Machine::start(WHAT)?];
        let image = Image::of_program(Path::new(env!("CARGO_BIN_EXE_lockgate")));
        let tags = VERSIONS.map(|it| format!("shop/web:{it}"));
        let images: Vec<(&Image, &str)> = tags.iter().map(|it| (&image, it.as_str())).collect();
        for machine in &machines {
            machine.engine.load(&images);
        }
        let world = World::new();
        // The user's own client, with a configuration that knows both.
        let config = machines.each_ref().map(|it| it.sshd.config()).concat();
        fs::write(world.path().join("ssh_config"), config).unwrap();
        let bin = world.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let client = bin.join("ssh");
        let ssh = program("ssh").unwrap();
        let config = world.path().join("ssh_config");
        fs::write(&client, format!("#!/bin/sh\nexec {} -F {} \"$@\"\n", ssh.display(), config.display()))
            .unwrap();
        fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let world = world.with_variable("PATH", &path);
        let hosts = machines.each_ref().map(|it| {
            format!("ssh://{}{}", it.sshd.name(), it.engine.host().strip_prefix("unix://").unwrap())
        });
        world.write_text(&spec(&hosts, ""));
        Some(Shop { world, machines, hosts })
    }

    fn args(&self, verb: &str, version: &str) -> Vec<String> {
        let id =
            self.machines[0].engine.run(["images", "--no-trunc", "--quiet", &format!("shop/web:{version}")]);
        let of = |service: &str| format!("{service}={id}");
        let (web, worker) = (of("web"), of("worker"));
        [verb, "local", "--version", version, "--image", &web, "--image", &worker].map(str::to_owned).to_vec()
    }

    fn run(&self, args: &[String]) -> Said {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.world.run(&args)
    }

    fn traffic(&self) -> Traffic {
        let of = |it: &Machine| format!("http://{}:{PORT}/work", it.address);
        Traffic::to(self.machines.iter().map(of).collect(), 100.0)
    }

    /// What each machine's router answers with.
    fn served(&self) -> [BTreeSet<String>; 2] {
        self.machines.each_ref().map(|machine| {
            let asked =
                (0..6).map(|_| serde_json::from_str::<serde_json::Value>(&get(machine, "/health/live")));
            asked.map(|it| it.unwrap()["version"].as_str().unwrap().to_owned()).collect()
        })
    }

    fn containers(&self) -> [BTreeSet<String>; 2] {
        self.machines.each_ref().map(|it| {
            let listed = it.engine.run(["ps", "--format", "{{.Names}}"]);
            listed.lines().map(str::to_owned).collect()
        })
    }

    /// The ends of connections that the driver holds.
    fn connections(&self) -> Vec<u32> {
        let config = self.world.path().join("ssh_config").display().to_string();
        let all = fs::read_dir("/proc").unwrap().flatten();
        let pids = all.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
        let holds = |pid: &u32| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).into_owned();
            words.contains(&config) && words.contains("ControlMaster=yes")
        };
        pids.filter(holds).collect()
    }

    fn close(self) {
        until("the end of all connections", || self.connections().is_empty().then_some(()));
        for machine in &self.machines {
            let state = machine.sshd.state().join("lockgate/shop-local");
            self.world.run(&["node", "stop", "--state", state.to_str().unwrap()]).ended(0);
        }
        assert_eq!(self.containers(), [BTreeSet::new(), BTreeSet::new()], "nothing is left on the hosts");
    }
}

fn get(machine: &Machine, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect((machine.address, PORT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_release_over_two_hosts_loses_nothing_when_its_connections_are_killed() {
    let Some(shop) = Shop::open() else { return };
    let of = |version: &str| [(); 2].map(|()| BTreeSet::from([version.to_owned()]));
    shop.run(&shop.args("deploy", "v1")).ended(0);
    assert_eq!(shop.served(), of("v1"));
    let names = |it: &[&str]| it.iter().map(|it| format!("shop-local-{it}")).collect::<BTreeSet<_>>();
    let first = names(&["web-r1-1", "web-r1-2", "worker-r1-1"]);
    assert_eq!(shop.containers(), [first, names(&["web-r1-1"])], "three on two hosts, the worker once");

    let traffic = shop.traffic();
    let mut args = shop.args("deploy", "v2");
    args.push("--detach".to_owned());
    shop.run(&args).ended(0);
    shop.world.until_gated();
    let cut = until("connections", || Some(shop.connections()).filter(|it| 2 <= it.len()));
    cut.into_iter().for_each(kill);
    until("connections that are made again", || Some(()).filter(|()| 2 <= shop.connections().len()));
    kill(shop.world.driver_pid().expect("a driver is at work"));
    until("the end of connections whose driver was killed", || shop.connections().is_empty().then_some(()));
    shop.world.run(&["watch", "local"]).ended(0);
    let report = traffic.stop_without_loss();
    assert_eq!(report.http_4xx + report.http_5xx, 0, "{report:?}");
    assert_eq!(shop.served(), of("v2"));

    let traffic = shop.traffic();
    shop.world.write_text(&spec(&shop.hosts, ", SAMPLE_READY: never"));
    let name = shop.machines[1].sshd.name();
    shop.run(&shop.args("deploy", "v3")).ended(3).says("instances are ready").says(&name);
    traffic.stop_without_loss();
    assert_eq!(shop.served(), of("v2"), "taken back on both");
    shop.world.run(&["rollback", "local"]).ended(0);
    assert_eq!(shop.served(), of("v1"));
    shop.world.run(&["status", "local"]).ended(0).says("3/3");
    shop.world.run(&["logs", "web"]).ended(0);
    shop.close();
}
