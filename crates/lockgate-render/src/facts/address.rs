//! Host and port of what is called beyond the system.

use std::net::IpAddr;

use lockgate_model::{Dependency, DependencyName, External};

use super::bundled;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    /// Empty where only a store knows it.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// Of `https://host`, `tcp://host:587`, `postgres://user@[::1]/name`. The first host, where there are several.
pub(crate) fn of_url(url: &str) -> Option<Address> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let first = authority.split(',').next()?;
    let (host, port) = match first.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match first.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (first, None),
        },
    };
    let port = port.and_then(|it| it.parse().ok()).or_else(|| usual_port(scheme))?;
    Some(Address { host: host.to_owned(), port })
}

fn usual_port(scheme: &str) -> Option<u16> {
    let port = match scheme.split('+').next().unwrap_or(scheme) {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "smtp" => 587,
        "smtps" => 465,
        "postgres" | "postgresql" => 5432,
        "mysql" | "mariadb" => 3306,
        "mongodb" => 27017,
        "redis" | "rediss" | "valkey" => 6379,
        "amqp" => 5672,
        "amqps" => 5671,
        "kafka" => 9092,
        "nats" => 4222,
        _ => return None,
    };
    Some(port)
}

/// Where a dependency is that somebody else runs; the usual port of its kind where the spec says none.
pub(crate) fn of_dependency(name: &DependencyName, dependency: &Dependency) -> Option<Address> {
    let url = match &dependency.external {
        Some(External::Url(url)) => Some(url.as_str()),
        Some(External::Secret(_) | External::Rds(_) | External::Elasticache(_) | External::Atlas(_))
        | None => dependency.url.as_deref(),
    };
    let said = url.and_then(of_url);
    said.or_else(|| {
        let port = dependency.port.or_else(|| Some(bundled::bundled(name, dependency)?.port))?;
        Some(Address { host: String::new(), port })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let of = |url: &str| of_url(url).map(|it| (it.host, it.port));
        let is = |host: &str, port: u16| Some((host.to_owned(), port));
        assert_eq!(of("https://api.example.org/v1"), is("api.example.org", 443));
        assert_eq!(of("tcp://smtp.example.org:587"), is("smtp.example.org", 587));
        assert_eq!(of("mongodb+srv://u:p@a,b:27018/x"), is("a", 27017));
        assert_eq!(of("redis://[::1]:7000"), is("::1", 7000));
        assert_eq!(of("tcp://no-port"), None);
        assert_eq!(of("no url"), None);
        assert_eq!(of_url("http://10.0.0.1").and_then(|it| it.ip()), Some([10, 0, 0, 1].into()));
    }
}
