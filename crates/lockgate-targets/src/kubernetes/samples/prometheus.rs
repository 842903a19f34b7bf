//! Where Prometheus is, and how it is asked: through the API server, which reaches its Service.

use std::fmt;
use std::time::Duration;

use hyper::Request;
use k8s_openapi::api::core::v1::Service;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use lockgate_model::with_causes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::Cluster;
use super::super::client::Once;
use super::answer::{self, Vector};

/// A look is over within five seconds, and Prometheus is asked twice in it.
const WITHIN: Duration = Duration::from_secs(2);
/// Servers that are asked whether they know a service's pods.
const SERVERS_MAX: usize = 4;
/// Names of the port that queries go to, in the charts and operators that install Prometheus.
const PORTS: [&str; 5] = ["http-web", "web", "http", "server", "prometheus"];
const PORT: i32 = 9090;
/// Parts of names that other programs have which go with Prometheus.
const OTHERS: [&str; 7] =
    ["exporter", "operator", "alertmanager", "pushgateway", "adapter", "state-metrics", "grafana"];

/// A Service of the cluster behind which Prometheus answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Server {
    namespace: String,
    service: String,
    port: i32,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prometheus {}/{}:{}", self.namespace, self.service, self.port)
    }
}

impl Server {
    /// As it is written in the spec: `http://prometheus.monitoring:9090`, by any of its names in the cluster.
    pub(crate) fn named(address: &str, namespace: &str) -> Option<Server> {
        let rest = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
        let (host, port) = rest.split_once(':').unwrap_or((rest, "9090"));
        let mut parts = host.split('.');
        let service = parts.next()?.to_owned();
        let namespace = parts.next().unwrap_or(namespace).to_owned();
        // Beyond those a name is none of the cluster's.
        let is_of_cluster = parts.next().is_none_or(|it| it == "svc");
        is_of_cluster.then_some(Server { namespace, service, port: port.parse().ok()? })
    }

    /// The newest values at a moment, by the clock of Prometheus; now unless it is said.
    pub(crate) async fn query(
        &self,
        cluster: &Cluster,
        query: &str,
        at: Option<f64>,
    ) -> Result<Vector, String> {
        let Server { namespace, service, port } = self;
        let encoded = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let time = at.map(|it| format!("&time={it:.3}")).unwrap_or_default();
        let place = format!(
            "/api/v1/namespaces/{namespace}/services/http:{service}:{port}/proxy/api/v1/query?query={encoded}{time}"
        );
        let mut request = Request::get(place).body(Vec::new()).map_err(|it| it.to_string())?;
        request.extensions_mut().insert(Once);
        let answer = tokio::time::timeout(WITHIN, cluster.client.request_text(request)).await;
        let answer = answer.map_err(|_| format!("no answer within {} seconds", WITHIN.as_secs()))?;
        match answer {
            Ok(text) => answer::read(&text),
            // A query that is wrong is told by Prometheus, in its own form.
            Err(kube::Error::Api(status)) => Err(answer::read(&status.message)
                .err()
                .filter(|_| status.message.starts_with('{'))
                .unwrap_or_else(|| status.message.clone())),
            Err(error) => Err(with_causes(&error)),
        }
    }
}

/// The servers that are in the cluster, those nearest first. None where this account may not look for them.
pub(crate) async fn servers(cluster: &Cluster) -> Vec<Server> {
    if let Some(address) = &cluster.prometheus {
        return Server::named(address, &cluster.namespace).into_iter().collect();
    }
    let list = async |api: Api<Service>| api.list(&ListParams::default()).await.map(|it| it.items);
    let services = match list(Api::all(cluster.client.clone())).await {
        Ok(services) => services,
        Err(_) => list(cluster.api()).await.unwrap_or_default(),
    };
    chosen(&services, &cluster.namespace)
}

/// Why the address that the environment says is not asked.
pub(crate) fn unusable(cluster: &Cluster, servers: &[Server]) -> Option<String> {
    let address = cluster.prometheus.as_ref().filter(|_| servers.is_empty())?;
    Some(format!(
        "Prometheus at {address} is not asked: it is reached through the API server, by the name of its Service as in \
         http://prometheus.monitoring:9090"
    ))
}

