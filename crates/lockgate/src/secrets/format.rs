//! Whether a value looks like what the spec says that it is. What is wrong is said without the value.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use lockgate_model::SecretFormat;

use super::make::is_pem;

pub(super) fn check(value: &str, format: Option<SecretFormat>) -> Result<(), &'static str> {
    if value.contains('\0') {
        return Err("its value has a zero byte, which no variable can hold");
    }
    let Some(format) = format else { return Ok(()) };
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok();
    let (fits, complaint) = match format {
        SecretFormat::Text => (true, ""),
        SecretFormat::Url => (is_url(value), "its value is no URL, such as `https://host/path`"),
        SecretFormat::Pem => (is_pem(value), "its value is not PEM, from `-----BEGIN` to `-----`"),
        SecretFormat::Hex => (is_hex(value), "its value is not pairs of hexadecimal digits"),
        SecretFormat::Base64 => (is_base64(value), "its value is not Base64"),
        SecretFormat::Json => (is_json(), "its value is not JSON"),
        SecretFormat::JsonOneLine => {
            (is_json() && !value.contains('\n'), "its value is not JSON on one line; `jq -c .` makes it so")
        }
    };
    if fits { Ok(()) } else { Err(complaint) }
}

fn is_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it));
    is_scheme && !rest.is_empty() && !value.contains(char::is_whitespace)
}

fn is_hex(value: &str) -> bool {
    value.len().is_multiple_of(2) && value.bytes().all(|it| it.is_ascii_hexdigit())
}

fn is_base64(value: &str) -> bool {
    let text: String = value.split_whitespace().collect();
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].iter().any(|it| it.decode(&text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_for_what_they_are() {
        use SecretFormat::{Base64, Hex, Json, JsonOneLine, Pem, Text, Url};
        let good = [
            (Text, "x"),
            (Url, "https://a/b"),
            (Hex, "0aF1"),
            (Base64, "YWI="),
            (Base64, "YWI"),
            (Json, "{\n}"),
            (JsonOneLine, "{}"),
            (Pem, "-----BEGIN X-----\nYWI=\n-----END X-----\n"),
        ];
        for (format, value) in good {
            assert_eq!(check(value, Some(format)), Ok(()), "{format:?}");
        }
        let bad =
            [(Url, "a/b"), (Hex, "abc"), (Base64, "a b!"), (Json, "{"), (JsonOneLine, "{\n}"), (Pem, "YWI=")];
        for (format, value) in bad {
            assert!(check(value, Some(format)).is_err(), "{format:?}");
        }
        assert!(check("a\0", None).is_err());
    }
}
