//! What Prometheus answers to an instant query, read into samples.

use std::borrow::Cow;

use serde::Deserialize;

use super::exposition::Sample;

/// A vector, all of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Vector {
    /// Seconds by the clock of Prometheus; `None` of an empty vector.
    pub(crate) at: Option<f64>,
    pub(crate) samples: Vec<Sample<'static>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    data: Option<Data>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Element {
    metric: serde_json::Map<String, serde_json::Value>,
    value: Option<(f64, String)>,
}

/// A scalar is a vector of one element without labels.
pub(crate) fn read(text: &str) -> Result<Vector, String> {
    let answer: Answer =
        serde_json::from_str(text).map_err(|_| "what answers is not Prometheus".to_owned())?;
    if let Some(error) = answer.error {
        return Err(error);
    }
    let Some(data) = answer.data else { return Err("it answers without data".to_owned()) };
    let wrong = |it: serde_json::Error| format!("its answer does not read: {it}");
    let elements: Vec<Element> = match data.result_type.as_str() {
        "vector" => serde_json::from_value(data.result).map_err(wrong)?,
        "scalar" => {
            let value = serde_json::from_value(data.result).map_err(wrong)?;
            vec![Element { metric: serde_json::Map::new(), value: Some(value) }]
        }
        other => return Err(format!("the query gives a {other}, and numbers of one moment are wanted")),
    };
    let mut vector = Vector::default();
    for element in elements {
        // Native histograms have no single value.
        let Some((at, value)) = element.value else { continue };
        vector.at = Some(at);
        vector.samples.push(sample(element.metric, &value)?);
    }
    Ok(vector)
}

fn sample(
    labels: serde_json::Map<String, serde_json::Value>,
    value: &str,
) -> Result<Sample<'static>, String> {
    let mut sample = Sample {
        name: Cow::Borrowed(""),
        labels: Vec::new(),
        value: value.parse().map_err(|_| format!("`{value}` is no number"))?,
    };
    for (name, text) in labels {
        let text = text.as_str().unwrap_or_default().to_owned();
        if name == "__name__" {
            sample.name = Cow::Owned(text);
        } else {
            sample.labels.push((Cow::Owned(name), Cow::Owned(text)));
        }
    }
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_and_scalars_are_read_and_errors_told() {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"up","pod":"web-1"},"value":[1435781451.781,"1"]},
            {"metric":{"le":"+Inf"},"value":[1435781451.781,"NaN"]}]}}"#;
        let vector = read(vector).unwrap();
        assert_eq!(vector.at, Some(1_435_781_451.781));
        assert_eq!((vector.samples[0].name.as_ref(), vector.samples[0].label("pod")), ("up", Some("web-1")));
        assert!(vector.samples[1].value.is_nan() && vector.samples[1].name.is_empty());

        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1.5,"+Inf"]}}"#;
        assert!(read(scalar).unwrap().samples[0].value.is_infinite());
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;
        assert_eq!(
            read(matrix).unwrap_err(),
            "the query gives a matrix, and numbers of one moment are wanted"
        );
        let error = r#"{"status":"error","errorType":"bad_data","error":"parse error: unclosed"}"#;
        assert_eq!(read(error).unwrap_err(), "parse error: unclosed");
        assert_eq!(read("<html>").unwrap_err(), "what answers is not Prometheus");
        assert_eq!(
            read(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
            Ok(Vector::default())
        );
    }
}
