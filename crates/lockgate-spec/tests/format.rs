//! `lockgate fmt`: the same spec in the usual looks.

use lockgate_model::SourceId;
use lockgate_spec::{Unformatted, format};
use proptest::prelude::*;

const NOVA: &str = include_str!("../../../examples/nova/lockgate.yaml");
const FIRST: &str = include_str!("../../../examples/first-release/lockgate.yaml");

fn formatted(text: &str) -> String {
    format(SourceId::default(), text).unwrap_or_else(|it| panic!("{it:?}\n{text}"))
}

#[track_caller]
fn check(text: &str, wanted: &str) {
    assert_eq!(formatted(text), wanted, "{text}");
    assert_eq!(formatted(wanted), wanted, "once more");
}

#[test]
fn an_untidy_spec_becomes_a_tidy_one() {
    let untidy = "\u{feff}\n\n# The shop.\nsystem:   'shop'\nlockgate: v1  \n\n\n\nenvironments:\r\n      local: { target : local }\n\
                  # What is released.\nservices:\n   web: # the front\n         replicas: 2\n         # the only port\n         port: 8080\n\
                  \n         command: [ \"./web\",'--verbose' , \"1\", ]\n         env: {\n                A: \"b c\", # first\n\
                  \n                # second\n             D: 'e\"f' }\n\n\n                # that was web\n   api:\n       command:\n\
                  \x20      - ./api\n       -   \"-v\"\n       port:   8081   # beside it\n";
    insta::assert_snapshot!(formatted(untidy));
    check(&formatted(untidy), &formatted(untidy));
}

#[test]
fn indentation_is_two_columns_for_each_level() {
    check("a:\n    b:\n     c: d\n", "a:\n  b:\n    c: d\n");
    check("a:\n- b\n-   - c\n    - d\n", "a:\n  - b\n  - - c\n    - d\n");
    check("a:\n-   b: c\n    d:\n    - e\n", "a:\n  - b: c\n    d:\n      - e\n");
    check("a:\n   b\nc:\n      {d: e}\n", "a:\n  b\nc:\n  {d: e}\n");
    check("a: b\n       c\n\n       d\n", "a: b\n  c\n\n  d\n");
    check("a: \"b\n       c \\\n   d\"\n", "a: \"b\n  c \\\n  d\"\n");
    check("a:\n  -\n     b: c\n", "a:\n  -\n    b: c\n");
}

#[test]
fn braces_keep_their_lines() {
    check("a: {b:  c ,d: [e,f ,], }\n", "a: {b: c, d: [e, f]}\n");
    check("a: [\n b,\n      {c: d,\n  e: f},\n]\n", "a: [\n  b,\n  {c: d,\n    e: f},\n]\n");
    check("a:\n  b: [c,\n  d]\n", "a:\n  b: [c,\n    d]\n");
    check("a: {}\nb: [ ]\nc: { \"d\":e }\n", "a: {}\nb: []\nc: {d: e}\n");
}

#[test]
fn block_scalars_keep_every_blank_of_theirs() {
    check("a: |\n     b\n       c \n\n     d\n\n\ne: f\n", "a: |\n  b\n    c \n\n  d\n\ne: f\n");
    check("a: >-   # why\n b\n\n\n", "a: >-                                   # why\n  b\n");
    check("a:\n    b: |+\n        c\n\n\n    d: e\n", "a:\n  b: |+\n    c\n\n\n  d: e\n");
    check("a:\n    b: |2\n         c\n        d\n", "a:\n  b: |2\n       c\n      d\n");
    check("a:\n- |\n  b\n- c\n", "a:\n  - |\n    b\n  - c\n");
}

#[test]
fn comments_stay_with_what_they_are_about() {
    check("a: b # c\n", "a: b                                    # c\n");
    let long = "a: a value that is long, so that no comment fits in";
    check(&format!("{long} # c\n"), &format!("{long}    # c\n"));
    check(
        "a:\n    # of b\n    b: c\n    # of a\n# of d\nd: e\n",
        "a:\n  # of b\n  b: c\n  # of a\n# of d\nd: e\n",
    );
    check("a:\n# of b\n    b: c\n# end\n", "a:\n  # of b\n  b: c\n# end\n");
    check("# head\n\n# more\na: b\n\n\n# end", "# head\n\n# more\na: b\n\n# end\n");
    check(
        "a: [ # why\n  # b\n b\n # end\n ]\n",
        "a: [                                    # why\n  # b\n  b\n  # end\n]\n",
    );
}

