//! Paths of files, of URLs, and addresses.

use super::{accepted, environments, root, service, tells};

#[test]
fn paths_stay_below_the_spec() {
    for (path, words) in [
        ("/etc/passwd", "it is absolute"),
        ("../x", "`..` leads out of it"),
        ("a/../../b", "`..` leads out of it"),
        ("a/..", "`..` leads out of it"),
        ("~/x", "it is absolute"),
        ("\"C:\\\\x\"", "it is absolute"),
        ("\"C:/x\"", "it is absolute"),
        ("\"\\\\\\\\server\\\\x\"", "it is absolute"),
        ("\"a\\\\b\"", "parts are separated by `/`"),
        ("\"..\\\\x\"", "parts are separated by `/`"),
        ("\"\"", "it is empty"),
    ] {
        tells(&service(&format!("files: {path}")), "LG206", words);
        tells(&root(&format!("migrations: {{tool: sqlx, source: {path}}}")), "LG206", words);
        tells(&root(&format!("release: {{notes: {path}}}")), "LG206", words);
    }
    for path in [".", "./web", "a/./b", "a//b", "a/", "...", "..a", "\" web\"", "ü"] {
        accepted(&service(&format!("files: {path}")));
    }
}

#[test]
fn paths_in_instances_are_absolute() {
    accepted(&service("volumes: {data: /var/lib/app}"));
    for path in ["data", "./data", "../x", "/a/../b", "/", "\"\"", "\"C:\\\\x\""] {
        tells(&service(&format!("volumes: {{data: {path}}}")), "LG013", "is no absolute path");
    }
}

#[test]
fn paths_of_urls_begin_with_a_slash() {
    for path in ["up", "\"\"", "http://x/up", "\"/a b\"", "\"/a\\nb\"", "/ü"] {
        tells(&service(&format!("port: 80, health: {path}")), "LG013", "is not a path of a URL");
    }
    accepted(&service("port: 80, health: \"/up?x=y&z=%20#a\""));
}

#[test]
fn hosts_are_names_that_can_be_found() {
    let ingress = |host: &str| service(&format!("port: 80, ingress: {{hosts: {host}}}"));
    let environment = |host: &str| environments(&format!("local: {{target: local, host: {host}}}"));
    for host in ["shop.example.org", "localhost", "xn--mnchen-3ya.de", "\"SHOP.example.org\""] {
        accepted(&ingress(host));
        accepted(&environment(host));
    }
    accepted(&ingress("\"*.example.org\""));
    accepted(&ingress("\"${service.name}.${environment.name}.example.org\""));
    accepted(&environment("\"localhost:8000\""));
    accepted(&environment("127.0.0.1"));
    for (host, words) in [
        ("https://shop.example.org", "write `shop.example.org`"),
        ("\"not a host\"", "is no part of it"),
        ("shop_example.org", "is no part of it"),
        ("shop.example.org/path", "is no part of it"),
        ("münchen.de", "it begins with `xn--`"),
        ("a..b", "a name such as `shop.example.org` is wanted"),
        ("\"\"", "the name of a host is empty"),
        ("-a.org", "is no part of it"),
        ("shop.example.org.", "a name such as"),
    ] {
        tells(&ingress(host), "LG037", words);
        tells(&environment(host), "LG037", words);
    }
    tells(&ingress(&"a".repeat(64)), "LG037", "no part may have more than 63 characters");
    tells(&ingress(&"a.".repeat(130)), "LG037", "253 are the most");
    tells(&ingress("\"a.*.org\""), "LG037", "is no part of it");
    tells(&environment("\"localhost:0\""), "LG037", "is no part of it");
}

#[test]
fn addresses_beyond_the_system_say_where() {
    for address in [
        "nowhere",
        "\"\"",
        "tcp://a",
        "tcp://:1",
        "tcp://a:0",
        "tcp://a:65536",
        "ftp://a",
        "\"tcp://a b:1\"",
        "https://",
    ] {
        tells(&service(&format!("egress: [{address}]")), "LG013", "is no address");
    }
    accepted(&service("egress: [\"tcp://smtp.example.org:587\", \"https://api.example.org\"]"));
    for bind in ["999.0.0.1", "localhost", "", "127.0.0.1:80", "0x7f.1"] {
        tells(
            &environments(&format!("local: {{target: {{local: {{bind: \"{bind}\"}}}}}}")),
            "LG013",
            "is not an IP address",
        );
    }
}
