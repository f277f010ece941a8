//! The authorisation server: token endpoint, SMART configuration, and an API that takes its tokens.
//!
//! It verifies as the NHS API platform and SMART servers do, and answers in the NHS platform's error shape.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use sp_fhir::clock::{Clock, ManualClock};

/// How it behaves.
pub(crate) enum Mood {
    Well,
    /// This status and body instead of a token.
    Answers(u16, String),
    /// Redirects to an address.
    Redirects(String),
}

pub(crate) struct Inner {
    pub(crate) clock: Arc<ManualClock>,
    /// Seconds by which its clock is ahead.
    pub(crate) ahead: i64,
    pub(crate) keys: HashMap<String, (Algorithm, DecodingKey)>,
    pub(crate) issuer: String,
    /// Client id and secret, as (Basic?, id, secret).
    pub(crate) secret: Option<(bool, String, String)>,
    pub(crate) life: Value,
    pub(crate) mood: Mood,
    pub(crate) wait: Duration,
    pub(crate) configuration: Value,
    pub(crate) base: String,
    pub(crate) jti: HashSet<String>,
    /// Tokens that the API takes.
    pub(crate) valid: HashSet<String>,
    /// What was asked: requests for tokens, the last error, the last `kid`, the last scope.
    pub(crate) asked: usize,
    pub(crate) discovered: usize,
    pub(crate) said: Option<String>,
    pub(crate) kid: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) issued: usize,
}

#[derive(Clone)]
pub(crate) struct Server(Arc<Mutex<Inner>>);

impl Server {
    pub(crate) async fn start(clock: Arc<ManualClock>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at: SocketAddr = listener.local_addr().unwrap();
        let base = format!("http://{at}");
        let configuration = json!({
            "token_endpoint": format!("{base}/oauth2/token"),
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        });
        let server = Self(Arc::new(Mutex::new(Inner {
            clock,
            ahead: 0,
            keys: HashMap::new(),
            issuer: String::new(),
            secret: None,
            life: json!("599"),
            mood: Mood::Well,
            wait: Duration::ZERO,
            configuration,
            base,
            jti: HashSet::new(),
            valid: HashSet::new(),
            asked: 0,
            discovered: 0,
            said: None,
            kid: None,
            scope: None,
            issued: 0,
        })));
        let routes = Router::new()
            .route("/oauth2/token", post(token))
            .route("/fhir/.well-known/smart-configuration", get(configuration_document))
            .route("/fhir/Task", get(api))
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        server
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(crate) fn token_url(&self) -> String {
        format!("{}/oauth2/token", self.lock().base)
    }

    pub(crate) fn base(&self) -> String {
        format!("{}/fhir", self.lock().base)
    }
}

async fn configuration_document(State(server): State<Server>) -> Response {
    let mut inner = server.lock();
    inner.discovered += 1;
    answer(&inner, 200, inner.configuration.to_string())
}

async fn api(State(server): State<Server>, headers: HeaderMap) -> StatusCode {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = given.strip_prefix("Bearer ").unwrap_or_default();
    if server.lock().valid.contains(token) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

async fn token(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    let wait = {
        let mut inner = server.lock();
        inner.asked += 1;
        inner.wait
    };
    tokio::time::sleep(wait).await;
    let mut inner = server.lock();
    match &inner.mood {
        Mood::Well => {}
        Mood::Answers(status, text) => return answer(&inner, *status, text.clone()),
        Mood::Redirects(to) => {
            let mut response = answer(&inner, 307, String::new());
            response.headers_mut().insert(header::LOCATION, to.parse().unwrap());
            return response;
        }
    }
    let form: HashMap<String, String> =
        reqwest::Url::parse(&format!("http://form/?{}", std::str::from_utf8(&body).unwrap()))
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
    inner.scope = form.get("scope").cloned();
    match allowed(&mut inner, &headers, &form) {
        Ok(()) => {
            inner.said = None;
            inner.issued += 1;
            let token = format!("canary-token-{}", inner.issued);
            inner.valid.insert(token.clone());
            let body = json!({
                "access_token": token, "expires_in": inner.life, "token_type": "Bearer", "issued_at": "1763726400000",
            });
            answer(&inner, 200, body.to_string())
        }
        Err((status, description)) => {
            inner.said = Some(description.to_owned());
            let error = if status == 401 { "public_key error" } else { "invalid_request" };
            let body = json!({
                "error": error, "error_description": description, "message_id": "rrt-284736092453751243-a-geu2-29544-1",
            });
            answer(&inner, status, body.to_string())
        }
    }
}

/// With the `Date` of its own clock.
fn answer(inner: &Inner, status: u16, body: String) -> Response {
    let seconds = u64::try_from(inner.clock.now().as_second() + inner.ahead).unwrap();
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(seconds));
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::CONTENT_TYPE, "application/json".to_owned()), (header::DATE, date)], body)
        .into_response()
}

