//! A proxy with one service, servers to put behind it, and clients.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use lockgate_model::{
    Health, Millis, PortName, Protocol, ReleaseId, ServiceName, SlotCounts, SlotRef, Weight, Weights,
};
use lockgate_proxy::{Proxy, ProxyConfig, SlotConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};

/// No test waits longer than this for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type Body = BoxBody<Bytes, Infallible>;

pub(crate) fn web() -> ServiceName {
    ServiceName::new("web").unwrap()
}

pub(crate) fn http_port() -> PortName {
    PortName::new("http").unwrap()
}

pub(crate) fn r(number: u64) -> ReleaseId {
    ReleaseId(number)
}

pub(crate) fn split(stable: u64, canary: u64, points: u16) -> Weights {
    Weights::split(r(stable), r(canary), Weight::from_basis_points(points).unwrap())
}

pub(crate) fn health() -> Health {
    Health::Http {
        path: "/health".to_owned(),
        port: http_port(),
        interval: Millis(50),
        timeout: Millis(2_000),
        healthy_after: 1,
        unhealthy_after: 2,
        ready_within: Millis(5_000),
    }
}

pub(crate) fn slot_config(number: u64) -> SlotConfig {
    let version = format!("v{number}").parse().unwrap();
    SlotConfig { version, latency_bounds_ms: vec![100, 1, 10, 1_000, 100], health: health() }
}

/// What a test server does and has seen.
pub(crate) struct Backend {
    pub(crate) addr: SocketAddr,
    pub(crate) state: Arc<State>,
    task: JoinHandle<()>,
}

pub(crate) struct State {
    name: String,
    /// Requests other than health checks.
    pub(crate) requests: AtomicU64,
    pub(crate) connections: AtomicUsize,
    pub(crate) healthy: AtomicBool,
    /// `/gate` takes one permit per answer; `/drip` one per chunk.
    pub(crate) gate: Semaphore,
    pub(crate) last_headers: std::sync::Mutex<HeaderMap>,
    close_idle_after: Option<Duration>,
}

impl Backend {
    pub(crate) async fn start(name: impl ToString) -> Backend {
        Backend::start_with(name, Protocol::Http, None).await
    }

    pub(crate) async fn start_with(
        name: impl ToString,
        protocol: Protocol,
        close_idle_after: Option<Duration>,
    ) -> Backend {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(State {
            name: name.to_string(),
            requests: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            healthy: AtomicBool::new(true),
            gate: Semaphore::new(0),
            last_headers: std::sync::Mutex::default(),
            close_idle_after,
        });
        let task = tokio::spawn(accept(listener, protocol, Arc::clone(&state)));
        Backend { addr, state, task }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::SeqCst)
    }

    /// Ends at once, with all connections, as SIGKILL would.
    pub(crate) async fn kill(self) {
        self.task.abort();
        self.task.await.unwrap_err();
    }
}

async fn accept(listener: TcpListener, protocol: Protocol, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let state = Arc::clone(&state);
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let _count = Counted::new(Arc::clone(&state));
            let io = TokioIo::new(stream);
            let for_service = Arc::clone(&state);
            let service = service_fn(move |request| answer(Arc::clone(&for_service), request));
            let served = match protocol {
                Protocol::Http => {
                    let mut builder = hyper::server::conn::http1::Builder::new();
                    builder.timer(hyper_util::rt::TokioTimer::new());
                    builder.header_read_timeout(state.close_idle_after);
                    builder.serve_connection(io, service).with_upgrades().await
                }
                Protocol::Grpc => {
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    builder.serve_connection(io, service).await
                }
            };
            drop(served);
        });
    }
}

struct Counted(Arc<State>);

impl Counted {
    fn new(state: Arc<State>) -> Counted {
        state.connections.fetch_add(1, Ordering::SeqCst);
        Counted(state)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) fn text(text: impl Into<String>) -> Body {
    Full::new(Bytes::from(text.into())).boxed()
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/health" {
        let healthy = state.healthy.load(Ordering::SeqCst);
        let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        return Ok(Response::builder().status(status).body(text("")).unwrap());
    }
    state.requests.fetch_add(1, Ordering::SeqCst);
    request.headers().clone_into(&mut state.last_headers.lock().unwrap());
    let path = request.uri().path().to_owned();
    let plain = Response::builder().header("x-backend", &state.name);
    Ok(match path.as_str() {
        "/fail" => plain.status(500).body(text("broken")).unwrap(),
        "/empty" => plain.status(204).body(text("")).unwrap(),
        "/hop" => plain
            .header("connection", "x-secret, close")
            .header("x-secret", "1")
            .header("keep-alive", "timeout=5")
            .body(text("hop"))
            .unwrap(),
        "/gate" => {
            state.gate.acquire().await.unwrap().forget();
            plain.body(text("through")).unwrap()
        }
        "/drip" => plain.body(drip(state)).unwrap(),
        "/upload" => {
            let mut body = request.into_body();
            let mut total = 0;
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => total += frame.data_ref().map_or(0, Bytes::len),
                    Err(_) => break,
                }
            }
            plain.body(text(total.to_string())).unwrap()
        }
        "/ws" => {
            tokio::spawn(async move {
                let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
                echo_frames(TokioIo::new(upgraded)).await;
            });
            let switching = plain.status(101).header("connection", "upgrade").header("upgrade", "websocket");
            switching.body(text("")).unwrap()
        }
        "/grpc" | "/grpc-fault" => {
            let code = if path == "/grpc" { "0" } else { "13" };
            let mut body = request.into_body();
            let (send, receive) = mpsc::channel::<Frame<Bytes>>(1);
            tokio::spawn(async move {
                while let Some(Ok(frame)) = body.frame().await {
                    if let Ok(data) = frame.into_data() {
                        send.send(Frame::data(data)).await.unwrap();
                    }
                }
                let trailers =
                    HeaderMap::from_iter([("grpc-status".parse().unwrap(), code.parse().unwrap())]);
                send.send(Frame::trailers(trailers)).await.unwrap();
            });
            plain.header("content-type", "application/grpc").body(channel_body(receive)).unwrap()
        }
        _ => plain.body(text(state.name.clone())).unwrap(),
    })
}

