//! Serves health, metrics and further routes (the admin API) over HTTP, independently of clients
//! and their events. Without this module, no probe, no Prometheus and no administrator could reach
//! a hub.
//!
//! The server has its own thread, so a slow scraper costs a connection and nothing else. The module
//! `server` limits how long each connection may take, and `places` limits their number: when there is
//! no place for a new connection, another one gives way. Health and metrics
//! are answered from memory: their handlers read only the method and the path of a request, and no
//! answer repeats a part of the request.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::limits::sockets::SocketBudget;
use crate::reload::stale_files::StaleFiles;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use prometheus::{Encoder, Registry, TextEncoder};

mod places;
mod server;

pub use server::HttpServer;
pub(crate) use server::PeerAddress;

const INDEX: &str = "hub\n\n\
    /healthz  200 while the process runs\n\
    /readyz   200 while it accepts clients, 503 while it drains\n\
    /metrics  for Prometheus\n\
    /admin/audit, /admin/reload  for administrators\n";

/// Holds the sources of the answers for health and metrics.
#[derive(Clone)]
pub struct HttpState {
    /// The answer to `/metrics` contains the metrics of this registry.
    pub registry: Registry,
    /// The answer to `/readyz` is "ready" while this flag is true. The hub sets the flag when it
    /// listens, and clears it when it begins to drain.
    pub ready: Arc<AtomicBool>,
}

/// Serves `/healthz`, `/readyz`, `/metrics` and the routes of `more` on `listener`, in a thread of
/// its own. The server handles no signals. The caller should stop the server last, so that
/// `/readyz` can answer "draining" while the hub drains.
///
/// # Errors
///
/// Fails if the listener cannot be used, or if the operating system gives no thread.
pub fn serve(
    listener: TcpListener,
    state: HttpState,
    tls: Option<rustls::ServerConfig>,
    more: Router,
) -> io::Result<HttpServer> {
    serve_within(listener, state, None, tls, more, SocketBudget::of(usize::MAX))
}

/// Serves like [`serve`], and takes the file descriptors of its connections from `sockets`. While any of
/// `stale_files` is stale, `/readyz` says so with status 503.
pub(crate) fn serve_within(
    listener: TcpListener,
    state: HttpState,
    stale_files: Option<StaleFiles>,
    tls: Option<rustls::ServerConfig>,
    more: Router,
    sockets: SocketBudget,
) -> io::Result<HttpServer> {
    let routes = routes((state, stale_files)).merge(more);
    HttpServer::start(listener, tls, routes.layer(map_response(add_headers)), sockets)
}

/// Holds the state of the server. The second part is `None` if stale files do not matter.
type ServedState = (HttpState, Option<StaleFiles>);

fn routes(state: ServedState) -> Router {
    Router::new()
        .route("/", page(get(async || text(StatusCode::OK, INDEX))))
        .route("/healthz", page(get(async || text(StatusCode::OK, "ok\n"))))
        .route("/readyz", page(get(readyz)))
        .route("/metrics", page(get(metrics)))
        .fallback(async || text(StatusCode::NOT_FOUND, "not found; / lists what there is\n"))
        .with_state(state)
}

/// Lets `get` answer GET and HEAD. A request with another method gets status 405.
fn page<S: Clone + Send + Sync + 'static>(get: MethodRouter<S>) -> MethodRouter<S> {
    get.fallback(async || {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        (allow, text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n"))
    })
}

/// Tells caches not to store the answer, and browsers not to guess its content type.
async fn add_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn readyz(State((state, stale_files)): State<ServedState>) -> Response {
    if !state.ready.load(Ordering::Acquire) {
        text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else if stale_files.is_some_and(|files| files.any()) {
        text(StatusCode::SERVICE_UNAVAILABLE, "a file cannot be used; the log says why\n")
    } else {
        text(StatusCode::OK, "ready\n")
    }
}

async fn metrics(State((state, _)): State<ServedState>) -> Response {
    let encoder = TextEncoder::new();
    let mut body = Vec::new();
    match encoder.encode(&state.registry.gather(), &mut body) {
        Ok(()) => {
            ([(header::CONTENT_TYPE, encoder.format_type().to_owned())], body).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be encoded");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be encoded\n")
        }
    }
}

fn text(status: StatusCode, body: &'static str) -> Response {
    // axum gives a text the content type `text/plain` in UTF-8.
    (status, body).into_response()
}
