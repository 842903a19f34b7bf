//! Who counts requests, and under which names and labels: one entry of data for each program.

use lockgate_model::metrics::{CALL_DURATION_BUCKETS, CALLS, DURATION_BUCKETS, REQUESTS};

use super::families::Family;
use super::seen::Seen;
use super::whose::Whose;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) families: &'static [Family],
    pub(crate) whose: Whose,
    /// Where a gateway shows it. Those beside pods are asked by Prometheus alone.
    pub(crate) page: Option<Page>,
}

/// The pods of a gateway, and the path of their metrics.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) selector: &'static str,
    pub(crate) path: &'static str,
}

impl Preset {
    /// To be read after "from".
    pub(crate) fn told(&self) -> String {
        match self.whose {
            Whose::Pod => self.name.to_owned(),
            Whose::Workload | Whose::Backend | Whose::Canary | Whose::Endpoint => {
                format!("the counters of {}", self.name)
            }
        }
    }

    /// Whether it could tell the slots apart: a gateway knows Services, and one Service may lead to both.
    pub(crate) fn can_tell(&self, seen: &Seen<'_>) -> bool {
        self.whose.knows_pods() || !seen.backends.is_empty()
    }
}

/// What the service itself shows; docs/reference/metrics.md asks for these names.
pub(crate) const OWN: Preset = Preset {
    name: "its own metrics",
    families: &[
        Family { requests: REQUESTS, errors: None, buckets: Some(DURATION_BUCKETS) },
        Family { requests: CALLS, errors: None, buckets: Some(CALL_DURATION_BUCKETS) },
    ],
    whose: Whose::Pod,
    page: None,
};

pub(crate) const ISTIO: Preset = Preset {
    name: "Istio",
    families: &[Family {
        requests: "istio_requests_total",
        errors: None,
        buckets: Some("istio_request_duration_milliseconds_bucket"),
    }],
    whose: Whose::Workload,
    page: None,
};

/// Counts by Service unless `addServicesLabels` is off.
pub(crate) const TRAEFIK: Preset = Preset {
    name: "Traefik",
    families: &[Family {
        requests: "traefik_service_requests_total",
        errors: None,
        buckets: Some("traefik_service_request_duration_seconds_bucket"),
    }],
    whose: Whose::Backend,
    page: Some(Page { selector: "app.kubernetes.io/name=traefik", path: "/metrics" }),
};

pub(crate) const INGRESS_NGINX: Preset = Preset {
    name: "ingress-nginx",
    families: &[Family {
        requests: "nginx_ingress_controller_requests",
        errors: None,
        buckets: Some("nginx_ingress_controller_header_duration_seconds_bucket"),
    }],
    whose: Whose::Canary,
    page: Some(Page { selector: "app.kubernetes.io/name=ingress-nginx", path: "/metrics" }),
};

/// One cluster of Envoy has both versions, so that only the counters of its endpoints tell them apart:
/// `telemetry.metrics.enablePerEndpointStats` of `EnvoyProxy`.
pub(crate) const ENVOY_GATEWAY: Preset = Preset {
    name: "Envoy Gateway",
    families: &[Family {
        requests: "envoy_cluster_endpoint_rq_total",
        errors: Some("envoy_cluster_endpoint_rq_error"),
        buckets: None,
    }],
    whose: Whose::Endpoint,
    page: Some(Page {
        selector: "app.kubernetes.io/managed-by=envoy-gateway,app.kubernetes.io/component=proxy",
        path: "/stats/prometheus",
    }),
};

/// Who stands between users and a service, in the order in which they are looked for: those that see more first.
pub(crate) const GATEWAYS: [&Preset; 4] = [&ISTIO, &TRAEFIK, &INGRESS_NGINX, &ENVOY_GATEWAY];
