//! Serves the admin API to identities whose rights include `admin`. Without this module, an
//! administrator could neither read the audit nor reload the files over HTTP.
//!
//! A request carries the credentials that a client shows in HELLO, in an `Authorization` header:
//! `Bearer` with an access token or a JWT, or `Basic` with a name and a password. A request from
//! this machine without credentials counts as an anonymous client on this machine. A web page in a
//! browser on this machine must not act for the user of the machine. So the hub refuses every
//! request of another site's page. A request without credentials must also name this machine as its
//! host, and must not come through a proxy.
//!
//! Secrets are hashed in turn with those of clients, each address in its turn, so a crowd of requests
//! delays neither administrators at other addresses nor clients.

use crate::http::PeerAddress;
use crate::hub::Hub;
use crate::limits::Limit;
use crate::limits::account::{AccountKey, UNKNOWN_ADDRESS};
use crate::policy::access::{Access, Credentials, Denied, Identity, Peer, Reason};
use crate::policy::hash_queue::Requester;
use crate::policy::hashing::NotHashed;
use crate::policy::key_fetches;
use crate::reload::report::ReloadReport;
use crate::telemetry::audit::audit;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{self, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

mod origin;

/// Returns the routes of the API, which are all below `/admin/`.
pub(crate) fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/admin/audit", only(Method::GET, get(show_audit)))
        .route("/admin/reload", only(Method::POST, post(reload)))
        .with_state(hub)
}

/// Lets `route` answer only the method `allowed`. A request with another method gets status 405.
fn only(allowed: Method, route: MethodRouter<Arc<Hub>>) -> MethodRouter<Arc<Hub>> {
    let refuse = async move || {
        let allow = [(header::ALLOW, allowed.to_string())];
        (allow, error(StatusCode::METHOD_NOT_ALLOWED, "another method is needed"))
    };
    // Without `head`, axum would answer HEAD with the handler of GET.
    route.head(refuse.clone()).fallback(refuse)
}

async fn show_audit(State(hub): State<Arc<Hub>>, request: Parts) -> Response {
    match administrator(&hub, &request).await {
        Ok(_) => audit_of(&hub).await,
        Err(refused) => refused,
    }
}

/// Makes the audit, as soon as few enough others are being made and read.
async fn audit_of(hub: &Hub) -> Response {
    let Ok(permit) = hub.audits.clone().acquire_owned().await else {
        return error(StatusCode::SERVICE_UNAVAILABLE, "the hub is stopping");
    };
    let body = audit(&hub.directory, &hub.policy).await.with_permit(permit);
    let kind = HeaderValue::from_static("application/json");
    (StatusCode::OK, [(header::CONTENT_TYPE, kind)], Body::new(body)).into_response()
}

async fn reload(State(hub): State<Arc<Hub>>, request: Parts) -> Response {
    let identity = match administrator(&hub, &request).await {
        Ok(identity) => identity,
        Err(refused) => return refused,
    };
    tracing::info!(identity = identity.name(), "an administrator asked for a reload");
    let outcomes = hub.reloads.all().await;
    let refused = !outcomes.iter().all(ReloadReport::is_applied);
    let files: Vec<Value> = outcomes.iter().map(ReloadReport::to_json).collect();
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let restart: Vec<_> = outcomes.iter().flat_map(ReloadReport::needs_restart).collect();
    json(status, &json!({ "files": files, "needs_restart": restart }))
}

