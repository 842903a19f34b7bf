//! Where the engine of a host is, as `target.docker.hosts` says it.

use std::fmt;
use std::str::FromStr;

/// One of `target.docker.hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostAddress {
    /// This machine. Without a socket the node finds the engine by `DOCKER_HOST`, or in its usual place.
    Here { socket: Option<String> },
    /// `ssh://user@host:port/path/of/the.sock`, of which only the host is needed.
    Ssh(SshAddress),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshAddress {
    pub user: Option<String>,
    /// A name or an address, or an alias of the user's own configuration of ssh.
    pub host: String,
    pub port: Option<u16>,
    /// Of the engine there, if not in its usual place.
    pub socket: Option<String>,
}

impl FromStr for HostAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<HostAddress, String> {
        if let Some(rest) = text.strip_prefix("ssh://") {
            return ssh(rest).map(HostAddress::Ssh).ok_or_else(|| {
                format!("`{text}` is no address of a host: it is written `ssh://deploy@host.example:22`")
            });
        }
        let path = text.strip_prefix("unix://").unwrap_or(text);
        if path.starts_with('/') {
            return Ok(HostAddress::Here { socket: Some(format!("unix://{path}")) });
        }
        Err(format!(
            "`{text}` is no host of Docker: it is `unix:///var/run/docker.sock`, or `ssh://deploy@host.example`; \
             engines that listen on the network are not supported, for whoever reaches one owns its machine"
        ))
    }
}

fn ssh(rest: &str) -> Option<SshAddress> {
    let (authority, socket) = match rest.split_once('/') {
        Some((authority, "")) => (authority, None),
        Some((authority, path)) => (authority, Some(format!("unix:///{path}"))),
        None => (rest, None),
    };
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let (host, port) = host_and_port(place)?;
    // What begins with a dash would be an option of ssh.
    let plain = |it: &str| {
        !it.is_empty() && !it.starts_with('-') && !it.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if !plain(host) || !user.is_none_or(plain) {
        return None;
    }
    Some(SshAddress { user: user.map(str::to_owned), host: host.to_owned(), port, socket })
}

fn host_and_port(place: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = match port.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if port.is_empty() => None,
            None => return None,
        };
        return Some((host, port));
    }
    match place.split_once(':') {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((place, None)),
    }
}

impl SshAddress {
    /// What ssh is told: `deploy@host`.
    pub(crate) fn destination(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }
}

/// As a person would say it: `deploy@host:2222`.
impl fmt::Display for SshAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.destination()),
            None => f.write_str(&self.destination()),
        }
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostAddress::Here { .. } => f.write_str("this machine"),
            HostAddress::Ssh(it) => it.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HostAddress, String> {
        text.parse()
    }

    #[test]
    fn hosts_are_sockets_of_this_machine_or_reached_by_ssh() {
        let here = |socket: &str| Ok(HostAddress::Here { socket: Some(socket.to_owned()) });
        assert_eq!(read("unix:///run/other.sock"), here("unix:///run/other.sock"));
        assert_eq!(read("/run/other.sock"), here("unix:///run/other.sock"));
        let ssh = |user: Option<&str>, host: &str, port, socket: Option<&str>| {
            Ok(HostAddress::Ssh(SshAddress {
                user: user.map(str::to_owned),
                host: host.to_owned(),
                port,
                socket: socket.map(str::to_owned),
            }))
        };
        assert_eq!(read("ssh://web1"), ssh(None, "web1", None, None));
        assert_eq!(read("ssh://web1/"), ssh(None, "web1", None, None));
        assert_eq!(read("ssh://deploy@web1:2222"), ssh(Some("deploy"), "web1", Some(2222), None));
        assert_eq!(
            read("ssh://deploy@[fd00::1]:22/run/user/1000/docker.sock"),
            ssh(Some("deploy"), "fd00::1", Some(22), Some("unix:///run/user/1000/docker.sock"))
        );
        let refused =
            ["ssh://", "ssh://-oProxyCommand=x", "ssh://a b", "ssh://-l@h", "ssh://h:x", "tcp://h:2375", "h"];
        for bad in refused {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
