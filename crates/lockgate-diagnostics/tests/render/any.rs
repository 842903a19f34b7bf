//! Whatever the text, the places and the width: every form comes out, and none of it moves the cursor.

use lockgate_diagnostics::render::{self, Run, Style};
use lockgate_diagnostics::{Source, codes};
use lockgate_model::{Diagnostic, Edit, Fix, SourceId, Span};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z: {}#]{0,8}",
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\t".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("日本語".to_owned()),
        Just("👩‍🚀".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("\u{1b}[31m".to_owned()),
        Just("long ".repeat(40)),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|it| it.concat())
}

fn span() -> impl Strategy<Value = Span> {
    (0..3_u16, 0..120_usize, 0..120_usize).prop_map(|(source, start, end)| Span {
        source: SourceId(source),
        start,
        end,
    })
}

fn diagnostic() -> impl Strategy<Value = Diagnostic> {
    let labels = proptest::collection::vec((span(), text()), 0..4);
    let edits = proptest::collection::vec((span(), text()), 0..3);
    let help = proptest::collection::vec(text(), 0..2);
    (text(), labels, help, proptest::option::of((text(), edits, any::<bool>()))).prop_map(
        |(message, labels, help, fix)| {
            let mut it = Diagnostic::warning(codes::BAD_VALUE, message);
            for (span, text) in labels {
                it = it.label(span, text);
            }
            it.help = help;
            it.fix = fix.map(|(title, edits, safe)| {
                let edits = edits.into_iter().map(|(span, text)| Edit { span, text }).collect();
                Fix { title, edits, safe }
            });
            it
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn every_form_of_everything_comes_out(
        texts in proptest::collection::vec(text(), 0..3),
        diagnostics in proptest::collection::vec(diagnostic(), 0..3),
        width in 0..160_usize,
    ) {
        let sources: Vec<Source> = texts.into_iter().enumerate().map(|(id, text)| Source { name: format!("{id}.yaml"), text }).collect();
        let human = render::human(&sources, &diagnostics, Style { color: false, width });
        let control = |it: char| it.is_control() && it != '\n';
        prop_assert!(!human.contains(control), "{human:?}");
        render::human(&sources, &diagnostics, Style { color: true, width });
        let github = render::github(&sources, &diagnostics);
        prop_assert_eq!(github.lines().count(), diagnostics.len());
        prop_assert!(!github.contains(control), "{github:?}");
        let json: serde_json::Value = serde_json::from_str(&render::json(&sources, &diagnostics)).unwrap();
        prop_assert_eq!(json["diagnostics"].as_array().unwrap().len(), diagnostics.len());
        let run = Run { version: "1.0.0", command: "check" };
        let sarif: serde_json::Value = serde_json::from_str(&render::sarif(&sources, &diagnostics, run)).unwrap();
        prop_assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), diagnostics.len());
    }
}
