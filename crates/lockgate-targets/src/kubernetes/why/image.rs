//! Images that cannot be pulled: which one, what the registry said, and what mends it.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::seen::{Seen, waits};
use super::{Finding, RESTARTING, Times, after, hopeless, name, waiting, within};
use crate::Class;

pub(super) fn finding(
    seen: &Seen,
    pod: &Pod,
    image: &str,
    status: &ContainerStatus,
    times: &Times,
) -> Finding {
    let (reason, message) = waits(status)?;
    let pod_name = name(pod);
    match reason {
        "InvalidImageName" => {
            let text = format!("pod {pod_name}: `{image}` is no name of an image: {}", words(message));
            Some(hopeless(Class::Fatal, text, "correct the service's `image`"))
        }
        "ErrImageNeverPull" => {
            let text =
                format!("pod {pod_name}: image {image} is not on the node, and its policy is to never pull");
            Some(hopeless(Class::Fatal, text, "load the image into every node, or set `imagePullPolicy`"))
        }
        "ErrImagePull" | "ImagePullBackOff" => Some(not_pulled(seen, pod, image, message, times)),
        _ => None,
    }
}

fn not_pulled(seen: &Seen, pod: &Pod, image: &str, message: &str, times: &Times) -> super::Verdict {
    let pod_name = name(pod);
    let said = if words(message).is_empty() { of_events(seen, pod_name) } else { words(message) };
    if said.is_empty() {
        return waiting(format!("pod {pod_name}: pulling {image} failed once"));
    }
    let said = said.strip_prefix(image).map_or(said, |it| it.trim_start_matches(": "));
    let text = format!("pod {pod_name}: cannot pull {image}: {said}");
    match Kind::of(said) {
        Kind::Absent => {
            let hint = "check the name and the version; `lockgate build` builds and pushes what is missing";
            hopeless(Class::Fatal, text, hint)
        }
        Kind::Denied => hopeless(Class::Fatal, text, right(seen, pod)),
        Kind::Platform => {
            let hint =
                "build the image for the platform of the nodes: `kubectl get nodes -L kubernetes.io/arch`";
            hopeless(Class::Fatal, text, hint)
        }
        Kind::Untrusted => {
            let hint = "the nodes' container runtime must trust the registry's certificate, or be told that it speaks plain HTTP";
            hopeless(Class::Fatal, text, hint)
        }
        Kind::Busy => {
            let hint = "the registry limits how much is pulled: wait, or pull with an account";
            after(RESTARTING, times, hopeless(Class::Transient, text, hint))
        }
        Kind::Full => {
            let hint = "the node's disk is full: `kubectl describe nodes | grep -A8 Conditions`";
            after(RESTARTING, times, hopeless(Class::Transient, text, hint))
        }
        Kind::Other => {
            let hint =
                format!("the node must reach the registry: `kubectl {}describe pod {pod_name}`", within(pod));
            after(RESTARTING, times, hopeless(Class::Transient, text, hint))
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Absent,
    Denied,
    Platform,
    Untrusted,
    Busy,
    Full,
    Other,
}

impl Kind {
    /// By the words of containerd, CRI-O and registries; in this order, since denials speak of absence too.
    fn of(said: &str) -> Kind {
        const WORDS: [(Kind, &[&str]); 6] = [
            (Kind::Busy, &["toomanyrequests", "429 too many"]),
            (Kind::Full, &["no space left"]),
            (
                Kind::Platform,
                &["no match for platform", "no matching manifest", "no image found in image index"],
            ),
            (
                Kind::Denied,
                &[
                    "unauthorized",
                    "401",
                    "403",
                    "forbidden",
                    "denied",
                    "authentication required",
                    "no basic auth",
                ],
            ),
            (Kind::Untrusted, &["x509", "server gave http response to https client", "certificate"]),
            (Kind::Absent, &["not found", "manifest unknown", "name unknown", "404"]),
        ];
        let said = said.to_lowercase();
        // Names of hosts that are not found are no images that are not found.
        if said.contains("no such host") || said.contains("dial tcp") {
            return Kind::Other;
        }
        let known = WORDS.iter().find(|(_, words)| words.iter().any(|it| said.contains(it)));
        known.map_or(Kind::Other, |it| it.0)
    }
}

fn right(seen: &Seen, pod: &Pod) -> String {
    let (pod_name, within) = (name(pod), within(pod));
    let secrets = pod.spec.as_ref().and_then(|it| it.image_pull_secrets.as_deref()).unwrap_or_default();
    let secrets: Vec<&str> = secrets.iter().map(|it| it.name.as_str()).collect();
    if seen.event(pod_name, &["FailedToRetrieveImagePullSecret"]).is_some() {
        let first = secrets.first().copied().unwrap_or("NAME");
        return format!(
            "the pull secret is not there: `kubectl {within}create secret docker-registry {first} --docker-server=...`"
        );
    }
    if secrets.is_empty() {
        return format!(
            "the registry wants a login and the pods have no pull secret: `kubectl {within}create secret docker-registry NAME --docker-server=...`, and name it in the spec"
        );
    }
    format!(
        "the login in the pull secret `{}` may not read this image: renew it, or give it the right",
        secrets.join("`, `")
    )
}

fn of_events<'s>(seen: &'s Seen, pod: &str) -> &'s str {
    let failed = seen.event(pod, &["Failed"]).and_then(|it| it.message.as_deref());
    failed.filter(|it| it.contains("pull image")).map_or("", words)
}

/// What the registry or the network said, without the layers of the runtime that passed it on.
fn words(message: &str) -> &str {
    const LAYERS: [&str; 6] = [
        "couldn't parse image name",
        "Back-off pulling image",
        "Failed to pull image",
        "failed to pull and unpack image",
        "failed to resolve reference",
        "failed to do request: Head",
    ];
    let mut rest = message;
    for layer in LAYERS {
        let Some(at) = rest.find(layer) else { continue };
        rest = rest[at..].split_once("\": ").map_or("", |it| it.1);
    }
    rest.strip_prefix("ErrImagePull: ").unwrap_or(rest).trim()
}
