//! Grafana: what is looked at each day, what is looked at during a release, and where Grafana finds both.

mod dashboard;
mod overview;
mod panel;
mod release;

use lockgate_model::Digest;
use lockgate_yaml::WriteStyle;
use serde::Serialize;

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::output::{File, Output};
use dashboard::Dashboard;

/// Folder of the container that dashboards are mounted in.
const DASHBOARDS: &str = "/var/lib/grafana/dashboards";
/// Of a hash, as part of an identifier; Grafana takes 40 characters at most.
const ID_DIGITS: usize = 16;

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    for environment in facts.wanting(Kind::Grafana) {
        let dashboards = [
            ("overview", overview::dashboard(environment, output)),
            ("release", release::dashboard(environment)),
        ];
        for (name, dashboard) in dashboards {
            if !dashboard.panels.is_empty() {
                write_dashboard(environment, name, &dashboard, output);
            }
        }
        provisioning(environment, output);
    }
}

/// The same for the same dashboard, whatever is changed in it.
fn uid(environment: &Environment<'_>, name: &str) -> String {
    let text = format!("{}/{}/{name}", environment.system.name, environment.name());
    format!("lockgate-{}", &Digest::of(text.as_bytes()).hex()[..ID_DIGITS])
}

fn write_dashboard(
    environment: &Environment<'_>,
    name: &str,
    dashboard: &Dashboard,
    output: &mut Output<'_>,
) {
    let mut value = serde_json::to_value(dashboard).expect("maps have keys of text");
    output.patch(environment, "Dashboard", name, &mut value);
    let text = serde_json::to_string_pretty(&value).expect("a value serialises") + "\n";
    let origin = ["services", "slo", "alerts", "monitoring"].map(str::to_owned).to_vec();
    file(environment, &format!("dashboards/{name}.json"), Comment::None, text, origin, output);
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sources {
    api_version: u32,
    datasources: [Source; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    name: &'static str,
    uid: String,
    #[serde(rename = "type")]
    kind: &'static str,
    access: &'static str,
    url: &'static str,
    is_default: bool,
    json_data: SourceData,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceData {
    http_method: &'static str,
    /// Between two readings: shorter steps would show gaps.
    time_interval: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Providers {
    api_version: u32,
    providers: [Provider; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    name: String,
    folder: String,
    #[serde(rename = "type")]
    kind: &'static str,
    allow_ui_updates: bool,
    options: ProviderOptions,
}

#[derive(Serialize)]
struct ProviderOptions {
    path: &'static str,
}

fn provisioning(environment: &Environment<'_>, output: &mut Output<'_>) {
    let system = environment.system;
    let sources = Sources {
        api_version: 1,
        datasources: [Source {
            name: "Prometheus",
            uid: uid(environment, "prometheus"),
            kind: "prometheus",
            access: "proxy",
            url: "http://prometheus:9090",
            is_default: true,
            json_data: SourceData {
                http_method: "POST",
                time_interval: system.monitoring.services_every.to_string(),
            },
        }],
    };
    let name = format!("{} {}", system.name, environment.name());
    let providers = Providers {
        api_version: 1,
        providers: [Provider {
            folder: name.clone(),
            name,
            kind: "file",
            allow_ui_updates: false,
            options: ProviderOptions { path: DASHBOARDS },
        }],
    };
    let sources = serde_json::to_value(sources).expect("maps have keys of text");
    let providers = serde_json::to_value(providers).expect("maps have keys of text");
    for (path, value) in [("datasources/prometheus.yml", sources), ("dashboards/lockgate.yml", providers)] {
        let style =
            WriteStyle { first: &["apiVersion", "name"], indent_lists: true, ..WriteStyle::default() };
        let text = lockgate_yaml::write(&value, &style);
        let origin = vec!["monitoring".to_owned()];
        file(environment, &format!("provisioning/{path}"), Comment::Hash, text, origin, output);
    }
}

fn file(
    environment: &Environment<'_>,
    path: &str,
    comment: Comment,
    text: String,
    origin: Vec<String>,
    output: &mut Output<'_>,
) {
    output.file(File {
        kind: Kind::Grafana,
        path: format!("deploy/grafana/{}/{path}", environment.name()),
        environment: Some(&environment.system.environment),
        comment,
        text,
        origin,
    });
}