pub(crate) fn channel_body(receive: mpsc::Receiver<Frame<Bytes>>) -> Body {
    ChannelBody(receive).boxed()
}

/// A body of the frames that come out of a channel.
struct ChannelBody(mpsc::Receiver<Frame<Bytes>>);

impl hyper::body::Body for ChannelBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|it| it.map(Ok))
    }
}

/// Ten chunks, each as soon as a permit is there.
fn drip(state: Arc<State>) -> Body {
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(async move {
        for _ in 0..10 {
            state.gate.acquire().await.unwrap().forget();
            if send.send(Frame::data(Bytes::from_static(b"drop;"))).await.is_err() {
                return;
            }
        }
    });
    channel_body(receive)
}

async fn echo_frames(mut io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    while let Some((opcode, payload)) = read_frame(&mut io).await {
        let mut frame = vec![0x80 | opcode, u8::try_from(payload.len()).unwrap()];
        frame.extend(payload);
        if io.write_all(&frame).await.is_err() || opcode == 8 {
            break;
        }
    }
}

/// One short frame; `None` at the end.
pub(crate) async fn read_frame(io: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    io.read_exact(&mut head).await.ok()?;
    let mut mask = [0; 4];
    if head[1] & 0x80 != 0 {
        io.read_exact(&mut mask).await.ok()?;
    }
    let mut payload = vec![0; usize::from(head[1] & 0x7F)];
    io.read_exact(&mut payload).await.ok()?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Some((head[0] & 0x0F, payload))
}

/// A proxy with one open port of one service.
pub(crate) struct Bench {
    pub(crate) proxy: Proxy,
    pub(crate) addr: SocketAddr,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::with(Protocol::Http, |_| {})
    }

    pub(crate) fn with(protocol: Protocol, adjust: impl FnOnce(&mut ProxyConfig)) -> Bench {
        let mut config = ProxyConfig::new("epoch-1", [7; 32]);
        adjust(&mut config);
        let proxy = Proxy::new(config);
        let addr = proxy.listen(&web(), &http_port(), "127.0.0.1:0".parse().unwrap(), protocol).unwrap();
        Bench { proxy, addr }
    }

    /// Adds a slot with one instance, and waits until it is ready.
    pub(crate) async fn add(&self, number: u64, backend: &Backend) {
        self.put(number, backend);
        self.proxy.wait_ready(&web(), r(number), 1, PATIENCE).await.unwrap();
    }

    pub(crate) fn put(&self, number: u64, backend: &Backend) {
        self.proxy.put_slot(&web(), r(number), slot_config(number)).unwrap();
        self.proxy.put_instance(&web(), r(number), 1, addresses(backend)).unwrap();
    }

    pub(crate) fn weigh(&self, weights: &Weights) {
        self.proxy.set_weights(&web(), weights).unwrap();
    }

    pub(crate) fn counts(&self, number: u64) -> SlotCounts {
        let slot = SlotRef { service: web(), release: r(number) };
        self.proxy.samples(&[web()]).slots[&slot].clone()
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.addr).await
    }

    /// Waits until nothing is under way in a slot, so that its counts are complete.
    pub(crate) async fn settled(&self, number: u64) {
        eventually(|| self.proxy.in_flight(&web(), r(number)) == 0).await;
    }
}

pub(crate) fn addresses(backend: &Backend) -> BTreeMap<PortName, SocketAddr> {
    BTreeMap::from([(http_port(), backend.addr)])
}

/// Lets others run until it holds.
pub(crate) async fn eventually(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it did not come to hold in time");
}

pub(crate) struct Client {
    sender: http1::SendRequest<Body>,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    /// `name=value` of the session that this answer starts.
    pub(crate) fn cookie(&self) -> Option<String> {
        let set = self.headers.get("set-cookie")?.to_str().unwrap();
        Some(set.split(';').next().unwrap().to_owned())
    }
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Client {
        let stream = TcpStream::connect(addr).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        Client { sender }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.try_send(Method::GET, path, headers, Empty::new().boxed()).await.unwrap()
    }

    pub(crate) async fn post(&mut self, path: &str, body: Body) -> Reply {
        self.try_send(Method::POST, path, &[], body).await.unwrap()
    }

    pub(crate) async fn try_send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> hyper::Result<Reply> {
        let response = self.open(method, path, headers, body).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// Answers when the header is there.
    pub(crate) async fn open(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> hyper::Result<Response<Incoming>> {
        let mut request = Request::builder().method(method).uri(path).header("host", "example.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await?;
        self.sender.send_request(request.body(body).unwrap()).await
    }
}
