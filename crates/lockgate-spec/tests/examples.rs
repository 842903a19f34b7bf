//! The specs in `examples/` are without mistakes.

use lockgate_diagnostics::{Source, render};
use lockgate_model::SourceId;
use lockgate_spec::Spec;

#[test]
fn every_example_of_the_project_is_clean_and_formatted() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path().join("lockgate.yaml");
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let text = String::from_utf8(bytes).unwrap();
        let name = path.display().to_string();
        let diagnostics = Spec::parse(&name, &text).0.check();
        let source = Source { name: name.clone(), text: text.clone() };
        let shown = render::human(&[source], &diagnostics, render::Style { color: false, width: 120 });
        assert!(diagnostics.is_empty(), "\n{shown}");
        let formatted = lockgate_spec::format(SourceId::default(), &text).ok();
        assert!(formatted.as_ref() == Some(&text), "`lockgate fmt` would change {name}");
        seen += 1;
    }
    assert!(0 < seen, "there is no example in {folder}");
}
