//! A system of eleven services, resolved whole.

use lockgate_model::{EnvironmentName, Version};
use lockgate_spec::{Facts, Spec};

const NOVA: &str = include_str!("specs/nova.yaml");

#[test]
fn a_system_of_eleven_services_resolves() {
    let (spec, diagnostics) = Spec::parse("nova.yaml", NOVA);
    assert_eq!(diagnostics, []);
    assert_eq!(spec.check(), []);
    for environment in spec.environments() {
        let facts = Facts { version: Some(Version::new("v1.10.0").unwrap()), ..Facts::default() };
        let (system, diagnostics) = spec.resolve(&environment, &facts);
        assert_eq!(diagnostics, []);
        insta::assert_json_snapshot!(format!("nova_{environment}"), system.unwrap());
    }
}

#[test]
fn without_a_release_the_version_stays_a_reference() {
    let (spec, _) = Spec::parse("nova.yaml", NOVA);
    let (system, _) = spec.resolve(&EnvironmentName::new("dev").unwrap(), &Facts::default());
    assert_eq!(system.unwrap().services["cdn-service"].env["RELEASE"], "${release.version}");
}
