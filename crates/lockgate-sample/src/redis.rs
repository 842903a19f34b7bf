//! As much of the Redis protocol as counting takes: one command, one answer.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const DEFAULT_PORT: u16 = 6379;

/// One connection, opened for each command: a counter needs no pool.
pub(crate) struct Redis {
    address: String,
    /// What `AUTH` is told, where the address has a password: perhaps a user, and the password.
    login: Vec<String>,
}

impl Redis {
    pub(crate) fn new(url: &str) -> io::Result<Redis> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("REDIS_URL {why}"));
        let uri: http::Uri = url.parse().map_err(|_| invalid("is no URL"))?;
        if uri.scheme_str() != Some("redis") {
            return Err(invalid("does not start with `redis://`"));
        }
        let host = uri.host().ok_or_else(|| invalid("names no host"))?;
        let login = uri.authority().and_then(|it| it.as_str().rsplit_once('@')).map(|it| it.0);
        let login = login.map_or_else(Vec::new, |it| {
            it.splitn(2, ':').filter(|it| !it.is_empty()).map(str::to_owned).collect()
        });
        Ok(Redis { address: format!("{host}:{}", uri.port_u16().unwrap_or(DEFAULT_PORT)), login })
    }

    pub(crate) async fn ping(&self) -> io::Result<()> {
        self.command(&["PING"]).await.map(|_| ())
    }

    pub(crate) async fn incr(&self, key: &str) -> io::Result<u64> {
        let answer = self.command(&["INCR", key]).await?;
        answer.parse().map_err(|_| io::Error::other("the answer to INCR is no number"))
    }

    pub(crate) async fn push(&self, list: &str, text: &str) -> io::Result<()> {
        self.command(&["RPUSH", list, text]).await.map(|_| ())
    }

    /// The oldest of a list, which no longer has it.
    pub(crate) async fn pop(&self, list: &str) -> io::Result<Option<String>> {
        let answer = self.command(&["LPOP", list]).await?;
        Ok(Some(answer).filter(|it| !it.is_empty()))
    }

    pub(crate) async fn get(&self, key: &str) -> io::Result<String> {
        self.command(&["GET", key]).await
    }

    /// The answer as text; nothing is an empty one. All that is asked here has one line.
    async fn command(&self, words: &[&str]) -> io::Result<String> {
        let mut stream = BufReader::new(TcpStream::connect(&self.address).await?);
        if !self.login.is_empty() {
            let login: Vec<&str> = self.login.iter().map(String::as_str).collect();
            ask(&mut stream, &[&["AUTH"], login.as_slice()].concat()).await?;
        }
        ask(&mut stream, words).await
    }
}

async fn ask(stream: &mut BufReader<TcpStream>, words: &[&str]) -> io::Result<String> {
    let strings: Vec<String> = words.iter().map(|it| format!("${}\r\n{it}\r\n", it.len())).collect();
    let request = format!("*{}\r\n{}", words.len(), strings.concat());
    stream.write_all(request.as_bytes()).await?;
    let first = line(stream).await?;
    match first.split_at_checked(1) {
        Some(("+" | ":", rest)) => Ok(rest.to_owned()),
        Some(("$", "-1")) => Ok(String::new()),
        Some(("$", _)) => line(stream).await,
        Some(("-", rest)) => Err(io::Error::other(rest.to_owned())),
        _ => Err(io::Error::other("Redis closed the connection without an answer")),
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}