#[test]
fn keys_of_the_spec_of_services_and_of_environments_have_an_order() {
    check("system: b\nlockgate: v1\nx-mine: 1\nowner: c\n", "lockgate: v1\nsystem: b\nowner: c\nx-mine: 1\n");
    check(
        "services:\n  web:\n    # how many\n    replicas: 2\n\n    # where\n    port: 80\n",
        "services:\n  web:\n    # where\n    port: 80\n\n    # how many\n    replicas: 2\n",
    );
    check(
        "# head\nsystem: b\n# version\nlockgate: v1\n# end\n",
        "# head\n# version\nlockgate: v1\nsystem: b\n# end\n",
    );
    // Nobody can tell what a comment between blank lines belongs to.
    let loose = "services:\n  web:\n    replicas: 2\n\n    # loose\n\n    port: 80\n";
    check(loose, loose);
    // Maps in braces and maps of names keep the order of their author.
    let own = "services:\n  web: {replicas: 2, port: 80}\n  api: {port: 81}\n";
    check(own, own);
}

#[test]
fn values_that_were_put_in_one_column_stay_in_one() {
    check("a:    b\nlong: c\nd:  e\n", "a:    b\nlong: c\nd: e\n");
    check("x:\n      a:    {b: c}\n      long: {d: e}\n", "x:\n  a:    {b: c}\n  long: {d: e}\n");
}

#[test]
fn quotes_stay_where_they_are_needed() {
    check(
        "a: 'b'\nc: \"1\"\nd: 'yes'\ne: \"< 1%\"\nf: 'it''s'\n\"g\": \"h\\n\"\n",
        "a: b\nc: \"1\"\nd: \"yes\"\ne: \"< 1%\"\nf: 'it''s'\ng: \"h\\n\"\n",
    );
}

#[test]
fn the_examples_change_in_the_order_of_keys_at_most() {
    for text in [NOVA, FIRST] {
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&formatted(text)), sorted(text));
    }
}

#[test]
fn what_cannot_be_read_is_refused() {
    for text in [
        "a: [b\n",
        "a: b\na: c\n",
        "a: &b c\n",
        "a: !t c\n",
        "",
        "a: b\n---\nc: d\n",
        "? a\n: b\n",
        "%YAML 1.2\n---\na: b\n",
    ] {
        let refused = format(SourceId::default(), text).unwrap_err();
        assert!(matches!(refused, Unformatted::Broken(it) if !it.is_empty()), "{text}");
    }
}

/// Text of a map, written by somebody with habits of their own: blanks, comments, styles, widths.
fn map(depth: u32) -> BoxedStrategy<String> {
    let key = prop_oneof![
        "[a-d]{1,3}",
        Just("services".to_owned()),
        Just("port".to_owned()),
        Just("replicas".to_owned()),
        Just("lockgate".to_owned()),
        Just("environments".to_owned()),
        Just("\"q\"".to_owned()),
        Just("日本".to_owned()),
    ];
    let entry = (above(), key, "|  ", " {1,3}", value(depth), behind()).prop_map(
        |(above, key, before, after, value, behind)| {
            let value = if value.starts_with('\n') { value } else { format!("{after}{value}") };
            let (first, rest) = value.split_once('\n').map_or((value.as_str(), None), |(a, b)| (a, Some(b)));
            let rest = rest.map(|it| format!("\n{it}")).unwrap_or_default();
            let before = if key.starts_with('"') { before.as_str() } else { "" };
            // Within a scalar that goes on below there is no place for a comment.
            let goes_on = !rest.is_empty() && !first.trim().is_empty() && !first.contains(['|', '>', '{']);
            let behind = if goes_on { "" } else { &behind };
            (key.clone(), format!("{above}{key}{before}:{first}{behind}{rest}\n"))
        },
    );
    let once = |entries: Vec<(String, String)>| {
        let mut keys = std::collections::BTreeSet::new();
        entries.into_iter().filter(|it| keys.insert(it.0.clone())).map(|it| it.1).collect::<String>()
    };
    proptest::collection::vec(entry, 1..5).prop_map(once).boxed()
}

