//! Claims of volumes that outlive the instances of a service.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use lockgate_model::VolumeAccess;

use super::part::Part;
use super::{Objects, meta, pod};
use crate::facts::ServiceFact;

/// Of a volume of which the spec says none.
const SIZE: &str = "1Gi";

pub(super) fn add(objects: &mut Objects<'_, '_, '_>, fact: &ServiceFact<'_>) {
    let part = Part::Service(fact.name.clone());
    for (name, volume) in &fact.service.volumes {
        let mode = match volume.access {
            VolumeAccess::Single => "ReadWriteOnce",
            VolumeAccess::Shared => "ReadWriteMany",
            VolumeAccess::Scratch => continue,
        };
        let claim = PersistentVolumeClaim {
            metadata: meta::meta(objects.environment, &part, &pod::claim_name(fact, name)),
            spec: Some(claim(mode, volume.size.as_deref(), volume.class.as_deref())),
            ..PersistentVolumeClaim::default()
        };
        objects.add(&part, &claim);
    }
}

pub(super) fn claim(mode: &str, size: Option<&str>, class: Option<&str>) -> PersistentVolumeClaimSpec {
    let requests = BTreeMap::from([("storage".to_owned(), Quantity(size.unwrap_or(SIZE).to_owned()))]);
    PersistentVolumeClaimSpec {
        access_modes: Some(vec![mode.to_owned()]),
        resources: Some(VolumeResourceRequirements {
            requests: Some(requests),
            ..VolumeResourceRequirements::default()
        }),
        storage_class_name: class.map(str::to_owned),
        ..PersistentVolumeClaimSpec::default()
    }
}
