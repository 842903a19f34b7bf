//! Listening, serving, and ending in good order.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

use crate::app::App;
use crate::config::{Crash, SampleConfig};
use crate::{endpoints, grpc};

/// Accepting fails when file descriptors run out; they come back as connections end.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Serves until SIGTERM or SIGINT; an error when a knob asks for a crash.
pub async fn run(config: SampleConfig) -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let ignore_term = config.ignore_term;
    let sample = Sample::bind(config).await?;
    let asked = async move {
        tokio::select! {
            _ = term.recv(), if !ignore_term => {}
            _ = interrupt.recv() => {}
        }
    };
    sample.serve(asked).await
}

/// A service that listens and has not begun to answer.
pub struct Sample {
    app: Arc<App>,
    http: TcpListener,
    grpc: Option<TcpListener>,
}

#[derive(Clone, Copy)]
enum Protocol {
    Http,
    Grpc,
}

impl Sample {
    pub async fn bind(config: SampleConfig) -> io::Result<Sample> {
        if config.crash == Some(Crash::AtStart) {
            return Err(crash("at-start"));
        }
        let http = listen(config.host, config.port).await?;
        let grpc = match config.grpc_port {
            Some(port) => Some(listen(config.host, port).await?),
            None => None,
        };
        Ok(Sample { app: Arc::new(App::new(config)?), http, grpc })
    }

    pub fn http_addr(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }

    pub fn grpc_addr(&self) -> Option<SocketAddr> {
        self.grpc.as_ref()?.local_addr().ok()
    }

    /// Serves until `asked` completes, then finishes what is in flight.
    pub async fn serve(self, asked: impl Future<Output = ()>) -> io::Result<()> {
        let Sample { app, http, grpc } = self;
        // Dropped at a crash, which cuts every connection.
        let mut connections = JoinSet::new();
        let mut asked = std::pin::pin!(asked);
        let mut crash_time = std::pin::pin!(app.crash_after_ready());
        loop {
            let (stream, protocol) = tokio::select! {
                it = http.accept() => (it, Protocol::Http),
                it = accept_grpc(grpc.as_ref()) => (it, Protocol::Grpc),
                Some(_) = connections.join_next() => continue,
                () = app.crash.cancelled() => return Err(crash("on-request")),
                () = &mut crash_time => return Err(crash("after-ready")),
                () = &mut asked => break,
            };
            match stream {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(&app), stream, protocol));
                }
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN_AFTER).await,
            }
        }
        drop((http, grpc));
        app.stop.cancel();
        while connections.join_next().await.is_some() {}
        app.upgraded.close();
        app.upgraded.wait().await;
        app.dependencies.close().await;
        Ok(())
    }
}

async fn listen(host: IpAddr, port: u16) -> io::Result<TcpListener> {
    let bound = TcpListener::bind((host, port)).await;
    bound.map_err(|error| io::Error::new(error.kind(), format!("port {port} cannot be listened on: {error}")))
}

async fn accept_grpc(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn connection(app: Arc<App>, stream: TcpStream, protocol: Protocol) {
    // Without it small answers wait for the peer's acknowledgement; a socket that refuses is just slower.
    drop(stream.set_nodelay(true));
    let stop = app.stop.clone();
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move {
            let response = match protocol {
                Protocol::Http => endpoints::answer(app, request).await,
                Protocol::Grpc => grpc::answer(&app, request).await,
            };
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A client that ends its side of the stream early still gets its answer.
    builder.http1().half_close(true);
    let mut served = std::pin::pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    // A connection that breaks concerns its client only, who sees it.
    tokio::select! {
        done = served.as_mut() => drop(done),
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            drop(served.await);
        }
    }
}

fn crash(knob: &str) -> io::Error {
    io::Error::other(format!("crashed because SAMPLE_CRASH asks for it: {knob}"))
}
