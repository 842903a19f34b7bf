//! A WebSocket that says everything back: the handshake, unfragmented frames, and a goodbye (RFC 6455).

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use http::{HeaderMap, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::app::App;
use crate::endpoints::{Body, Request, text};

/// From the RFC; every server appends it.
const HANDSHAKE_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// A test says a few words; more in one frame is refused.
const FRAME_MAX: u64 = 1 << 20;

const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const FINAL: u8 = 0x80;

pub(crate) fn accept(app: &Arc<App>, mut request: Request) -> Response<Body> {
    let Some(key) = key_of(request.headers()) else {
        return text(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket: send an upgrade\n");
    };
    let accept = base64::engine::general_purpose::STANDARD.encode(Sha1::digest(key + HANDSHAKE_GUID));
    let upgrade = hyper::upgrade::on(&mut request);
    let own = Arc::clone(app);
    app.upgraded.spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            // A peer that goes away in the middle of a frame ends the conversation; nobody waits for more.
            drop(converse(TokioIo::new(upgraded), &own).await);
        }
    });
    let mut response = text(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, http::HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, http::HeaderValue::from_static("upgrade"));
    headers.remove(header::CONTENT_TYPE);
    if let Ok(accept) = accept.parse() {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn key_of(headers: &HeaderMap) -> Option<String> {
    let upgrade = headers.get(header::UPGRADE)?.to_str().ok()?;
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    upgrade.eq_ignore_ascii_case("websocket").then(|| key.to_owned())
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, app: &App) -> io::Result<()> {
    loop {
        let (opcode, payload) = tokio::select! {
            frame = read_frame(&mut stream) => frame?,
            () = app.stop.cancelled() => {
                // 1001: going away.
                return write_frame(&mut stream, CLOSE, &1001_u16.to_be_bytes()).await;
            }
        };
        match opcode {
            CLOSE => return write_frame(&mut stream, CLOSE, &payload).await,
            PING => write_frame(&mut stream, PONG, &payload).await?,
            PONG => {}
            _ => write_frame(&mut stream, opcode, &payload).await?,
        }
    }
}

async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let first = stream.read_u8().await?;
    let second = stream.read_u8().await?;
    let length = match second & 0x7F {
        126 => u64::from(stream.read_u16().await?),
        127 => stream.read_u64().await?,
        short => u64::from(short),
    };
    if first & FINAL == 0 || second & 0x80 == 0 || FRAME_MAX < length {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "fragmented, unmasked or too long"));
    }
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).await?;
    let mut payload = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    stream.read_exact(&mut payload).await?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok((first & 0x0F, payload))
}

async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), opcode: u8, payload: &[u8]) -> io::Result<()> {
    let mut frame = vec![FINAL | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..126), _) => frame.push(short),
        (_, Ok(medium)) => {
            frame.push(126);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    stream.write_all(&frame).await?;
    stream.flush().await
}
