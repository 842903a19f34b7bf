//! How a series says to which slot its requests went.

use std::fmt::Write as _;

use kube::ResourceExt as _;

use super::super::traffic::Backend;
use super::exposition::Sample;
use super::families::PATH;
use super::pods;
use super::seen::Seen;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// `pod` is the pod that counted them.
    Pod,
    /// The proxy beside each pod counts; `destination_workload` is the slot's Deployment.
    Workload,
    /// `service` names the Service, in the way of one of Traefik's providers.
    Backend,
    /// `service` is the Service of the Ingress; `canary` is not empty where the request went to the other one.
    Canary,
    /// `envoy_endpoint_address` is address and port of the pod.
    Endpoint,
}

/// The slot, by its place among those that were seen, and who of it answered where that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counter {
    pub(crate) slot: usize,
    /// A pod; otherwise the Service by which a gateway knows the slot.
    pub(crate) name: String,
}

impl Whose {
    /// Labels that say it. What Prometheus has a label of its own for is called `exported_`.
    pub(crate) fn labels(self) -> &'static [&'static str] {
        match self {
            Whose::Pod => &[],
            Whose::Workload => &["reporter", "destination_workload", "destination_workload_namespace"],
            Whose::Backend => &["service", "exported_service"],
            Whose::Canary => &["namespace", "exported_namespace", "service", "exported_service", "canary"],
            Whose::Endpoint => &["envoy_endpoint_address"],
        }
    }

    /// Whether single pods are counted.
    pub(crate) fn knows_pods(self) -> bool {
        match self {
            Whose::Pod | Whose::Workload | Whose::Endpoint => true,
            Whose::Backend | Whose::Canary => false,
        }
    }

    /// Label matchers that leave out no series of these slots; each is a selector of its own.
    pub(crate) fn matchers(self, seen: &Seen<'_>) -> Vec<String> {
        let namespace = quoted(seen.namespace);
        let deployments = || seen.slots.iter().map(|it| literal(&it.deployment()));
        match self {
            Whose::Pod => {
                let pods = any(deployments().map(|it| format!("{it}-[a-z0-9]+-[a-z0-9]+")));
                let ignored = quoted(&any(seen.ignored().iter().map(|it| literal(it))));
                let mut text = format!("namespace={namespace},pod=~{}", quoted(&pods));
                for label in PATH {
                    write!(text, ",{label}!~{ignored}").expect("a string takes every write");
                }
                vec![text]
            }
            Whose::Workload => {
                let workloads = quoted(&any(deployments()));
                vec![format!(
                    "reporter=\"destination\",destination_workload_namespace={namespace},destination_workload=~{workloads}"
                )]
            }
            Whose::Backend => {
                let names = any(seen.backends.iter().map(|it| literal(&it.service)));
                let value =
                    quoted(&format!("(.+-)?{}-(.+-)?({names})-.+@kubernetes.*", literal(seen.namespace)));
                ["service", "exported_service"].iter().map(|it| format!("{it}=~{value}")).collect()
            }
            Whose::Canary => {
                let service = quoted(seen.service.as_str());
                let labels = [("", ""), ("exported_", ""), ("exported_", "exported_")];
                let matchers = labels.iter().map(|(of_namespace, of_service)| {
                    format!("{of_namespace}namespace={namespace},{of_service}service={service}")
                });
                matchers.collect()
            }
            Whose::Endpoint => {
                let pods = seen.slots.iter().flat_map(|it| &it.pods);
                let addresses =
                    pods.filter_map(|it| pods::address(it)).map(|it| format!("{}:[0-9]+", literal(it)));
                vec![format!("envoy_endpoint_address=~{}", quoted(&any(addresses)))]
            }
        }
    }

    /// `None` of a series that is of none of these slots.
    pub(crate) fn of(self, sample: &Sample<'_>, seen: &Seen<'_>) -> Option<Counter> {
        let exported = |name: &str| sample.label(&format!("exported_{name}")).or_else(|| sample.label(name));
        let by_slot = |slot: usize, name: &str| Counter { slot, name: name.to_owned() };
        let of_backend = |backend: &Backend| {
            let slot = seen.slots.iter().position(|it| it.slot.release == backend.release)?;
            Some(by_slot(slot, &backend.service))
        };
        match self {
            Whose::Pod => of_pod(seen, |it| Some(it.name_any().as_str()) == sample.label("pod")),
            Whose::Workload => {
                let is_here = sample.label("destination_workload_namespace") == Some(seen.namespace)
                    && sample.label("reporter") == Some("destination");
                let workload = sample.label("destination_workload").filter(|_| is_here)?;
                let slot = seen.slots.iter().position(|it| it.deployment() == workload)?;
                let pod = sample.label("pod").or_else(|| sample.label("instance"));
                Some(by_slot(slot, pod.unwrap_or(workload)))
            }
            Whose::Backend => {
                let value = exported("service")?;
                of_backend(seen.backends.iter().find(|it| is_backend(value, seen, it))?)
            }
            Whose::Canary => {
                let is_here = exported("namespace") == Some(seen.namespace)
                    && exported("service") == Some(seen.service.as_str());
                let is_canary = sample.label("canary").is_some_and(|it| !it.is_empty() && it != "-");
                of_backend(seen.backends.iter().find(|it| is_here && it.is_canary == is_canary)?)
            }
            Whose::Endpoint => {
                let (address, _) = sample.label("envoy_endpoint_address")?.rsplit_once(':')?;
                of_pod(seen, |it| pods::address(it) == Some(address))
            }
        }
    }
}

