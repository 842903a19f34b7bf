//! Texts that are odd as texts, whatever they say.

use super::{HEAD, TAIL, accepted, check, line, root, service, tells};

#[test]
fn nothing_is_told_to_be_nothing() {
    for text in ["", "\n\n", "# only a comment\n", "\u{feff}", "---\n", "---\n...\n", "~", "%YAML 1.2\n---\n"]
    {
        let all = check(text);
        assert_eq!(all.iter().map(|it| it.code.0).collect::<Vec<_>>(), [2], "{text:?}");
    }
}

#[test]
fn marks_line_ends_and_directives_change_nothing() {
    let plain = root("replicas: x").replace("replicas: x\n", "");
    let wanted = accepted(&plain);
    for text in [
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\r\n"),
        format!("{plain}..."),
        format!("---\n{plain}"),
        format!("%YAML 1.1\n---\n{plain}"),
        plain.trim_end().to_owned(),
        format!("{plain}\n\n\n# end"),
    ] {
        assert_eq!(accepted(&text), wanted, "{text:?}");
    }
}

#[test]
fn places_are_right_behind_a_mark_and_windows_line_ends() {
    let text = format!("\u{feff}{HEAD}services: {{web: {{command: [./web], replica: 2}}}}\n{TAIL}")
        .replace('\n', "\r\n");
    let all = check(&text);
    let span = all[0].labels[0].span;
    assert_eq!(&text[span.start..span.end], "replica");
}

#[test]
fn characters_that_no_text_has_are_named() {
    for (character, name) in
        [('\0', "U+0000"), ('\u{1b}', "U+001B"), ('\u{7f}', "U+007F"), ('\u{9b}', "U+009B")]
    {
        tells(&format!("{HEAD}# {character}\n{TAIL}"), "LG001", name);
    }
    tells(&format!("{HEAD}# a\u{feff}b\n{TAIL}"), "LG001", "U+FEFF");
}

#[test]
fn a_nul_that_an_escape_makes_is_as_bad() {
    for keys in [
        "env: {A: \"a\\0b\"}",
        "env: {A: \"\\x00\"}",
        "files: \"a\\0\"",
        "command: [\"./web\", \"a\\u0000\"]",
    ] {
        tells(&service(keys), "LG013", "U+0000");
    }
    tells(&service("env: {\"A\\0\": x}"), "LG201", "cannot be the name of a variable");
    tells(&root("owner: \"a\\0\""), "LG013", "U+0000");
}

#[test]
fn one_file_is_one_document() {
    tells(&format!("{}---\n{}", root(""), root("")), "LG005", "the second document begins here");
    tells(&format!("{}---\n", root("")), "LG005", "the second document begins here");
}

#[test]
fn tabs_are_explained() {
    let text = format!("{HEAD}services:\n\tweb:\n\t\tcommand: [./web]\n{TAIL}");
    assert!(check(&text).iter().any(|it| line(it).contains("tab")), "{:#?}", check(&text));
    // Between words they are white space.
    accepted(&format!("{HEAD}services: {{web:\t{{command: [./web]}}}}\n{TAIL}"));
}
