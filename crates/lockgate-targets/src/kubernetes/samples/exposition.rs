//! A page of metrics, as text of Prometheus or `OpenMetrics`, read into its samples.

use std::borrow::Cow;
use std::fmt;

/// One line: `http_requests_total{status="200"} 17`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample<'p> {
    pub(crate) name: Cow<'p, str>,
    pub(crate) labels: Vec<(Cow<'p, str>, Cow<'p, str>)>,
    pub(crate) value: f64,
}

impl Sample<'_> {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|it| it.0 == name).map(|it| it.1.as_ref())
    }

    #[cfg(test)]
    pub(crate) fn into_owned(self) -> Sample<'static> {
        let owned = |it: Cow<'_, str>| Cow::Owned(it.into_owned());
        let labels = self.labels.into_iter().map(|it| (owned(it.0), owned(it.1)));
        Sample { name: owned(self.name), labels: labels.collect(), value: self.value }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) why: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// Types, helps, times and exemplars are passed over.
pub(crate) fn parse(page: &str) -> Result<Vec<Sample<'_>>, Malformed> {
    let mut samples = Vec::new();
    for (idx, line) in page.lines().enumerate() {
        let line = line.trim();
        if line == "# EOF" {
            break;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        samples.push(sample(line).map_err(|why| Malformed { line: idx + 1, why })?);
    }
    Ok(samples)
}

fn sample(line: &str) -> Result<Sample<'_>, &'static str> {
    let name_end = line.find(|it: char| it == '{' || it.is_whitespace()).ok_or("it has no value")?;
    let mut name = Cow::Borrowed(&line[..name_end]);
    let mut rest = line[name_end..].trim_start();
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = set(inside, &mut name, &mut labels)?.trim_start();
    }
    if name.is_empty() {
        return Err("it has no name");
    }
    let value = rest.split_whitespace().next().ok_or("it has no value")?;
    Ok(Sample { name, labels, value: number(value).ok_or("its value is no number")? })
}

/// What is between braces; answers what follows them. A name that needs quotes is written in them.
fn set<'p>(
    mut rest: &'p str,
    name: &mut Cow<'p, str>,
    labels: &mut Vec<(Cow<'p, str>, Cow<'p, str>)>,
) -> Result<&'p str, &'static str> {
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after);
        }
        let (key, after) = if let Some(inside) = rest.strip_prefix('"') {
            quoted(inside)?
        } else {
            let end = rest.find(|it: char| it == '=' || it.is_whitespace()).ok_or("a label has no value")?;
            (Cow::Borrowed(&rest[..end]), &rest[end..])
        };
        rest = match after.trim_start().strip_prefix('=') {
            Some(after) => {
                let inside = after.trim_start().strip_prefix('"').ok_or("a label's value has no quotes")?;
                let (value, after) = quoted(inside)?;
                if key.is_empty() {
                    return Err("a label has no name");
                }
                labels.push((key, value));
                after
            }
            None if name.is_empty() => {
                *name = key;
                after
            }
            None => return Err("a label has no value"),
        };
        rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return Err("the labels do not end"),
        }
    }
}

