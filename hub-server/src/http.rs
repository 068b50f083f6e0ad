//! Health, metrics and further routes (the admin API) over HTTP, independent of clients and their events.
//! Without it, no probe, no Prometheus and no administrator could reach a hub.
//!
//! A thread of its own answers, so a slow scraper costs a connection and nothing else. `server` limits
//! connections and times. Health and metrics come from memory: they read only the method and the path of a
//! request, and an answer repeats nothing of it.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use prometheus::{Encoder, Registry, TextEncoder};

mod server;

pub use server::HttpServer;
pub(crate) use server::PeerAddress;

const INDEX: &str = "hub\n\n\
    /healthz  200 while the process runs\n\
    /readyz   200 while it accepts clients, 503 while it drains\n\
    /metrics  for Prometheus\n\
    /admin/audit, /admin/reload  for administrators\n";

/// What the answers for health and metrics are made from.
#[derive(Clone)]
pub struct HttpState {
    /// The metrics.
    pub registry: Registry,
    /// Whether the hub accepts clients. It is false until the hub listens, and again when it
    /// drains.
    pub ready: Arc<AtomicBool>,
}

/// Serves `/healthz`, `/readyz`, `/metrics` and the routes of `more` on `listener`, in a thread of
/// its own. The server handles no signals. Stop it last, so that `/readyz` can answer "draining"
/// while the hub drains.
///
/// # Errors
///
/// The listener cannot be used, or the operating system gives no thread.
pub fn serve(
    listener: TcpListener,
    state: HttpState,
    tls: Option<rustls::ServerConfig>,
    more: Router,
) -> io::Result<HttpServer> {
    HttpServer::start(listener, tls, routes(state).merge(more).layer(map_response(add_headers)))
}

fn routes(state: HttpState) -> Router {
    Router::new()
        .route("/", page(get(async || text(StatusCode::OK, INDEX))))
        .route("/healthz", page(get(async || text(StatusCode::OK, "ok\n"))))
        .route("/readyz", page(get(readyz)))
        .route("/metrics", page(get(metrics)))
        .fallback(async || text(StatusCode::NOT_FOUND, "not found; / lists what there is\n"))
        .with_state(state)
}

/// Lets `get` answer GET and HEAD; a request with another method gets 405.
fn page<S: Clone + Send + Sync + 'static>(get: MethodRouter<S>) -> MethodRouter<S> {
    get.fallback(async || {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        (allow, text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n"))
    })
}

/// Adds the headers to every answer that keep caches and browsers from using it for anything else.
async fn add_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn readyz(State(state): State<HttpState>) -> Response {
    if state.ready.load(Ordering::Acquire) {
        text(StatusCode::OK, "ready\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    }
}

async fn metrics(State(state): State<HttpState>) -> Response {
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
    // For a text, axum sets the type text/plain in UTF-8.
    (status, body).into_response()
}
