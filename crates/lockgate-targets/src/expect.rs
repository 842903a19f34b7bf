//! What a smoke check sends and what its answer must hold, the same on every platform.

use lockgate_model::{Secret, SmokeSpec};
use serde_json::Value;

use crate::{Class, TargetError};

/// Longest body that is looked into; a check of more is not a smoke check.
pub(crate) const BODY_LEN_MAX: usize = 1 << 20;
/// Characters of an answer that an error shows.
const SHOWN_LEN: usize = 200;

/// Headers beside those that every request has.
pub(crate) fn headers(check: &SmokeSpec, bearer: Option<&Secret<String>>) -> Vec<(String, String)> {
    let own = check.expect.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    let bearer = bearer.map(|it| ("authorization".to_owned(), format!("Bearer {}", it.reveal())));
    own.chain(bearer).collect()
}

/// Says what is wrong with an answer; `what` names the request.
pub(crate) fn judge(check: &SmokeSpec, what: &str, status: u16, body: &[u8]) -> Result<(), TargetError> {
    if status != check.status {
        // A gateway's own answers pass; an instance's answer is what the version says.
        let class = if matches!(status, 502..=504) { Class::Transient } else { Class::Fatal };
        return Err(TargetError::new(class, format!("{what} answered {status}, expected {}", check.status)));
    }
    let text = String::from_utf8_lossy(body);
    let lacks = |wanted: String| {
        let shown: String = text.chars().take(SHOWN_LEN).collect();
        TargetError::new(Class::Fatal, format!("{what} answered {status} without {wanted}: {shown}"))
    };
    if let Some(wanted) = check.expect.contains.as_ref().filter(|it| !text.contains(it.as_str())) {
        return Err(lacks(format!("`{wanted}`")));
    }
    if check.expect.json.is_empty() {
        return Ok(());
    }
    let json: Value = serde_json::from_slice(body).map_err(|_| lacks("JSON".to_owned()))?;
    for (path, wanted) in &check.expect.json {
        let found = at(&json, path).map(as_text);
        let holds = found.as_ref().is_some_and(|it| wanted == "*" || it == wanted);
        if !holds {
            let found = found.map(|it| format!("; there it is `{it}`")).unwrap_or_default();
            return Err(lacks(format!("`{wanted}` at `{path}`{found}")));
        }
    }
    Ok(())
}

/// The value at `$.a.b[0]`; nothing for a path that leads nowhere.
fn at<'a>(json: &'a Value, path: &str) -> Option<&'a Value> {
    let steps = path.strip_prefix('$').unwrap_or(path).split(['.', '[', ']']).filter(|it| !it.is_empty());
    steps.into_iter().try_fold(json, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use lockgate_model::{Millis, ServiceName, SmokeExpect, SmokeVia};

    use super::*;

    fn check(expect: SmokeExpect) -> SmokeSpec {
        SmokeSpec {
            service: ServiceName::new("web").unwrap(),
            port: 80,
            path: "/".to_owned(),
            status: 200,
            via: SmokeVia::Route,
            timeout: Millis::secs(1),
            expect,
            bearer: None,
        }
    }

    fn says(expect: SmokeExpect, status: u16, body: &str) -> String {
        judge(&check(expect), "GET /", status, body.as_bytes())
            .map_or_else(|it| it.to_string(), |()| "ok".to_owned())
    }

    fn json(path: &str, value: &str) -> SmokeExpect {
        SmokeExpect { json: [(path.to_owned(), value.to_owned())].into(), ..SmokeExpect::default() }
    }

    #[test]
    fn an_answer_is_held_against_all_that_is_expected() {
        let body = r#"{"status": "ok", "keys": [{"kid": "a"}], "n": 3}"#;
        assert_eq!(says(SmokeExpect::default(), 200, ""), "ok");
        assert_eq!(says(SmokeExpect::default(), 404, ""), "GET / answered 404, expected 200");
        for (path, value) in [("$.status", "ok"), ("$.keys", "*"), ("$.keys[0].kid", "a"), ("n", "3")] {
            assert_eq!(says(json(path, value), 200, body), "ok", "{path}");
        }
        assert_eq!(
            says(json("$.status", "up"), 200, r#"{"status": "down"}"#),
            r#"GET / answered 200 without `up` at `$.status`; there it is `down`: {"status": "down"}"#
        );
        assert_eq!(
            says(json("$.keys[9]", "*"), 200, "[]"),
            "GET / answered 200 without `*` at `$.keys[9]`: []"
        );
        assert_eq!(says(json("$.a", "*"), 200, "<html>"), "GET / answered 200 without JSON: <html>");
        let contains = SmokeExpect { contains: Some("hello".to_owned()), ..SmokeExpect::default() };
        assert_eq!(says(contains, 200, "bye"), "GET / answered 200 without `hello`: bye");
    }
}
