//! Variables, commands, secrets: what reaches a process is what was written.

use super::{accepted, root, service, tells};

#[test]
fn values_of_variables_are_strings_that_stay_as_they_are() {
    for (written, value) in [
        ("\"1.10\"", "1.10"),
        ("\"yes\"", "yes"),
        ("\" x \"", " x "),
        ("\"\"", ""),
        ("\"a\\nb\\n\"", "a\nb\n"),
        ("\"a\\tb\"", "a\tb"),
        ("\"{{ x }}\"", "{{ x }}"),
        ("\"100%\"", "100%"),
        ("100%", "100%"),
        ("\"a # b\"", "a # b"),
        ("a#b", "a#b"),
        ("\"#\"", "#"),
        ("\"$5\"", "$5"),
        ("\"$HOME\"", "$HOME"),
        ("\"$${{ github.sha }}\"", "${{ github.sha }}"),
        ("\"$(rm -rf /)\"", "$(rm -rf /)"),
        ("\"`id`\"", "`id`"),
        ("\"'\\\"\"", "'\""),
        ("\"C:\\\\x\"", "C:\\x"),
        ("\"\\u202e\"", "\u{202e}"),
        ("🚀", "🚀"),
        ("\"\\x1b[31m\"", "\u{1b}[31m"),
        ("2024-01-01", "2024-01-01"),
        ("a=b", "a=b"),
    ] {
        let system = accepted(&service(&format!("env: {{A: {written}}}")));
        assert_eq!(system.services["web"].env["A"], value, "{written}");
    }
}

#[test]
fn blocks_keep_their_lines() {
    let text = "lockgate: v1\nsystem: shop\nservices:\n  web:\n    command: [./web]\n    env:\n      A: |\n        one\n          two\n\n      B: >-\n        one\n        two\nenvironments: {local: {target: local}}\n";
    let system = accepted(text);
    assert_eq!(system.services["web"].env["A"], "one\n  two\n");
    assert_eq!(system.services["web"].env["B"], "one two");
}

#[test]
fn values_that_others_would_read_as_something_else_are_to_be_quoted() {
    for written in [
        "1", "1.10", "yes", "No", "on", "true", "0o17", "0x1F", "1_000", "1e3", ".inf", "-.inf", ".nan",
        "22:22", "+1000", "-5",
    ] {
        tells(&service(&format!("env: {{A: {written}}}")), "LG202", "quote it");
    }
    for written in ["~", "null", ""] {
        tells(&service(&format!("env: {{A: {written}}}")), "LG020", "for an empty string `\"\"`");
    }
    tells(&service("env: {A: [x]}"), "LG202", "the value of `A` is a list");
}

#[test]
fn names_of_variables_are_those_of_a_process() {
    for name in ["\"A=B\"", "A B", "\"\"", "1A", "A-B", "Ä", "\"A\\n\"", "\"A\\0\"", "A.B", "🚀", "\"$A\""]
    {
        tells(&service(&format!("env: {{{name}: x}}")), "LG201", "cannot be the name of a variable");
    }
    tells(&service("env: {LOCKGATE_X: x}"), "LG209", "is set by Lockgate itself");
    tells(&service("port: 80, env: {PORT: x}"), "LG209", "is set by Lockgate itself");
    tells(&service("env: {API_KEY: x, Api_Key: y}"), "LG033", "differ by case only");
    accepted(&service("env: {_: x, a: b, A1: z}"));
}

#[test]
fn no_value_is_longer_than_a_process_takes() {
    let of = |len: usize| service(&format!("env: {{A: {}}}", "x".repeat(len)));
    accepted(&of(120_000));
    tells(&of(131_072), "LG202", "at most 130048 are allowed");
    tells(
        &service(&format!("command: [./web, {}]", "x".repeat(131_072))),
        "LG013",
        "at most 130048 are allowed",
    );
}

