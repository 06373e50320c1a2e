//! An S3 server in the test process: the real protocol on a loopback port, with counters and faults on demand.
//!
//! Buckets and objects are folders and files below a temporary directory. Signatures are checked. Around that stands a
//! layer that counts requests and bytes, and answers some requests wrongly when a test asks for it.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::sync::oneshot;

/// The one identity that the server knows.
pub const ACCESS_KEY_ID: &str = "OGIVETESTKEY";
/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "a secret for the loopback only";

type BodyError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Requests since the start or the last reset, by kind, those answered with a fault included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// GET of an object or of a range of one.
    pub get: usize,
    /// HEAD of an object.
    pub head: usize,
    /// Listings.
    pub list: usize,
    /// PUT of an object or of a part.
    pub put: usize,
    /// Everything else: starting and completing uploads, deletions.
    pub other: usize,
    /// Bytes of objects sent; listings and error answers do not count.
    pub bytes: u64,
}

/// What happens to a request in place of an answer.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Status(u16),
    /// The answer comes late.
    Stall(Duration),
    /// The connection breaks after so many bytes of the object.
    Cut(u64),
}

#[derive(Default)]
struct State {
    counts: Counts,
    /// For the next requests, first one first.
    faults: std::collections::VecDeque<Fault>,
    denied: HashSet<String>,
}

/// A running server; it stops when dropped.
pub struct S3Server {
    address: SocketAddr,
    root: tempfile::TempDir,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl S3Server {
    /// Starts a server with no buckets on a free port. It answers signed requests only.
    pub fn start() -> Self {
        let identity = SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        Self::launch(Some(identity), false)
    }

    /// The same, open to everybody: its buckets are public, and plain HTTP clients can read its objects.
    pub fn start_public() -> Self {
        Self::launch(None, false)
    }

    /// The same for clients of Google Cloud Storage: its XML API is S3's but for the names of headers and for bearer
    /// tokens, which are not looked at here. What it does beyond S3 is missing.
    pub fn start_google() -> Self {
        Self::launch(None, true)
    }

    fn launch(identity: Option<SimpleAuth>, google: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root.path()).unwrap());
        if let Some(identity) = identity {
            builder.set_auth(identity);
        }
        let service = builder.build();

        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        // A thread and a runtime of its own, so that a test may block while the server answers.
        let thread = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(serve(listener, (service, google), shared, stopped));
        });
        Self {
            address,
            root,
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// What `AWS_ENDPOINT_URL` should be.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The variables with which a process, or a registry of stores, reaches this server.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.endpoint().as_str()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// `OPTIONS (..)` of a statement that reaches this server, with more options after a comma if `more` is not empty.
    pub fn sql_options(&self, more: &str) -> String {
        let comma = if more.is_empty() { "" } else { ", " };
        format!(
            "OPTIONS ('aws.endpoint' '{}', 'aws.access_key_id' '{ACCESS_KEY_ID}', \
             'aws.secret_access_key' '{SECRET_ACCESS_KEY}'{comma}{more})",
            self.endpoint()
        )
    }

    /// Stores an object without a request, and its bucket with it.
    pub fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        let path = self.path(bucket, key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Takes an object away without a request.
    pub fn remove(&self, bucket: &str, key: &str) {
        std::fs::remove_file(self.path(bucket, key)).unwrap();
    }

    /// Reads an object without a request.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path(bucket, key)).ok()
    }

    fn path(&self, bucket: &str, key: &str) -> PathBuf {
        self.root.path().join(bucket).join(key)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Requests since the start or the last [`reset`](Self::reset).
    pub fn requests(&self) -> Counts {
        self.state().counts
    }

    /// Sets the counters to zero and forgets every fault and denial.
    pub fn reset(&self) {
        *self.state() = State::default();
    }

    /// The next `count` requests are answered with `status` and nothing done.
    pub fn fail_next(&self, count: usize, status: u16) {
        self.add_faults(count, Fault::Status(status));
    }

    /// The next `count` requests are answered only after `delay`.
    pub fn stall_next(&self, count: usize, delay: Duration) {
        self.add_faults(count, Fault::Stall(delay));
    }

    /// The connection breaks after `bytes` bytes of each of the next `count` objects, or ranges of them.
    pub fn cut_next(&self, count: usize, bytes: u64) {
        self.add_faults(count, Fault::Cut(bytes));
    }

    fn add_faults(&self, count: usize, fault: Fault) {
        self.state()
            .faults
            .extend(std::iter::repeat_n(fault, count));
    }

    /// Faults that no request has met yet.
    pub fn faults_left(&self) -> usize {
        self.state().faults.len()
    }

    /// From now on this object may not be touched.
    pub fn deny(&self, bucket: &str, key: &str) {
        self.state().denied.insert(format!("{bucket}/{key}"));
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed by its thread already.
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: std::net::TcpListener,
    (service, google): (S3Service, bool),
    state: Arc<Mutex<State>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => socket,
                Err(_) => continue,
            },
            _ = &mut stopped => return,
        };
        let (service, state) = (service.clone(), Arc::clone(&state));
        let answer = service_fn(move |request| {
            let (service, state) = (service.clone(), Arc::clone(&state));
            async move {
                let request = if google {
                    from_google(request)
                } else {
                    request
                };
                let mut response = respond(service, state, request).await;
                if google {
                    let generation = HeaderValue::from_static("1");
                    response
                        .headers_mut()
                        .insert("x-goog-generation", generation);
                }
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), answer),
        );
    }
}

