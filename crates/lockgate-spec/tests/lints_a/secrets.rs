//! Secrets: where they stand, what makes them, and who can read them.

use super::{LOCAL, NONE, lines};

const CLUSTER: &str = "e: {target: {kubernetes: {}}}";

fn web(keys: &str, environments: &str) -> Vec<String> {
    lines("", &format!("web: {{port: 8080, image: \"web:1\", {keys}}}"), environments)
}

#[test]
fn secrets_do_not_stand_in_the_spec() {
    let of = |env: &str| web(&format!("env: {{{env}}}"), CLUSTER);
    for (env, name) in [
        ("DB_PASSWORD: hunter2", "DB_PASSWORD"),
        ("PASSWORD: hunter2", "PASSWORD"),
        ("STRIPE_API_KEY: 4eC39HqLyjWDarjtT1zdp7dc", "STRIPE_API_KEY"),
        ("AWS_ID: AKIAIOSFODNN7EXAMPLE", "AWS_ID"),
        ("DATABASE: \"postgres://app:hunter2@db.example/shop\"", "DATABASE"),
        ("PEM: \"-----BEGIN RSA PRIVATE KEY-----\"", "PEM"),
    ] {
        let found = format!("LG219 `{name}` looks like a secret, and its value stands in the spec");
        assert_eq!(of(env), [found], "{env}");
    }
    for env in [
        "DB_PASSWORD: \"\"",
        "SMTP_PASSWORD: \"${environment.name}\"",
        "REQUIRE_PASSWORD: \"true\"",
        "MAX_TOKEN: \"4096\"",
        "API_TOKEN: /run/secrets/token",
        "CACHE_KEY: user_id",
        "STRIPE_PUBLISHABLE_KEY: pk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "PASSWORD_MIN_LENGTH: \"12\"",
        "TOKEN_TTL: 15m",
        "DATABASE: \"postgres://app@db.example/shop\"",
        "DB_PASSWORD: {required: true}",
    ] {
        assert_eq!(of(env), NONE, "{env}");
    }
}

#[test]
fn secrets_are_made_once() {
    let of = |script: &str| web(&format!("command: [sh, -c, '{script}']"), CLUSTER);
    let anew = ["LG217 `SESSION_SECRET` is made anew each time this runs"];
    assert_eq!(of("SESSION_SECRET=$(openssl rand -hex 32) ./web"), anew);
    assert_eq!(of("export SESSION_SECRET=\"`uuidgen`\"; ./web"), anew);
    assert_eq!(of("NODE_ID=$(uuidgen) ./web"), NONE);
    assert_eq!(of("SESSION_SECRET=$(cat /run/secrets/session) ./web"), NONE);
    assert_eq!(of("openssl rand -hex 32 > /dev/null; ./web"), NONE);
    assert_eq!(
        web("env: {SESSION_SECRET: $(openssl rand -hex 32)}", CLUSTER),
        ["LG217 `SESSION_SECRET` holds the text of a command, and nothing runs it"]
    );
}

#[test]
fn secrets_are_on_no_command_line() {
    let of = |command: &str| web(&format!("secrets: [API_KEY], command: {command}"), CLUSTER);
    let on = ["LG218 the secret `API_KEY` is on a command line, which every process of the machine can read"];
    assert_eq!(of("[./web, \"--key=${secrets.API_KEY}\"]"), on);
    assert_eq!(of("[sh, -c, 'exec ./web --key \"$API_KEY\"']"), on);
    assert_eq!(of("[sh, -c, 'curl -H \"Bearer $${API_KEY}\" https://a.example && ./web']"), on);
    for command in [
        "[./web, --key, $API_KEY]",
        "[sh, -c, 'test -n \"$API_KEY\" && ./web']",
        "[sh, -c, 'echo \"$API_KEY\" | login --password-stdin; ./web']",
        "[sh, -c, 'export KEY=$API_KEY; ./web']",
        "[sh, -c, 'KEY=$API_KEY ./web']",
        "[sh, -c, './web --key-file $API_KEY_FILE']",
        "[sh, -c, './login <<< $API_KEY']",
    ] {
        assert_eq!(of(command), NONE, "{command}");
    }
}

#[test]
fn addresses_with_passwords_are_on_no_command_line() {
    let keys =
        "dependencies: {db: {type: postgres}}\nmigrations: {command: [./migrate, \"${db.url}\"], in: web}";
    let of = |target: &str| {
        lines(keys, "web: {port: 8080, image: \"web:1\"}", &format!("e: {{target: {target}}}"))
    };
    assert_eq!(
        of("docker"),
        ["LG218 the secret `DB_PASSWORD` is on a command line, which every process of the machine can read"]
    );
    let external = "dependencies: {db: {type: postgres, external: {url: \"postgres://nova@127.0.0.1/nova\"}}}\n\
                    migrations: {command: [./migrate, \"${db.url}\"]}";
    assert_eq!(lines(external, "web: {command: [./web]}", LOCAL), NONE);
}

#[test]
fn public_halves_belong_to_pairs() {
    let of = |secrets: &str| web(&format!("secrets: {{{secrets}}}"), CLUSTER);
    assert_eq!(of("A: {generate: ed25519, rotate: 1y}, B: {public_of: A}"), NONE);
    // What a store holds may well be a pair.
    assert_eq!(of("A: {format: pem}, B: {public_of: A}"), NONE);
    assert_eq!(
        of("A: {generate: hex32}, B: {public_of: A}"),
        ["LG220 `A` has no public half: `hex32` makes no key pair"]
    );
    assert_eq!(of("B: {public_of: A}"), ["LG220 `B` is the public half of `A`, which is no other secret"]);
    assert_eq!(of("B: {public_of: B}"), ["LG220 `B` is the public half of `B`, which is no other secret"]);
    assert_eq!(
        of("A: {generate: ed25519}, B: {public_of: A, rotate: 1y}"),
        ["LG221 a public half is replaced with its pair, `A`"]
    );
    let elsewhere = "a: {image: \"a:1\", secrets: {A: {generate: ed25519}}}, b: {image: \"b:1\", secrets: {B: {public_of: A}}}";
    assert_eq!(lines("", elsewhere, CLUSTER), NONE);
}
