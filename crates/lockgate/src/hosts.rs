//! The hosts of the Docker target as they are written, and what a system may not ask for when there are several.

use std::collections::BTreeSet;

use lockgate_model::{DockerTarget, Service, System};
use lockgate_targets::HostAddress;

/// Where it runs; this machine unless said otherwise.
pub fn read(target: &DockerTarget) -> Result<Vec<HostAddress>, String> {
    if target.hosts.is_empty() {
        return Ok(vec![HostAddress::Here { socket: None }]);
    }
    target.hosts.iter().map(|it| it.parse()).collect()
}

/// Why the system cannot run on its hosts, with what to do about it; empty when it can.
pub fn problems(system: &System, target: &DockerTarget) -> Vec<String> {
    let hosts = match read(target) {
        Ok(hosts) => hosts,
        Err(problem) => return vec![problem],
    };
    if hosts.len() == 1 {
        return vec![];
    }
    let places: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut seen = BTreeSet::new();
    let twice = places.iter().filter(|it| !seen.insert(*it)).map(|it| {
        format!("{it} is named twice in `hosts`, and a port of a machine is there once; name it once")
    });
    let of_services = system.services.iter().flat_map(|(name, service)| {
        of_service(system, service, hosts.len()).into_iter().map(move |it| format!("`{name}` {it}"))
    });
    twice.chain(of_services).collect()
}

fn of_service(system: &System, service: &Service, hosts: usize) -> Vec<String> {
    let mut problems = vec![];
    let has_ports = !service.ports.is_empty();
    if has_ports && usize::from(service.replicas) < hosts {
        problems.push(format!(
            "has {} replicas for {hosts} hosts, each of whose routers serves it from its own instances; \
             set `replicas: {hosts}` or more",
            service.replicas
        ));
    }
    let is_spread = has_ports || 1 < service.replicas;
    if is_spread && !service.volumes.is_empty() {
        problems.push(
            "has volumes, and each host would have its own; keep the data in a database or a bucket"
                .to_owned(),
        );
    }
    let bundled = service.depends_on.keys().filter(|it| {
        let found = system.dependencies.iter().find(|(name, _)| name.as_str() == it.as_str());
        found.is_some_and(|it| it.1.external.is_none())
    });
    for name in bundled.filter(|_| is_spread) {
        problems.push(format!(
            "needs `{name}` on every host, and what is started with the system is on the first host alone; \
             say where it is: `dependencies: {{{name}: {{external: {{...}}}}}}`"
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use lockgate_model::{EnvironmentName, Port, PortName, Protocol, ServiceName, SystemName, TargetKind};

    use super::*;

    fn system(hosts: &[&str], replicas: u16, has_ports: bool) -> (System, DockerTarget) {
        let target =
            DockerTarget { hosts: hosts.iter().map(|it| (*it).to_owned()).collect(), registry: None };
        let (name, environment) = (SystemName::new("shop").unwrap(), EnvironmentName::new("prod").unwrap());
        let mut system = System::new(name, environment, TargetKind::Docker(target.clone()));
        let mut web = Service { replicas, ..Service::new(vec!["web".to_owned()]) };
        if has_ports {
            web.ports.insert(PortName::new("http").unwrap(), Port::new(80, Protocol::Http));
        }
        system.services.insert(ServiceName::new("web").unwrap(), web);
        (system, target)
    }

    fn said(hosts: &[&str], replicas: u16, has_ports: bool) -> String {
        let (system, target) = system(hosts, replicas, has_ports);
        problems(&system, &target).join("\n")
    }

    #[test]
    fn one_host_takes_any_system() {
        for hosts in [&[][..], &["unix:///run/other.sock"], &["ssh://deploy@web1"]] {
            assert_eq!(said(hosts, 1, true), "", "{hosts:?}");
        }
        assert!(said(&["tcp://web1:2375"], 1, true).contains("whoever reaches one owns its machine"));
    }

    #[test]
    fn several_hosts_want_an_instance_for_each_router() {
        let two = ["ssh://web1", "ssh://web2"];
        assert_eq!(said(&two, 2, true), "");
        assert_eq!(said(&two, 1, false), "", "a worker runs once, on the first");
        assert!(said(&two, 1, true).contains("`web` has 1 replicas for 2 hosts"));
        assert!(said(&["ssh://web1", "ssh://web1"], 2, true).contains("web1 is named twice"));
    }
}