fn above() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just(String::new()),
        1 => Just("\n".to_owned()),
        1 => Just("\n\n\n".to_owned()),
        1 => "# [a-z]{1,3}\n",
        1 => "# [a-z]{1,3}\n\n# [a-z]\n",
        1 => "      #[a-z]{1,3}\n",
    ]
}

fn behind() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => " {1,9}#[a-z ]{0,4}", 1 => " {1,3}"]
}

fn value(depth: u32) -> BoxedStrategy<String> {
    let scalar = prop_oneof![
        "[a-z]{1,4}",
        "\"[a-z ]{0,4}\"",
        "'[a-z ]{0,4}'",
        "[0-9]{1,3}",
        Just("\"yes\"".to_owned()),
        Just("a b".to_owned()),
        Just("\"x\\n\"".to_owned()),
        Just("'it''s'".to_owned()),
        Just("\"日本\"".to_owned()),
        Just(String::new()),
        Just("{}".to_owned()),
        Just("[]".to_owned()),
        Just("x y\n      z".to_owned()),
        Just("\"x\n\n     y\"".to_owned()),
        Just("|\n       x\n\n         y\n".to_owned()),
        Just(">-\n       x\n".to_owned()),
        Just("|+\n       x\n\n\n".to_owned()),
    ];
    if depth == 0 {
        return scalar.boxed();
    }
    let flow = proptest::collection::vec(value(0), 0..4).prop_map(|it| {
        let parts: Vec<String> =
            it.into_iter().filter(|it| !it.contains('\n') && !it.contains(": ")).collect();
        format!("[{}]", parts.join(" ,"))
    });
    let lines = ("#[a-z]{0,3}|", proptest::collection::vec("[a-z]{1,3}", 1..4))
        .prop_map(|(comment, it)| format!("{{ {comment}\n           {} }}", it.join(": x,\n        ")));
    let nested = (1..5_usize, map(depth - 1)).prop_map(|(by, it)| format!("\n{}", shifted(&it, by)));
    let list = (0..4_usize, 1..3_usize, proptest::collection::vec(map(depth - 1), 1..3)).prop_map(
        |(by, gap, it)| {
            let item = |it: &String| {
                let body = shifted(it, gap + 1);
                let at = body.find(|it| it != ' ').unwrap_or(0);
                if body[at..].starts_with('#') || body.starts_with('\n') {
                    format!("-\n{body}")
                } else {
                    format!("-{}{}", " ".repeat(gap), body.trim_start_matches(' '))
                }
            };
            format!("\n{}", shifted(&it.iter().map(item).collect::<String>(), by))
        },
    );
    prop_oneof![4 => scalar, 1 => flow, 1 => lines, 3 => nested, 2 => list].boxed()
}

fn shifted(text: &str, by: usize) -> String {
    let line = |it: &str| if it.is_empty() { "\n".to_owned() } else { format!("{}{it}\n", " ".repeat(by)) };
    text.lines().map(line).collect()
}

fn comments(text: &str) -> usize {
    text.lines().filter(|it| it.contains('#')).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_spec_says_the_same_when_formatted_and_is_not_changed_again(text in map(3), end in "\n{0,2}|\r\n", lines in any::<bool>()) {
        let text = format!("{text}{end}");
        let text = if lines { text.replace('\n', "\r\n") } else { text };
        match format(SourceId::default(), &text) {
            Ok(once) => {
                prop_assert_eq!(format(SourceId::default(), &once), Ok(once.clone()), "{}", text);
                prop_assert_eq!(comments(&once), comments(&text), "{}", text);
                let ends = once.ends_with('\n') && (!once.ends_with("\n\n") || text.contains("|+"));
                prop_assert!(ends && !once.contains('\r'), "{once:?}");
            }
            Err(Unformatted::Broken(_)) => {}
            Err(Unformatted::Bug) => prop_assert!(false, "{text}"),
        }
    }
}
