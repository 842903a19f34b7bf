//! One HTTP request over a stream that is open already: to the node's router, or through an API server to a pod.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::expect;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Status and body of what `GET path` is answered.
pub(crate) async fn get(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    host: &str,
    path: &str,
    headers: &[(String, String)],
) -> Result<(u16, Bytes), Failure> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::get(path).header("host", host);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await;
    let answer = match answer {
        Ok(answer) => read(answer).await,
        Err(error) => Err(error.into()),
    };
    connection.abort();
    answer
}

async fn read(answer: Response<Incoming>) -> Result<(u16, Bytes), Failure> {
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), expect::BODY_LEN_MAX).collect().await?.to_bytes();
    Ok((status, body))
}