fn allowed(
    inner: &mut Inner,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<(), (u16, &'static str)> {
    let field = |name: &str| form.get(name).map(String::as_str);
    if field("grant_type") != Some("client_credentials") {
        return Err((400, "grant_type is invalid"));
    }
    if let Some((basic, id, secret)) = &inner.secret {
        let right = if *basic {
            let pair = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
            field("client_secret").is_none()
                && headers.get(header::AUTHORIZATION).is_some_and(|value| *value == pair)
        } else {
            headers.get(header::AUTHORIZATION).is_none()
                && field("client_id") == Some(id)
                && field("client_secret") == Some(secret)
        };
        return if right { Ok(()) } else { Err((401, "Client credentials are invalid")) };
    }
    if field("client_assertion_type") != Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") {
        return Err((400, "Missing or invalid client_assertion_type"));
    }
    let jwt = field("client_assertion").ok_or((400, "Missing client_assertion"))?;
    let head = jsonwebtoken::decode_header(jwt).map_err(|_| (400, "Malformed JWT in client_assertion"))?;
    if !head.typ.is_some_and(|kind| kind.eq_ignore_ascii_case("JWT")) {
        return Err((400, "Invalid 'typ' header in client_assertion JWT - must be 'JWT'"));
    }
    let kid = head.kid.ok_or((400, "Missing 'kid' header in client_assertion JWT"))?;
    let (algorithm, key) = inner
        .keys
        .get(&kid)
        .ok_or((401, "Invalid 'kid' header in client_assertion JWT - no matching public key"))?;
    if head.alg != *algorithm {
        return Err((400, "Invalid 'alg' header in client_assertion JWT"));
    }
    let mut checks = Validation::new(*algorithm);
    checks.validate_exp = false;
    checks.validate_aud = false;
    checks.required_spec_claims.clear();
    let claims: Value = jsonwebtoken::decode(jwt, key, &checks)
        .map_err(|_| (401, "JWT signature verification failed"))?
        .claims;
    if claims["iss"] != inner.issuer.as_str() || claims["sub"] != claims["iss"] {
        return Err((400, "Missing or non-matching 'iss'/'sub' claims in client_assertion JWT"));
    }
    if claims["aud"] != format!("{}/oauth2/token", inner.base) {
        return Err((401, "Missing or invalid 'aud' claim in client_assertion JWT"));
    }
    let now = inner.clock.now().as_second() + inner.ahead;
    let exp =
        claims["exp"].as_i64().ok_or((400, "'exp' claim in client_assertion JWT must be an integer"))?;
    if exp < now - 10 {
        return Err((400, "Invalid 'exp' claim in client_assertion JWT - JWT has expired"));
    }
    if exp > now + 310 {
        return Err((400, "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future"));
    }
    let jti =
        claims["jti"].as_str().ok_or((400, "'jti' claim in client_assertion JWT must be a unique string"))?;
    if !inner.jti.insert(jti.to_owned()) {
        return Err((400, "Non-unique 'jti' claim in client_assertion JWT"));
    }
    inner.kid = Some(kid);
    Ok(())
}