#[test]
fn references_lead_somewhere_and_end() {
    for (written, words) in [
        ("${x", "is not closed"),
        ("${}", "is not a reference"),
        ("${PATH}", "the spec reads no variables of the shell"),
        ("${web}", "is not a reference"),
        ("${web.url:-x}", "there are no functions, defaults or conditions"),
        ("${{ secrets.X }}", "for a dollar sign itself write `$$`"),
        ("${env.PATH}", "nothing is called `env`"),
        ("${wbe.url}", "did you mean `web`?"),
        ("${web.uri}", "did you mean `url`?"),
        ("${web.url}", "a service without ports takes no requests"),
        ("${secrets.KEY}", "declare it under `secrets`"),
        ("${target.registry}", "has no registry"),
        ("${services.web.ports.admin}", "has no such port"),
        ("${${web.url}}", "is not a reference"),
    ] {
        tells(&service(&format!("env: {{A: \"{written}\"}}")), "LG204", words);
    }
    // What a reference brings is not looked at again.
    let text = service("port: 80, env: {A: \"$${web.url}\", B: \"${web.port}$${x}\"}");
    let system = accepted(&text);
    assert_eq!(system.services["web"].env["A"], "${web.url}");
    assert_eq!(system.services["web"].env["B"], "80${x}");
}

#[test]
fn addresses_of_dependencies_go_in_no_circle() {
    let of = |a: &str, b: &str| {
        root(&format!(
            "dependencies: {{a: {{type: http, external: {{url: \"{a}\"}}}}, b: {{type: http, external: {{url: \"{b}\"}}}}}}"
        ))
    };
    tells(&of("${b.url}", "${a.url}"), "LG204", "not put together from another one");
    tells(&of("${a.url}", "http://b"), "LG204", "not put together from another one");
    tells(&of("${dependencies.b.host}", "http://b"), "LG204", "not put together from another one");
    tells(&of("http://${c.host}", "http://b"), "LG204", "nothing is called `c`");
    accepted(&of("http://a.${environment.name}.example.org", "${web.url}"));
}

#[test]
fn arguments_of_commands_stay_as_they_are() {
    for (written, argument) in [
        ("\"a b\"", "a b"),
        ("\"a\\nb\"", "a\nb"),
        ("\"c'd\"", "c'd"),
        ("\"\\\"\"", "\""),
        ("$(x)", "$(x)"),
        ("\"*\"", "*"),
        ("; rm", "; rm"),
        ("--x=y z", "--x=y z"),
        ("\"\"", ""),
        ("1.10", "1.10"),
        ("yes", "yes"),
        ("0o17", "0o17"),
        ("\"{{ x }}\"", "{{ x }}"),
    ] {
        let system = accepted(&service(&format!("command: [./web, {written}]")));
        assert_eq!(system.services["web"].command[1], argument, "{written}");
    }
}

#[test]
fn commands_are_lists_that_begin_with_a_program() {
    tells(&service("command: \"./web && rm\""), "LG203", "call one: `[sh, -c");
    tells(&service("command: ./web -v"), "LG203", "no shell splits this");
    tells(&service("command: []"), "LG012", "the program's name is wanted");
    tells(&service("command: [\"\"]"), "LG013", "the program's name is wanted");
    tells(&service("command: [[./web], [./other]]"), "LG012", "each argument is one string");
    tells(&root("ci: {unit: npm test}"), "LG203", "no shell splits this");
}

#[test]
fn secrets_are_names_without_values() {
    tells(&service("secrets: {KEY: {value: hunter2}}"), "LG010", "`value` is not a key of a secret");
    tells(&service("secrets: [a=b]"), "LG201", "cannot be the name of a variable");
    tells(&service("secrets: [A, A]"), "LG004", "listed again here");
    tells(&service("secrets: [A], env: {A: x}"), "LG207", "`A` is both a plain variable and a secret");
    tells(
        &service("secrets: {A: {generate: hex32, public_of: B}}"),
        "LG302",
        "both `generate` and `public_of`",
    );
    tells(&service("secrets: {A: {generate: md5}}"), "LG017", "is not one of the allowed values");
    tells(&service("secrets: {A: {rotate: 0s}}"), "LG013", "at least `100ms` is wanted");
}
