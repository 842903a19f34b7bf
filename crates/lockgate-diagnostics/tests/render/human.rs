//! What people see, in terminals of any width.

use lockgate_diagnostics::render::{self, Style};
use lockgate_diagnostics::{Source, codes};
use lockgate_model::{Diagnostic, Edit, Fix, SourceId, Span};

use crate::{source, span};

const WIDTHS: [usize; 4] = [40, 60, 80, 120];

fn sources() -> [Source; 2] {
    let long = "services:\n  web: {port: 8080, command: [./web, --with, many, --arguments, and, more, of, them], \
                env: {A: b}, helth: /up, replicas: 3, stop: {drain: 10s, grace: 20s}, depends_on: [a, b, c]}\n";
    let strange =
        "\u{feff}services:\r\n\tapi: {port: 8080, helth: 日本語}\r\n  🚀rocket: {port: 1, \u{1b}[31m: 1}\r\n";
    [source("lockgate.yaml", long), source("more/services.yaml", strange)]
}

fn edit(sources: &[Source], id: u16, word: &str, text: &str) -> Edit {
    Edit { span: span(sources, id, word), text: text.to_owned() }
}

fn misspelt(sources: &[Source]) -> Diagnostic {
    let edits = vec![edit(sources, 0, "helth", "health")];
    Diagnostic::error(codes::UNKNOWN_KEY, "`helth` is not a key of a service")
        .label(span(sources, 0, "helth"), "did you mean `health`?")
        .help("the keys of a service are `port`, `ports`, `command`, `files`, `env`, `health` and `replicas`")
        .fix(Fix { title: "write `health`".to_owned(), edits, safe: false })
}

fn in_two_files(sources: &[Source]) -> Diagnostic {
    let message =
        "port 8080 is used twice: `http` of `api` and `http` of `web`, and that is one time too many";
    Diagnostic::warning(codes::PORT_TWICE, message)
        .label(span(sources, 0, "8080"), "`http` of `web`")
        .label(span(sources, 1, "8080"), "`http` of `api`")
        .help("every port of a system has its own number")
}

fn shown(sources: &[Source], diagnostics: &[Diagnostic], width: usize) -> String {
    render::human(sources, diagnostics, Style { color: false, width })
}

#[test]
fn long_lines_are_cut_around_the_place_and_words_wrap() {
    let sources = sources();
    let whole = Span { end: sources[0].text.len() - 1, ..span(&sources, 0, "web") };
    let whole = Diagnostic::warning(codes::BAD_VALUE, "the service is wrong").label(whole, "all of it");
    for width in WIDTHS {
        let text = shown(&sources, &[misspelt(&sources), in_two_files(&sources), whole.clone()], width);
        // A label follows its mark wherever that ends.
        let fits = |it: &&str| it.chars().count() <= width || it.contains('^');
        assert_eq!(text.lines().find(|it| !fits(it)), None);
        insta::assert_snapshot!(format!("width_{width}"), text);
    }
}

#[test]
fn marks_stand_below_wide_characters_tabs_and_the_first_line_of_a_marked_file() {
    let sources = sources();
    let of = |word| span(&sources, 1, word);
    let end = Span { source: SourceId(1), start: 1000, end: 1000 };
    let it = Diagnostic::error(codes::BAD_VALUE, "strange text")
        .label(of("日本語"), "three wide characters")
        .label(of("helth"), "a tab before")
        .label(of("services"), "a byte order mark before")
        .label(of("rocket"), "an emoji before")
        .label(end, "the end of the file")
        .fix(Fix {
            title: "write what can be read".to_owned(),
            edits: vec![edit(&sources, 1, "日本語", "/up"), edit(&sources, 1, "🚀rocket", "rocket")],
            safe: true,
        });
    insta::assert_snapshot!(shown(&sources, &[it], 80));
}

#[test]
fn what_the_user_wrote_does_not_paint_the_terminal() {
    let sources = sources();
    let evil = "\u{1b}[31mred\r\nnext";
    let it = Diagnostic::error(codes::BAD_VALUE, evil).label(span(&sources, 1, "[31m"), evil).help(evil);
    let text = shown(&sources, &[it], 80);
    assert!(!text.contains(|it: char| it.is_control() && it != '\n'), "{text:?}");
    // U+009B begins a control sequence as ESC and `[` do.
    let sources = [source("\u{1b}[31mlockgate.yaml", "system: \u{9b}31mshop\n")];
    let it = Diagnostic::error(codes::BAD_VALUE, "evil").label(span(&sources, 0, "shop"), "here");
    let text = shown(&sources, &[it], 80);
    assert!(!text.contains(|it: char| it.is_control() && it != '\n'), "{text:?}");
}

#[test]
fn colour_sets_apart_what_is_wrong_from_what_has_to_do_with_it() {
    let sources = sources();
    let diagnostics = [misspelt(&sources), in_two_files(&sources)];
    let text = render::human(&sources, &diagnostics, Style { color: true, width: 80 });
    insta::assert_snapshot!(text.replace('\u{1b}', "ESC"));
    let mut plain = text.clone();
    while let Some(at) = plain.find('\u{1b}') {
        let end = at + plain[at..].find('m').unwrap();
        plain.replace_range(at..=end, "");
    }
    assert_eq!(plain, shown(&sources, &diagnostics, 80));
}
