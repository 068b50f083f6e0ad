//! Health, metrics and what others add (the admin API) over HTTP, beside the data plane and
//! independent of it.
//!
//! One worker thread answers; health and metrics are made from memory, so a slow scraper costs a
//! connection and nothing else. Connections, the time a request may take to arrive, and the time
//! an idle connection is kept are bounded. Health and metrics read nothing of a request but its
//! method and path, and repeat nothing of it in an answer.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer, Resource, guard};
use prometheus::{Encoder, Registry, TextEncoder};

/// More than this wait to be accepted. With the next one: whoever wants to keep others from an
/// answer has to open so many each second.
const MAX_CONNECTIONS: usize = 1024;
/// For the head of a request, which is one packet.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);
/// Several packets, and computing on both sides.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const SHUTDOWN_SECONDS: u64 = 1;

const INDEX: &str = "hub\n\n\
    /healthz  200 while the process runs\n\
    /readyz   200 while it accepts clients, 503 while it drains\n\
    /metrics  for Prometheus\n\
    /admin/audit, /admin/reload  for administrators\n";

/// What the answers are made from.
#[derive(Clone)]
pub struct HttpState {
    /// The metrics.
    pub registry: Registry,
    /// Whether clients are accepted. False until the hub listens, and again once it drains.
    pub ready: Arc<AtomicBool>,
}

/// Serves `/healthz`, `/readyz`, `/metrics` and what `more` adds on `listener`. The server takes no
/// signals: stop it with its handle, last, so that `/readyz` can say "draining" while the hub
/// drains.
///
/// # Errors
///
/// Where the listener cannot be used.
///
/// # Panics
///
/// Outside an actix system, on which the server is to be spawned.
pub fn serve(
    listener: TcpListener,
    state: HttpState,
    tls: Option<rustls::ServerConfig>,
    more: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        let (state, more) = (state.clone(), more.clone());
        App::new()
            .wrap(
                DefaultHeaders::new()
                    .add((header::CACHE_CONTROL, "no-store"))
                    .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff")),
            )
            .configure(move |app| {
                routes(app, state);
                more(app);
            })
    });
    let server = server
        .workers(1)
        .max_connections(MAX_CONNECTIONS)
        .client_request_timeout(REQUEST_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
        .disable_signals();
    let server = match tls {
        None => server.listen(listener)?,
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
    };
    Ok(server.run())
}

fn routes(app: &mut ServiceConfig, state: HttpState) {
    app.app_data(Data::new(state))
        .service(page("/").route(get().to(|| async { text(StatusCode::OK, INDEX) })))
        .service(page("/healthz").route(get().to(|| async { text(StatusCode::OK, "ok\n") })))
        .service(page("/readyz").route(get().to(readyz)))
        .service(page("/metrics").route(get().to(metrics)))
        .default_service(web::to(|| async {
            text(StatusCode::NOT_FOUND, "not found; / lists what there is\n")
        }));
}

/// A path that answers GET and HEAD, and anything else with 405.
fn page(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|| async {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
        response
    }))
}

fn get() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Method(Method::HEAD)))
}

async fn readyz(state: Data<HttpState>) -> HttpResponse {
    if state.ready.load(Ordering::Acquire) {
        text(StatusCode::OK, "ready\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    }
}

async fn metrics(state: Data<HttpState>) -> HttpResponse {
    let encoder = TextEncoder::new();
    let mut body = Vec::new();
    match encoder.encode(&state.registry.gather(), &mut body) {
        Ok(()) => HttpResponse::Ok().content_type(encoder.format_type()).body(body),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be encoded");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be encoded\n")
        }
    }
}

fn text(status: StatusCode, body: &'static str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(body)
}
