//! What ssh's last words mean: whether another attempt is worth it, and what helps.

use crate::docker::SshAddress;
use crate::{Class, TargetError};

/// Lines of them that an error shows.
const SHOWN_LINES: usize = 3;

/// Why there is no connection, or none any more.
pub(super) fn refused(address: &SshAddress, said: &str) -> TargetError {
    let (class, hint) = meaning(address, said);
    let text = match last(said) {
        it if it.is_empty() => format!("{address} is not reached by ssh, which gave no reason"),
        it => format!("{address} is not reached by ssh: {it}"),
    };
    let error = TargetError::new(class, text);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The end of what was said, as one line.
pub(super) fn last(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|it| !is_ornament(it)).collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("; ")
}

fn is_ornament(line: &str) -> bool {
    line.chars().all(|it| !it.is_alphanumeric())
}

fn meaning(address: &SshAddress, said: &str) -> (Class, Option<String>) {
    let by_hand = match address.port {
        Some(port) => format!("ssh -p {port} {}", address.destination()),
        None => format!("ssh {}", address.destination()),
    };
    let says = |it: &str| said.contains(it);
    if says("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        let hint = format!(
            "find out why its key changed before you trust it; then: ssh-keygen -R '{}'",
            match address.port {
                Some(port) => format!("[{}]:{port}", address.host),
                None => address.host.clone(),
            }
        );
        return (Class::Fatal, Some(hint));
    }
    if says("Host key verification failed") {
        return (Class::Fatal, Some(format!("{by_hand}    once by hand, to accept its key")));
    }
    if says("Permission denied") || says("Too many authentication failures") {
        let hint = format!("{by_hand} true    has to succeed without a question: add the key to the agent");
        return (Class::Fatal, Some(hint));
    }
    if says("Could not resolve hostname") {
        return (Class::Fatal, Some(format!("{by_hand}    or name the host in ~/.ssh/config")));
    }
    if says("Bad configuration option") || says("terminating, ") {
        return (Class::Fatal, Some("mend ~/.ssh/config".to_owned()));
    }
    (Class::Transient, Some(by_hand))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: &str) -> (Class, String, String) {
        let address = SshAddress {
            user: Some("deploy".to_owned()),
            host: "web1".to_owned(),
            port: Some(2222),
            socket: None,
        };
        let error = refused(&address, said);
        (error.class, error.message, error.hint.unwrap_or_default())
    }

    #[test]
    fn what_does_not_mend_itself_is_fatal_and_says_what_helps() {
        let (class, message, hint) =
            of("ssh: Could not resolve hostname web1: Name or service not known\r\n");
        assert_eq!(class, Class::Fatal);
        assert_eq!(
            message,
            "deploy@web1:2222 is not reached by ssh: ssh: Could not resolve hostname web1: Name or service not known"
        );
        assert!(hint.contains("~/.ssh/config"), "{hint}");
        let (class, _, hint) = of("deploy@web1: Permission denied (publickey).\n");
        assert_eq!((class, hint.contains("agent")), (Class::Fatal, true));
        let changed = "@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@\nHost key verification failed.\n";
        let (class, message, hint) = of(changed);
        assert_eq!(class, Class::Fatal);
        assert!(message.contains("HAS CHANGED") && hint.contains("ssh-keygen -R '[web1]:2222'"), "{message}");
        let (class, _, hint) = of("Host key verification failed.\n");
        assert_eq!((class, hint.contains("accept its key")), (Class::Fatal, true));
    }

    #[test]
    fn a_host_that_is_away_may_come_back() {
        let away = [
            "ssh: connect to host web1 port 22: Connection refused",
            "ssh: connect to host web1 port 22: Connection timed out",
            "client_loop: send disconnect: Broken pipe",
            "",
        ];
        for said in away {
            assert_eq!(of(said).0, Class::Transient, "{said}");
        }
    }
}
