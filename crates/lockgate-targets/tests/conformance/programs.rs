//! What the tests' slots and jobs run: this executable again.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Serves HTTP on `PORT`. `MODE` says what is wrong with it.
pub(crate) fn service() -> ExitCode {
    let mode = std::env::var("MODE").unwrap_or_default();
    println!("service begins");
    if mode == "crash-at-start" {
        eprintln!("cannot connect to the database");
        return ExitCode::from(7);
    }
    crate::runtime().block_on(async {
        if mode == "with-child" {
            start_child();
        }
        let mut term = signal(SignalKind::terminate()).unwrap();
        tokio::spawn(async move {
            loop {
                term.recv().await;
                println!("told to stop");
                if mode != "ignores-sigterm" {
                    std::process::exit(0);
                }
            }
        });
        match std::env::var("PORT") {
            Ok(port) => serve(port.parse().unwrap()).await,
            Err(_) => std::future::pending().await,
        }
    });
    ExitCode::SUCCESS
}

#[expect(clippy::zombie_processes, reason = "whether somebody else ends it is what is tested")]
fn start_child() {
    std::process::Command::new(crate::this_program()).arg("as-child").spawn().unwrap();
}

/// Stays until it is killed.
pub(crate) fn child() -> ExitCode {
    loop {
        std::thread::sleep(Duration::from_hours(1));
    }
}

async fn serve(port: u16) {
    let host = std::env::var("HOST").unwrap_or_else(|_| "127.0.0.1".to_owned());
    let listener = TcpListener::bind((host, port)).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
            if let Err(error) = served {
                eprintln!("a connection ended: {error}");
            }
        });
    }
}

/// Requests of users; those of the platform itself are not among them.
static SERVED: AtomicU64 = AtomicU64::new(0);

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    if !matches!(path, "/healthz" | "/metrics") {
        SERVED.fetch_add(1, Ordering::Relaxed);
    }
    let (status, text) = match path {
        "/healthz" if std::env::var("MODE").is_ok_and(|it| it == "never-ready") => {
            (503, "migrations are pending".to_owned())
        }
        "/healthz" => (200, "ok".to_owned()),
        "/metrics" => {
            let name = lockgate_model::metrics::REQUESTS;
            let served = SERVED.load(Ordering::Relaxed);
            (200, format!("# TYPE {name} counter\n{name}{{status=\"200\"}} {served}\n"))
        }
        "/pid" => (200, std::process::id().to_string()),
        "/crash" => {
            eprintln!("told to crash");
            std::process::exit(3);
        }
        "/slow" => {
            // Slow on purpose: requests that are still under way are what this is for.
            tokio::time::sleep(Duration::from_secs(2)).await;
            (200, "done".to_owned())
        }
        "/env" => {
            let env: std::collections::BTreeMap<String, String> = std::env::vars().collect();
            (200, serde_json::to_string(&env).unwrap())
        }
        fetch if fetch.starts_with("/fetch/") => fetched(fetch.trim_start_matches("/fetch/")).await,
        read if read.starts_with("/read/") => {
            let text = std::fs::read_to_string(read.trim_start_matches("/read"));
            text.map_or_else(|error| (500, error.to_string()), |text| (200, text))
        }
        of if of
            .strip_prefix("/of/")
            .is_some_and(|it| Ok(it) != std::env::var("LOCKGATE_RELEASE").as_deref()) =>
        {
            (404, "another release".to_owned())
        }
        _ => (200, std::env::var("LOCKGATE_RELEASE").unwrap_or_default()),
    };
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap())
}

/// What another service answers: `host:port/path`.
async fn fetched(address: &str) -> (u16, String) {
    let (host, path) = address.split_once('/').unwrap();
    crate::world::get_from(host, &format!("/{path}")).await.unwrap_or_else(|error| (500, error.to_string()))
}

/// `count FILE`, `fail`, `hang`, `wait-for FILE RESULT`.
pub(crate) fn job(words: &[&str]) -> ExitCode {
    match words {
        ["count", file] => {
            append(file);
            println!("counted");
            ExitCode::SUCCESS
        }
        ["fail"] => {
            println!("first line");
            eprintln!("relation \"users\" does not exist");
            ExitCode::from(3)
        }
        ["hang"] => {
            println!("waiting for a lock");
            child()
        }
        ["wait-for", file, count] => {
            append(count);
            while !exists(file) {
                std::thread::sleep(Duration::from_millis(10));
            }
            ExitCode::SUCCESS
        }
        _ => ExitCode::from(2),
    }
}

fn append(file: &str) {
    if let Some(mark) = file.strip_prefix("http://") {
        return until_answered("POST", mark).then_some(()).expect("the mark is taken");
    }
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    writeln!(file, "ran").unwrap();
}

fn exists(file: &str) -> bool {
    file.strip_prefix("http://")
        .map_or_else(|| std::path::Path::new(file).exists(), |mark| until_answered("GET", mark))
}

/// Whether the keeper of marks answers that it is done; it may be starting still.
fn until_answered(method: &str, mark: &str) -> bool {
    let (host, name) = mark.split_once('/').unwrap();
    loop {
        if let Ok(mut stream) = std::net::TcpStream::connect(host) {
            let request = format!("{method} /{name} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            return answer.starts_with("HTTP/1.1 200");
        }
        // Slow on purpose: a breath between two looks, so that the looking does not take the cores it waits for.
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Keeps the marks of jobs that share no file system with the tests: each POST adds a line.
pub(crate) fn marks() -> ExitCode {
    crate::runtime().block_on(async {
        let port: u16 = std::env::var("PORT").unwrap().parse().unwrap();
        let listener = TcpListener::bind(("0.0.0.0", port)).await.unwrap();
        let kept: Marks = Marks::default();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let kept = Marks::clone(&kept);
            tokio::spawn(async move {
                let answer =
                    service_fn(|request| std::future::ready(Ok::<_, Infallible>(keep(&kept, &request))));
                let served = hyper::server::conn::http1::Builder::new();
                if let Err(error) = served.serve_connection(TokioIo::new(stream), answer).await {
                    eprintln!("a connection ended: {error}");
                }
            });
        }
    })
}

type Marks = std::sync::Arc<std::sync::Mutex<std::collections::BTreeMap<String, String>>>;

fn keep(marks: &Marks, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let mut marks = marks.lock().unwrap();
    let name = request.uri().path().to_owned();
    if request.method() == hyper::Method::POST {
        marks.entry(name.clone()).or_default().push_str("ran\n");
    }
    let (status, text) = match marks.get(&name) {
        Some(text) => (200, text.clone()),
        None => (404, "no mark".to_owned()),
    };
    Response::builder().status(status).body(Full::new(Bytes::from(text))).unwrap()
}