/// The text up to the closing quote, and what follows it.
fn quoted(inside: &str) -> Result<(Cow<'_, str>, &str), &'static str> {
    let mut text = String::new();
    let mut from = 0;
    let mut chars = inside.char_indices();
    while let Some((idx, char)) = chars.next() {
        match char {
            '"' if text.is_empty() && from == 0 => {
                return Ok((Cow::Borrowed(&inside[..idx]), &inside[idx + 1..]));
            }
            '"' => {
                text.push_str(&inside[from..idx]);
                return Ok((Cow::Owned(text), &inside[idx + 1..]));
            }
            '\\' => {
                text.push_str(&inside[from..idx]);
                let (escaped_at, escaped) = chars.next().ok_or("a quote does not end")?;
                from = escaped_at + escaped.len_utf8();
                match escaped {
                    'n' => text.push('\n'),
                    '\\' | '"' => text.push(escaped),
                    // Old clients escape what need not be.
                    other => text.extend(['\\', other]),
                }
            }
            _ => {}
        }
    }
    Err("a quote does not end")
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        // What `f64` reads besides numbers is no value of a metric.
        _ if text.contains(|it: char| it.is_ascii_alphabetic() && !matches!(it, 'e' | 'E')) => None,
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_of_prometheus_is_read() {
        let page = r#"
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",status="200"} 1027 1395066363000
http_requests_total{method="post",status="400",} 3
no_labels 4.7e-05
empty{} 1
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9
something_weird{problem="division by zero"} +Inf -3982045
rpc_duration_seconds_bucket { le = "0.05" , } 24054
{"http.server.requests",status="200"} 5
"#;
        let samples = parse(page).unwrap();
        let names: Vec<_> = samples.iter().map(|it| (it.name.as_ref(), it.value)).collect();
        assert_eq!(
            names,
            [
                ("http_requests_total", 1027.0),
                ("http_requests_total", 3.0),
                ("no_labels", 4.7e-05),
                ("empty", 1.0),
                ("msdos_file_access_time_seconds", 1.458_255_915e9),
                ("something_weird", f64::INFINITY),
                ("rpc_duration_seconds_bucket", 24054.0),
                ("http.server.requests", 5.0),
            ]
        );
        assert_eq!(samples[1].label("status"), Some("400"));
        assert_eq!(samples[4].label("path"), Some(r"C:\DIR\FILE.TXT"));
        assert_eq!(samples[4].label("error"), Some("Cannot find file:\n\"FILE.TXT\""));
        assert_eq!(samples[6].label("le"), Some("0.05"));
    }

    #[test]
    fn a_page_of_openmetrics_is_read() {
        let page = r#"# TYPE foo histogram
# UNIT foo seconds
foo_bucket{le="0.1"} 8 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.067 1520879607.789
foo_bucket{le="+Inf"} 17 # {} 9.8
foo_count 17
foo_created 1520872607.123
# EOF
what follows the end is no sample
"#;
        let values: Vec<_> = parse(page).unwrap().iter().map(|it| it.value).collect();
        assert_eq!(values, [8.0, 17.0, 17.0, 1_520_872_607.123]);
    }

    #[test]
    fn what_is_no_page_is_said_with_its_line() {
        for (page, why) in [
            ("<html>", "it has no value"),
            ("ok 1\na{b=\"c} 1", "a quote does not end"),
            ("a{b=c} 1", "a label's value has no quotes"),
            ("a{b=\"c\" d=\"e\"} 1", "the labels do not end"),
            ("a{b} 1", "a label has no value"),
            ("a one", "its value is no number"),
            ("a infinity", "its value is no number"),
            ("{} 1", "it has no name"),
        ] {
            let malformed = parse(page).unwrap_err();
            assert_eq!((malformed.line, malformed.why), (page.lines().count(), why), "{page}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(page in r#"([a-z_{}"=,\\# \n0-9.+]|\PC){0,80}"#) {
            drop(parse(&page));
        }

        #[test]
        fn what_is_written_is_read_back(
            name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,9}",
            labels in proptest::collection::vec(("[a-zA-Z_][a-zA-Z0-9_]{0,9}", r#"([a-z"\\\n{},= #]|\PC){0,12}"#), 0..4),
            value in any::<f64>().prop_filter("a number is read back", |it| it.is_finite()),
            at in proptest::option::of(any::<u32>()),
        ) {
            let escaped = |it: &str| it.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
            let pairs: Vec<_> = labels.iter().map(|it| format!("{}=\"{}\"", it.0, escaped(&it.1))).collect();
            let at = at.map(|it| format!(" {it}")).unwrap_or_default();
            let line = format!("{name}{{{}}} {value:e}{at}\n", pairs.join(","));
            // A value may hold other ends of lines than a line has.
            prop_assume!(line.lines().count() == 1);
            let samples = parse(&line).unwrap();
            prop_assert_eq!(samples.len(), 1);
            prop_assert_eq!(samples[0].name.as_ref(), name.as_str());
            prop_assert_eq!(samples[0].value.to_bits(), value.to_bits());
            let read: Vec<_> = samples[0].labels.iter().map(|it| (it.0.to_string(), it.1.to_string())).collect();
            prop_assert_eq!(read, labels);
        }
    }
}
