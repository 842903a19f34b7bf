//! As much of the Redis protocol as counting takes: one command, one answer.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

const DEFAULT_PORT: u16 = 6379;

/// One connection, opened for each command: a counter needs no pool.
pub(crate) struct Redis {
    address: String,
}

impl Redis {
    pub(crate) fn new(url: &str) -> io::Result<Redis> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("REDIS_URL {why}"));
        let uri: http::Uri = url.parse().map_err(|_| invalid("is no URL"))?;
        if uri.scheme_str() != Some("redis") {
            return Err(invalid("does not start with `redis://`"));
        }
        let host = uri.host().ok_or_else(|| invalid("names no host"))?;
        Ok(Redis { address: format!("{host}:{}", uri.port_u16().unwrap_or(DEFAULT_PORT)) })
    }

    pub(crate) async fn ping(&self) -> io::Result<()> {
        self.command(&["PING"]).await.map(|_| ())
    }

    pub(crate) async fn incr(&self, key: &str) -> io::Result<u64> {
        let answer = self.command(&["INCR", key]).await?;
        answer.parse().map_err(|_| io::Error::other("the answer to INCR is no number"))
    }

    /// The answer's first line without its type; all that is asked here has one line.
    async fn command(&self, words: &[&str]) -> io::Result<String> {
        let mut stream = BufReader::new(TcpStream::connect(&self.address).await?);
        let strings: Vec<String> = words.iter().map(|it| format!("${}\r\n{it}\r\n", it.len())).collect();
        let request = format!("*{}\r\n{}", words.len(), strings.concat());
        stream.write_all(request.as_bytes()).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end();
        match line.split_at_checked(1) {
            Some(("+" | ":", rest)) => Ok(rest.to_owned()),
            Some(("-", rest)) => Err(io::Error::other(rest.to_owned())),
            _ => Err(io::Error::other("Redis closed the connection without an answer")),
        }
    }
}