fn chosen(services: &[Service], namespace: &str) -> Vec<Server> {
    let mut servers: Vec<(u8, Server)> = services
        .iter()
        .filter(|it| is_prometheus(it))
        .filter_map(|it| {
            let server = Server { namespace: it.namespace()?, service: it.name_any(), port: port(it)? };
            // The Service of an operator has no address, and stands beside another one.
            let is_headless = it.spec.as_ref()?.cluster_ip.as_deref() == Some("None");
            let rank = u8::from(server.namespace != namespace) * 2 + u8::from(is_headless);
            Some((rank, server))
        })
        .collect();
    servers.sort();
    servers.into_iter().map(|it| it.1).take(SERVERS_MAX).collect()
}

fn is_prometheus(service: &Service) -> bool {
    let name = service.name_any();
    let is_named = name == "prometheus"
        || name.starts_with("prometheus-")
        || name.ends_with("-prometheus")
        || name.ends_with("-prometheus-server");
    let labelled = service.labels().get("app.kubernetes.io/name").map(String::as_str) == Some("prometheus");
    (is_named || labelled) && !OTHERS.iter().any(|it| name.contains(it))
}

fn port(service: &Service) -> Option<i32> {
    let ports = service.spec.as_ref()?.ports.as_ref()?;
    let named = ports.iter().find(|it| it.name.as_deref().is_some_and(|it| PORTS.contains(&it)));
    let found = named.or_else(|| ports.iter().find(|it| it.port == PORT)).or_else(|| match &ports[..] {
        [only] => Some(only),
        _ => None,
    });
    found.map(|it| it.port)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn service(namespace: &str, name: &str, labels: &Value, ip: &str, ports: &Value) -> Service {
        let object = json!({
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"clusterIP": ip, "ports": ports},
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn servers_are_found_by_the_names_that_charts_give_them() {
        let none = json!({});
        let web = json!([{"name": "http-web", "port": 9090}, {"name": "reloader-web", "port": 8080}]);
        let http = json!([{"name": "http", "port": 80}]);
        let services = [
            service(
                "monitoring",
                "prometheus-operated",
                &json!({"operated-prometheus": "true"}),
                "None",
                &json!([{"name": "http-web", "port": 9090}]),
            ),
            service("monitoring", "kps-kube-prometheus-stack-prometheus", &none, "10.0.0.1", &web),
            service(
                "metrics",
                "prometheus-server",
                &json!({"app.kubernetes.io/name": "prometheus"}),
                "10.0.0.2",
                &http,
            ),
            service("shop", "prometheus", &none, "10.0.0.3", &json!([{"port": 9090}])),
            service("monitoring", "prometheus-node-exporter", &none, "10.0.0.4", &json!([{"port": 9100}])),
            service("monitoring", "prometheus-operator", &none, "10.0.0.4", &json!([{"port": 8080}])),
            service("monitoring", "kps-alertmanager", &none, "10.0.0.4", &json!([{"port": 9093}])),
        ];
        let found: Vec<String> = chosen(&services, "shop").iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "Prometheus shop/prometheus:9090",
                "Prometheus metrics/prometheus-server:80",
                "Prometheus monitoring/kps-kube-prometheus-stack-prometheus:9090",
                "Prometheus monitoring/prometheus-operated:9090",
            ]
        );
    }

    #[test]
    fn a_server_is_named_as_pods_name_it() {
        let named = |it: &str| Server::named(it, "shop").map(|it| it.to_string());
        let known = Some("Prometheus monitoring/prom:9090".to_owned());
        assert_eq!(named("http://prom.monitoring:9090/"), known);
        assert_eq!(named("http://prom.monitoring.svc.cluster.local"), known);
        assert_eq!(named("http://prom:80"), Some("Prometheus shop/prom:80".to_owned()));
        assert_eq!(named("https://prometheus.example.com"), None);
        assert_eq!(named("http://prometheus.example.com:9090"), None);
    }
}
