//! Ports of a service: which of them the spec can say.

use lockgate_yaml::{Kind, Node};

use super::reading::Reading;

/// A port of a container, and its number on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) number: u16,
    pub(super) publish: Option<u16>,
    /// Reached from the machine itself only.
    pub(super) is_local: bool,
}

/// An entry of `ports`, or why the spec has no words for it.
pub(super) fn read(reading: &Reading<'_>, node: &Node) -> Result<Opened, String> {
    match &node.kind {
        Kind::Scalar(_) => {
            let text = reading.plain(node).ok_or("its number is not known here")?;
            short(&text)
        }
        Kind::Map(_) => long(reading, node),
        Kind::Seq(_) => Err("a list is no port".to_owned()),
    }
}

/// An entry of `expose`.
pub(super) fn exposed(reading: &Reading<'_>, node: &Node) -> Result<u16, String> {
    let text = reading.plain(node).ok_or("its number is not known here")?;
    let number = text.strip_suffix("/tcp").unwrap_or(&text);
    number_of(number)
}

fn number_of(text: &str) -> Result<u16, String> {
    if text.contains('-') {
        return Err("it is a range of ports".to_owned());
    }
    let number = text.parse::<u16>().ok().filter(|it| 0 < *it && text.bytes().all(|it| it.is_ascii_digit()));
    number.ok_or_else(|| "it is no number of a port".to_owned())
}

const UDP: &str = "it speaks no TCP";
pub(super) const ADDRESS: &str = "it is open on one address of the machine only";
const ANY: &str = "its number on the machine is left to Docker";

/// `8080:80`, with an address before and a protocol behind.
fn short(text: &str) -> Result<Opened, String> {
    let (places, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if protocol != "tcp" {
        return Err(UDP.to_owned());
    }
    let mut places = places.rsplitn(3, ':');
    let number = number_of(places.next().unwrap_or(""))?;
    let publish = places.next().filter(|it| !it.is_empty());
    let address = places.next();
    let publish = number_of(publish.ok_or(ANY)?)?;
    match address {
        None => Ok(Opened { number, publish: Some(publish), is_local: false }),
        Some("127.0.0.1") => Ok(Opened { number, publish: Some(publish), is_local: true }),
        Some(_) => Err(ADDRESS.to_owned()),
    }
}

fn long(reading: &Reading<'_>, node: &Node) -> Result<Opened, String> {
    let read = |key: &str| node.get(key).and_then(|it| reading.plain(it));
    for (key, usual, why) in [
        ("protocol", "tcp", UDP),
        ("mode", "ingress", "each machine of a swarm opens it"),
        ("app_protocol", "http", "it says what is spoken"),
    ] {
        if read(key).is_some_and(|it| it != usual) {
            return Err(why.to_owned());
        }
    }
    let address = read("host_ip");
    if node.get("host_ip").is_some() && address.as_deref() != Some("127.0.0.1") {
        return Err(ADDRESS.to_owned());
    }
    let known = ["target", "published", "protocol", "mode", "app_protocol", "name", "host_ip"];
    if let Some(entry) = node.entries().iter().find(|it| !known.contains(&it.key.as_str())) {
        return Err(format!("it says `{}`", lockgate_diagnostics::shown(&entry.key)));
    }
    let number = number_of(&read("target").ok_or("its number is not known here")?)?;
    let publish = number_of(&read("published").ok_or(ANY)?)?;
    Ok(Opened { number, publish: Some(publish), is_local: address.is_some() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ports_have_two_numbers() {
        assert_eq!(short("8080:80/tcp"), Ok(Opened { number: 80, publish: Some(8080), is_local: false }));
        for (text, why) in [
            ("53:53/udp", UDP),
            ("10.0.0.1:80:80", ADDRESS),
            ("[::1]:80:80", ADDRESS),
            ("80", ANY),
            ("3000-3005:3000-3005", "it is a range of ports"),
            ("x:80", "it is no number of a port"),
            ("", "it is no number of a port"),
            ("70000:1", "it is no number of a port"),
        ] {
            assert_eq!(short(text), Err(why.to_owned()), "{text}");
        }
    }
}