/// Returns the identity of the request if that identity has the right `admin`, and otherwise the
/// response that refuses the request.
async fn administrator(hub: &Arc<Hub>, request: &Parts) -> Result<Identity, Response> {
    if origin::is_of_another_site(request) {
        return Err(error(StatusCode::FORBIDDEN, "this is not for pages of other sites"));
    }
    let Some(credentials) = credentials(request) else {
        return Err(error(StatusCode::BAD_REQUEST, "the Authorization header cannot be read"));
    };
    let anonymous = credentials == Credentials::None;
    if anonymous && origin::may_be_forwarded(request) {
        let why = "this request has headers or a version that a proxy may have added: through a \
                   proxy, this takes credentials";
        return Err(error(StatusCode::FORBIDDEN, why));
    }
    let address = PeerAddress::of(&request.extensions).map(|peer| peer.ip().to_canonical());
    let loopback = address.is_some_and(|ip| ip.is_loopback())
        && (!anonymous || origin::names_this_machine(request));
    let peer = Peer { loopback, certificate: None };
    let newest = match key_fetches::newer(&hub.policy.access, &credentials) {
        Some(fetched) => fetched.await,
        None => true,
    };
    let access = hub.policy.access.current();
    let hash = access.hash_bytes(&credentials).zip(Access::claimed_id(&credentials).map(Arc::from));
    let check = move || access.authenticate(&credentials, &peer, SystemTime::now());
    let entered = match hash {
        Some((bytes, id)) => {
            let address = AccountKey::at(address.unwrap_or(UNKNOWN_ADDRESS));
            hash_in_turn(hub, Requester { address, id }, bytes, check).await?
        }
        None => check(),
    };
    match entered {
        Ok(identity) if identity.rights().may_admin() => Ok(identity),
        Ok(_) => Err(error(StatusCode::FORBIDDEN, "this takes a role with the right admin")),
        Err(denied) => Err(refusal(denied.for_good_if(newest))),
    }
}

/// Runs `check`, whose hash takes `bytes` bytes, on a thread that computes hashes, when it is the turn of
/// `of`. Returns the response that refuses the request if that takes longer than a handshake may, or if there
/// is no memory for it.
async fn hash_in_turn<T: Send + 'static>(
    hub: &Hub,
    of: Requester,
    bytes: usize,
    check: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Response> {
    let limits = hub.limits.in_force.current();
    let patience = Duration::from_millis(limits.handshake_ms);
    let hashed = hub.policy.hashing.run(of, bytes, limits.max_connections, check);
    match timeout(patience, hashed).await {
        Ok(Ok(entered)) => Ok(entered),
        Ok(Err(NotHashed::Failed)) => {
            Err(error(StatusCode::INTERNAL_SERVER_ERROR, "the check failed"))
        }
        Ok(Err(NotHashed::NoMemory)) => {
            hub.metrics.limited(Limit::Memory);
            let why = "the hub is short of memory: try again later";
            Err(error(StatusCode::SERVICE_UNAVAILABLE, why))
        }
        Ok(Err(NotHashed::TooMany)) | Err(_) => {
            hub.metrics.limited(Limit::Handshake);
            let why = "too many clients are logging in: try again later";
            Err(error(StatusCode::SERVICE_UNAVAILABLE, why))
        }
    }
}

fn credentials(request: &Parts) -> Option<Credentials> {
    let Some(header) = request.headers.get(header::AUTHORIZATION) else {
        return Some(Credentials::None);
    };
    let (scheme, value) = header.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        // A JWT contains dots, and an access token of the hub contains none.
        return Some(match value.contains('.') {
            true => Credentials::Jwt(value.to_owned()),
            false => Credentials::Token(value.to_owned()),
        });
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some(Credentials::Password { user: user.to_owned(), password: password.to_owned() })
}

fn refusal(denied: Denied) -> Response {
    tracing::info!(reason = %denied.reason(), "a request to the admin API was refused");
    if denied.reason() == Reason::KeysPending {
        return error(StatusCode::SERVICE_UNAVAILABLE, &denied.to_string());
    }
    let mut answer = error(StatusCode::UNAUTHORIZED, &denied.to_string());
    let challenge = HeaderValue::from_static("Bearer, Basic realm=\"hub\"");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    answer
}

fn error(status: StatusCode, why: &str) -> Response {
    json(status, &json!({ "error": why }))
}

fn json(status: StatusCode, body: &Value) -> Response {
    let kind = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}
