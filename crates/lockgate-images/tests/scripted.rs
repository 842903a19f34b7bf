//! Answers that no registry gives on demand: limits, full disks, tokens, and nothing at all.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use lockgate_images::{Client, Config, Reference, RegistryError};

const DIGEST: &str = "sha256:6f4c2d1e0b9a88776655443322110ffeeddccbbaa99887766554433221100ffe";

/// Gives one answer after the other, each to one request, and says what was asked.
fn scripted(answers: Vec<String>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (sender, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for text in answers {
            let (mut stream, _) = listener.accept().unwrap();
            // Whoever listens to this may be content with less.
            drop(sender.send(read(&stream)));
            stream.write_all(text.as_bytes()).unwrap();
        }
    });
    (host, asked)
}

/// Head and body, so that nothing is left unread when the connection ends.
fn read(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some((_, value)) = line.to_lowercase().split_once("content-length:") {
            length = value.trim().parse().unwrap();
        }
        text += &line;
        if line.trim().is_empty() {
            break;
        }
    }
    reader.take(length).read_to_string(&mut text).unwrap();
    text
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn found() -> String {
    answer("200 OK", &format!("docker-content-digest: {DIGEST}\r\n"), "")
}

fn web(host: &str) -> Reference {
    format!("{host}/shop/web:1").parse().unwrap()
}

fn client() -> Client {
    Client::new(Config::default())
}

#[test]
fn a_registry_that_asks_to_wait_is_waited_for_within_a_bound() {
    let (host, _) = scripted(vec![answer("429 Too Many Requests", "retry-after: 1\r\n", ""), found()]);
    assert_eq!(client().resolve(&web(&host)).unwrap().to_string(), DIGEST);

    let (host, _) = scripted(vec![answer("429 Too Many Requests", "retry-after: 21600\r\n", "")]);
    let error = client().resolve(&web(&host)).unwrap_err();
    assert_eq!(error.to_string(), format!("{host} allows no more requests for now; it asks to wait 21600 s"));
    assert!(error.is_transient());
}

#[test]
fn a_bad_moment_of_a_registry_passes() {
    let (host, _) = scripted(vec![answer("503 Service Unavailable", "", ""), found()]);
    assert_eq!(client().resolve(&web(&host)).unwrap().to_string(), DIGEST);
}

#[test]
fn what_everybody_may_pull_needs_a_token_that_everybody_gets() {
    let (tokens, asked_for_token) = scripted(vec![answer("200 OK", "", "{\"token\": \"letmein\"}")]);
    let challenge = format!("www-authenticate: Bearer realm=\"http://{tokens}/token\",service=\"here\"\r\n");
    let (host, asked) = scripted(vec![answer("401 Unauthorized", &challenge, ""), found()]);
    assert_eq!(client().resolve(&web(&host)).unwrap().to_string(), DIGEST);
    let token = asked_for_token.recv().unwrap();
    assert!(token.starts_with("GET /token?service=here&scope=repository%3Ashop%2Fweb%3Apull "), "{token}");
    assert!(!asked.recv().unwrap().contains("authorization"));
    assert!(asked.recv().unwrap().contains("authorization: Bearer letmein"));
}

#[test]
fn a_token_is_not_fetched_where_passwords_would_be_read_by_others() {
    let challenge = "www-authenticate: Bearer realm=\"http://auth.example.org/token\"\r\n";
    let (host, _) = scripted(vec![answer("401 Unauthorized", challenge, "")]);
    let error = client().resolve(&web(&host)).unwrap_err();
    assert_eq!(error.to_string(), format!("{host} wants a sign-in without TLS"));
}

#[test]
fn a_full_registry_is_called_full() {
    let manifest = "{\"schemaVersion\": 2, \"mediaType\": \"application/vnd.oci.image.manifest.v1+json\", \
                    \"config\": {\"digest\": \"sha256:6f4c2d1e0b9a88776655443322110ffeeddccbbaa99887766554433221100ffe\", \"size\": 2}}";
    let no_space = "{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"unknown error\",\"detail\":{\"Op\":\"mkdir\",\"Err\":28}}]}";
    for full in
        [answer("507 Insufficient Storage", "", ""), answer("500 Internal Server Error", "", no_space)]
    {
        let (source, _) = scripted(vec![
            answer(
                "200 OK",
                &format!("docker-content-digest: {}\r\n", lockgate_model::Digest::of(manifest.as_bytes())),
                "",
            ),
            answer("200 OK", "", manifest),
        ]);
        let nothing = || answer("404 Not Found", "", "");
        let (host, _) = scripted(vec![nothing(), nothing(), full]);
        let to = format!("{host}/shop/web").parse().unwrap();
        let error = client().copy(&web(&source), &to, None).unwrap_err();
        assert!(matches!(error, RegistryError::Full { .. }), "{error}");
        assert!(
            error.to_string().starts_with(&format!("{host} has no room for shop/web: it answered 50")),
            "{error}"
        );
    }
}

#[test]
fn a_registry_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = client().resolve(&web(&host)).unwrap_err();
    assert_eq!(error.to_string(), format!("{host} is not reached: nothing listens there"));
}