fn of_pod(seen: &Seen<'_>, is_it: impl Fn(&k8s_openapi::api::core::v1::Pod) -> bool) -> Option<Counter> {
    seen.slots.iter().enumerate().find_map(|(slot, it)| {
        let pod = it.pods.iter().find(|it| is_it(it))?;
        Some(Counter { slot, name: pod.name_any() })
    })
}

/// Names of a Service as Traefik's providers for the Gateway API, Ingresses, its own objects and the Ingresses of
/// ingress-nginx make them; the first has changed with 3.7.
fn is_backend(value: &str, seen: &Seen<'_>, backend: &Backend) -> bool {
    let Some((name, provider)) = value.rsplit_once('@') else { return false };
    let Backend { service, ports, ingresses, is_canary, .. } = backend;
    let namespace = seen.namespace;
    let is_numbered = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let of_gateway = || {
        let (before, number) = name.rsplit_once('-')?;
        (is_numbered(number) && before.ends_with(&format!("-svc-{namespace}-{service}"))).then_some(())
    };
    let by_port = || {
        let rest = name.strip_prefix(&format!("{namespace}-{service}-"))?;
        let port = ["http-", "https-", "h2c-"].iter().find_map(|it| rest.strip_prefix(it)).unwrap_or(rest);
        ports.iter().any(|it| it == port || it == rest).then_some(())
    };
    let of_ingress = || {
        let name = if *is_canary { name.strip_suffix("-canary")? } else { name };
        let is_it = |ingress: &String| {
            let rest = name.strip_prefix(&format!("{namespace}-{ingress}-{}-", seen.service));
            rest.is_some_and(|rest| ports.iter().any(|it| it == rest))
        };
        ingresses.iter().any(is_it).then_some(())
    };
    match provider {
        "kubernetesgateway" => of_gateway().or_else(by_port).is_some(),
        "kubernetesingressnginx" => of_ingress().is_some(),
        "kubernetes" | "kubernetescrd" => by_port().is_some(),
        _ => false,
    }
}

fn any(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join("|")
}

/// A regular expression that is the text itself.
fn literal(text: &str) -> String {
    let mut written = String::new();
    for char in text.chars() {
        if char.is_ascii_punctuation() && !matches!(char, '-' | '_' | '/') {
            written.push('\\');
        }
        written.push(char);
    }
    written
}

/// A string of `PromQL`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
