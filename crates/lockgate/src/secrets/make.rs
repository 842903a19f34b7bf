//! Values that nobody has to think of: random ones, key pairs, and the public half of a pair.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lockgate_model::{Generate, Secret};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _, RsaKeyPair};

/// A value of the kind, or how to make one by hand.
pub(super) fn make(kind: Generate) -> Result<Secret<String>, String> {
    let value = match kind {
        Generate::Hex32 => hex(&random::<32>()?),
        Generate::Hex64 => hex(&random::<64>()?),
        Generate::Base64Of32 => BASE64.encode(random::<32>()?),
        Generate::Base64Of64 => BASE64.encode(random::<64>()?),
        Generate::Password => password()?,
        Generate::Uuid => uuid(random()?),
        Generate::Ed25519 => ed25519(&random()?),
        Generate::Rsa2048 => return Err(rsa_by_hand(2048)),
        Generate::Rsa4096 => return Err(rsa_by_hand(4096)),
    };
    Ok(Secret::new(value))
}

fn rsa_by_hand(bits: u16) -> String {
    format!(
        "Lockgate makes no RSA keys; make one with \
         `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits}`"
    )
}

fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map(|()| bytes).map_err(|_| "this machine gives no random numbers".to_owned())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, it| {
        write!(text, "{it:02x}").expect("a string takes every write");
        text
    })
}

/// Letters and digits, each as likely as the others.
fn password() -> Result<String, String> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const LEN: usize = 32;
    let mut text = String::new();
    while text.len() < LEN {
        // Of the 256 values of a byte, 248 are four times 62.
        let fair = random::<LEN>()?.into_iter().filter(|it| *it < 248).take(LEN - text.len());
        text.extend(fair.map(|it| char::from(LETTERS[usize::from(it) % LETTERS.len()])));
    }
    Ok(text)
}

/// Version 4 of RFC 9562.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = 0x40 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let text = hex(&bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

/// What stands before the seed in version 1 of PKCS #8, the one that every library reads (RFC 8410).
const ED25519_PRIVATE: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
const ED25519_PUBLIC: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

fn ed25519(seed: &[u8; 32]) -> String {
    pem("PRIVATE KEY", &[&ED25519_PRIVATE[..], seed].concat())
}

/// The public half of a private key.
pub(super) fn public_half(private: &Secret<String>) -> Result<Secret<String>, String> {
    let (label, der) = unpem(private.reveal()).ok_or("the private key is not PEM")?;
    let rsa = match label {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok(),
        _ => RsaKeyPair::from_pkcs8(&der).ok(),
    };
    if let Some(rsa) = rsa {
        return Ok(Secret::new(pem("PUBLIC KEY", &rsa_public(rsa.public_key().as_ref()))));
    }
    let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(
        |_| "its public half cannot be derived; write it with `openssl pkey -in private.pem -pubout`",
    )?;
    Ok(Secret::new(pem("PUBLIC KEY", &[&ED25519_PUBLIC[..], key.public_key().as_ref()].concat())))
}

/// A `SubjectPublicKeyInfo` around an `RSAPublicKey` (RFC 8017, A.1).
fn rsa_public(key: &[u8]) -> Vec<u8> {
    const RSA_ENCRYPTION: [u8; 15] = [0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let bits = der(3, &[&[0], key].concat());
    der(0x30, &[&RSA_ENCRYPTION[..], &bits].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    if let Ok(short @ 0..0x80) = u8::try_from(content.len()) {
        bytes.push(short);
    } else {
        let length = content.len().to_be_bytes();
        let length = &length[length.iter().take_while(|it| **it == 0).count()..];
        bytes.push(0x80 | u8::try_from(length.len()).expect("a length has eight bytes at most"));
        bytes.extend(length);
    }
    bytes.extend(content);
    bytes
}

const PEM_COLUMNS: usize = 64;

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut lines = vec![format!("-----BEGIN {label}-----")];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(PEM_COLUMNS));
        lines.push(line.to_owned());
        rest = after;
    }
    lines.push(format!("-----END {label}-----\n"));
    lines.join("\n")
}

/// The label and the bytes of the first block.
fn unpem(text: &str) -> Option<(&str, Vec<u8>)> {
    let (label, rest) = text.split_once("-----BEGIN ")?.1.split_once("-----")?;
    let body: String = rest.split_once("-----END ")?.0.split_whitespace().collect();
    Some((label, BASE64.decode(body).ok()?))
}

/// Is it one block of PEM or several?
pub(super) fn is_pem(text: &str) -> bool {
    unpem(text.trim()).is_some() && text.trim_end().ends_with("-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_values_have_their_form() {
        let value = |kind| make(kind).unwrap().reveal().clone();
        assert_eq!(value(Generate::Hex32).len(), 64);
        assert_eq!(BASE64.decode(value(Generate::Base64Of64)).unwrap().len(), 64);
        let password = value(Generate::Password);
        assert!(password.len() == 32 && password.bytes().all(|it| it.is_ascii_alphanumeric()));
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_ne!(value(Generate::Uuid), value(Generate::Uuid));
        assert!(make(Generate::Rsa2048).unwrap_err().contains("rsa_keygen_bits:2048"));
    }

    #[test]
    fn a_private_key_has_one_public_half() {
        let private = make(Generate::Ed25519).unwrap();
        assert!(is_pem(private.reveal()));
        let public = public_half(&private).unwrap();
        assert!(public.reveal().starts_with("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"));
        assert_eq!(public_half(&private).unwrap(), public);
        assert!(public_half(&Secret::new("text".to_owned())).is_err());
    }

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(der(4, &[7])[..2], [4, 1]);
        assert_eq!(der(4, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(der(4, &[0; 300])[..4], [4, 0x82, 1, 44]);
    }
}
