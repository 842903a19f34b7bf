//! A proxy before the API server that is as faulty as it is told to be. It speaks plain HTTP on the near side.

use std::future::Future as _;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep};

use crate::dice::Dice;
use crate::faults::Trouble;

/// Of a hundred requests, those that meet the trouble.
const SHARE: u64 = 50;
/// Of a hundred, those that get no answer: each of them costs all of its time.
const SILENT_SHARE: u64 = 15;
/// Longer than Lockgate waits for an answer.
const SILENCE: Duration = Duration::from_secs(25);
/// What is cut ends within this.
const CUT_WITHIN: Duration = Duration::from_secs(2);
const CUT_AFTER_BYTES: u64 = 3_000;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<Either<Full<Bytes>, Passing>>;

pub(crate) struct ApiProxy {
    pub(crate) address: SocketAddr,
    sky: Arc<Sky>,
    _runtime: tokio::runtime::Runtime,
}

struct Sky {
    client: Client,
    trouble: Mutex<Option<Trouble>>,
    dice: Mutex<Dice>,
}

impl ApiProxy {
    /// Whoever comes is let in as who the kubeconfig says.
    pub(crate) fn open(kubeconfig: &Path) -> ApiProxy {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (address, sky) = runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
            let options = KubeConfigOptions::default();
            let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
            config.default_retry = false;
            let client = Client::try_from(config).unwrap();
            let sky = Arc::new(Sky { client, trouble: Mutex::default(), dice: Mutex::new(Dice::of(7)) });
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(serve(listener, Arc::clone(&sky)));
            (address, sky)
        });
        ApiProxy { address, sky, _runtime: runtime }
    }

    pub(crate) fn trouble(&self, trouble: Trouble) {
        *self.sky.trouble.lock().unwrap() = Some(trouble);
    }

    pub(crate) fn calm(&self) {
        *self.sky.trouble.lock().unwrap() = None;
    }
}

async fn serve(listener: TcpListener, sky: Arc<Sky>) {
    while let Ok((stream, _)) = listener.accept().await {
        let sky = Arc::clone(&sky);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&sky), request));
            let server = hyper::server::conn::http1::Builder::new();
            // An error of the service is a connection that ends without an answer, which is what is wanted.
            drop(server.serve_connection(TokioIo::new(stream), service).with_upgrades().await);
        });
    }
}

async fn answer(sky: Arc<Sky>, request: Request<Incoming>) -> Result<Answer, Error> {
    let trouble = sky.met();
    let writes = request.method() != Method::GET;
    match trouble {
        Some(Trouble::TooMany) => return Ok(refused(StatusCode::TOO_MANY_REQUESTS, Some("1"))),
        Some(Trouble::Internal) => return Ok(refused(StatusCode::INTERNAL_SERVER_ERROR, None)),
        Some(Trouble::Unavailable) => return Ok(refused(StatusCode::SERVICE_UNAVAILABLE, None)),
        Some(Trouble::Reset) => return Err("reset".into()),
        Some(Trouble::Silent) => {
            let never = std::future::pending();
            return tokio::time::timeout(SILENCE, never).await.unwrap_or_else(|_| Err("silent".into()));
        }
        Some(Trouble::Cut | Trouble::LostAnswer) | None => (),
    }
    let mut request = request;
    let near = hyper::upgrade::on(&mut request);
    let (mut head, body) = request.into_parts();
    head.headers.remove("host");
    let body = body.collect().await?.to_bytes();
    let mut passed = sky.client.send(Request::from_parts(head, kube::client::Body::from(body))).await?;
    if passed.status() == StatusCode::SWITCHING_PROTOCOLS {
        tokio::spawn(join(near, hyper::upgrade::on(&mut passed)));
    }
    if trouble == Some(Trouble::LostAnswer) && writes {
        return Err("its answer is lost".into());
    }
    let cut = (trouble == Some(Trouble::Cut)).then(|| sky.cut());
    Ok(passed.map(|body| Either::Right(Passing { body, cut })))
}

/// A connection that speaks something else than HTTP from now on, as one that forwards a port.
async fn join(near: OnUpgrade, far: OnUpgrade) -> Result<(), Error> {
    let (mut near, mut far) = (TokioIo::new(near.await?), TokioIo::new(far.await?));
    tokio::io::copy_bidirectional(&mut near, &mut far).await?;
    Ok(())
}

impl Sky {
    /// Whether the next request is one that meets the trouble.
    fn met(&self) -> Option<Trouble> {
        let trouble = (*self.trouble.lock().unwrap())?;
        let share = if trouble == Trouble::Silent { SILENT_SHARE } else { SHARE };
        (self.dice.lock().unwrap().below(100) < share).then_some(trouble)
    }

    fn cut(&self) -> Cut {
        let mut dice = self.dice.lock().unwrap();
        let bytes = dice.below(CUT_AFTER_BYTES);
        Cut { bytes, then: Box::pin(tokio::time::sleep_until(Instant::now() + dice.moment(CUT_WITHIN))) }
    }
}

/// As the API server says it.
fn refused(status: StatusCode, retry_after: Option<&str>) -> Answer {
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "the test's faulty proxy refuses it", "reason": "", "code": status.as_u16(),
    });
    let mut answer = Response::builder().status(status).header("content-type", "application/json");
    if let Some(secs) = retry_after {
        answer = answer.header("retry-after", secs);
    }
    answer.body(Either::Left(Full::new(Bytes::from(body.to_string())))).unwrap()
}

/// An answer on its way, which may end before its time.
struct Passing {
    body: kube::client::Body,
    cut: Option<Cut>,
}

struct Cut {
    /// That are let through.
    bytes: u64,
    then: Pin<Box<Sleep>>,
}

impl Body for Passing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(cut) = &mut self.cut
            && (cut.bytes == 0 || cut.then.as_mut().poll(context).is_ready())
        {
            return Poll::Ready(Some(Err("cut".into())));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else { return Poll::Pending };
        let Some(frame) = frame else { return Poll::Ready(None) };
        let frame = frame.map_err(Error::from)?;
        let (Some(cut), Some(data)) = (&mut self.cut, frame.data_ref()) else {
            return Poll::Ready(Some(Ok(frame)));
        };
        let passes = data.len().min(usize::try_from(cut.bytes).unwrap_or(usize::MAX));
        cut.bytes -= passes as u64;
        let data = data.slice(..passes);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}
