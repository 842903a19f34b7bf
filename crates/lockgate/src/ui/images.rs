//! Which image each service of a plan runs, and which one it runs instead.

use std::collections::BTreeMap;

use lockgate_engine::Plan;
use lockgate_model::{Digest, ServiceName, SlotSpec};
use serde::Serialize;

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ImageChange {
    /// `None` where no version served before.
    pub from: Option<String>,
    pub to: String,
}

/// Of the services with a new slot; none where no images run.
pub fn changes(plan: &Plan) -> BTreeMap<ServiceName, ImageChange> {
    let new = plan.slots.values().filter(|it| it.slot.release == plan.release);
    let changes = new.filter_map(|new| {
        let service = &new.slot.service;
        let old = plan.slots.values().find(|it| it.slot.service == *service && it.slot != new.slot);
        let change = ImageChange { from: old.and_then(image).map(str::to_owned), to: image(new)?.to_owned() };
        Some((service.clone(), change))
    });
    changes.collect()
}

/// `ghcr.io/shop/web 0123456789ab → ba9876543210`
pub fn line(change: &ImageChange) -> String {
    let (repository, to) = parts(&change.to);
    match change.from.as_deref().map(parts) {
        None => format!("{repository} {to}"),
        Some((_, from)) if from == to => format!("{repository} {to}, as before"),
        Some((before, from)) if before == repository => format!("{repository} {from} → {to}"),
        Some((before, from)) => format!("{before} {from} → {repository} {to}"),
    }
}

/// What it is called, and the beginning of its digest; of one without a name, such as `sha256:...`, that alone.
fn parts(image: &str) -> (&str, String) {
    let (name, digest) = image.rsplit_once('@').unwrap_or(("", image));
    match Digest::try_from(digest.to_owned()) {
        Ok(digest) => (if name.is_empty() { "image" } else { name }, digest.short()),
        Err(_) => (image, String::new()),
    }
}

fn image(slot: &SlotSpec) -> Option<&str> {
    slot.form.image(&slot.slot.service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_told_by_its_name_and_the_beginning_of_its_digest() {
        let at = |name: &str, byte: &str| format!("{name}sha256:{}", byte.repeat(32));
        let line = |from: Option<&str>, to: &str| {
            line(&ImageChange { from: from.map(str::to_owned), to: to.to_owned() })
        };
        let (old, new) = (at("ghcr.io/shop/web@", "1a"), at("ghcr.io/shop/web@", "2b"));
        assert_eq!(line(None, &new), "ghcr.io/shop/web 2b2b2b2b2b2b");
        assert_eq!(line(Some(&old), &new), "ghcr.io/shop/web 1a1a1a1a1a1a → 2b2b2b2b2b2b");
        assert_eq!(line(Some(&new), &new), "ghcr.io/shop/web 2b2b2b2b2b2b, as before");
        assert_eq!(line(Some(&at("web@", "1a")), &new), "web 1a1a1a1a1a1a → ghcr.io/shop/web 2b2b2b2b2b2b");
        assert_eq!(line(None, &at("", "2b")), "image 2b2b2b2b2b2b");
        assert_eq!(line(None, "web:1.2").trim_end(), "web:1.2");
    }
}