/// A request to Google Cloud Storage as one to S3.
fn from_google(mut request: Request<Incoming>) -> Request<Incoming> {
    let headers = std::mem::take(request.headers_mut());
    for (name, value) in &headers {
        let name = name.as_str();
        if name == "authorization" {
            assert!(value.as_bytes().starts_with(b"Bearer"), "{value:?}");
            continue;
        }
        let name = name.replace("x-goog-", "x-amz-");
        let name = HeaderName::try_from(name).unwrap();
        request.headers_mut().append(name, value.clone());
    }
    request
}

async fn respond(
    service: S3Service,
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Response<Body> {
    let path = object_store::path::Path::from_url_path(request.uri().path());
    let path = path.map_or_else(|_| String::new(), |path| path.to_string());
    let object = is_object(&request);
    let reads = object && request.method() == Method::GET;
    let (fault, denied) = {
        let mut state = state.lock().unwrap();
        count(&mut state.counts, &request, object);
        // A break waits for an answer that has a body to break in.
        let waits = matches!(state.faults.front(), Some(Fault::Cut(_))) && !reads;
        let fault = if waits {
            None
        } else {
            state.faults.pop_front()
        };
        (fault, state.denied.contains(&path))
    };
    if denied {
        return error_answer(403, "AccessDenied", "Access Denied");
    }
    let mut cut = None;
    match fault {
        Some(Fault::Status(status)) => {
            return error_answer(status, "InternalError", "This failure was asked for");
        }
        Some(Fault::Stall(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::Cut(bytes)) => cut = Some(bytes),
        None => {}
    }
    match service.call(request.map(s3s::Body::from)).await {
        Ok(response) => {
            let sent = (reads && response.status().is_success()).then_some(state);
            response.map(|body| watched(body, sent, cut))
        }
        Err(error) => error_answer(500, "InternalError", &format!("{error:?}")),
    }
}

/// Counts the bytes of `body` as they go out, and breaks off after `cut` of them.
fn watched(body: s3s::Body, state: Option<Arc<Mutex<State>>>, cut: Option<u64>) -> Body {
    let mut sent = 0;
    let body = body.map_frame(move |frame: Frame<Bytes>| {
        if let (Some(state), Some(data)) = (&state, frame.data_ref()) {
            state.lock().unwrap().counts.bytes += data.len() as u64;
        }
        frame
    });
    let mut broken = false;
    let stream = http_body_util::BodyStream::new(body);
    let stream = futures::StreamExt::map(stream, move |frame| {
        let frame = frame?;
        sent += frame.data_ref().map_or(0, |data| data.len() as u64);
        broken |= cut.is_some_and(|cut| sent > cut);
        if broken {
            return Err("the connection was to break".into());
        }
        Ok(frame)
    });
    UnsyncBoxBody::new(http_body_util::StreamBody::new(stream))
}

fn error_answer(status: u16, code: &str, message: &str) -> Response<Body> {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Response::builder()
        .status(status)
        .header("content-type", "application/xml")
        .body(UnsyncBoxBody::new(
            Full::new(Bytes::from(xml)).map_err(|never| match never {}),
        ))
        .unwrap()
}

/// Whether the path goes on after the bucket.
fn is_object(request: &Request<Incoming>) -> bool {
    request
        .uri()
        .path()
        .trim_start_matches('/')
        .split_once('/')
        .is_some_and(|(_, key)| !key.is_empty())
}

fn count(counts: &mut Counts, request: &Request<Incoming>, object: bool) {
    let counter = match *request.method() {
        Method::GET if object => &mut counts.get,
        Method::GET => &mut counts.list,
        Method::HEAD => &mut counts.head,
        Method::PUT => &mut counts.put,
        _ => &mut counts.other,
    };
    *counter += 1;
}
