//! From the configuration as written to the one that runs: defaults, paths, ranges. Everything wrong is found at once.
//!
//! Pure but for what [`Places`] says. Next: [`super::secret`].

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::endpoint::fhir_rest::base;
use crate::event::build::parse_uri;
use crate::event::ods_code::OdsCode;
use crate::outbox::retry::RetryPolicy;

use super::endpoint::{Auth, EndpointConfig, Kind, PullConfig, Receiver, Server, Tls};
use super::raw::{
    AuthKind, AuthTable, ConfigFile, EndpointKind, EndpointTable, FolderTable, HttpAuthKind, HttpAuthTable,
    HttpTable, LogFormat, LogLevel, PullTable, RetryTable, SmartAlgorithm, TlsTable,
};
use super::{Config, Folder, Http, HttpAuth, Log, Mapping, Places, Problem, SecretRef, duration};

/// Resolves and checks.
///
/// # Errors
/// Everything that is wrong.
pub fn resolve(raw: ConfigFile, file: Option<&Path>, places: &Places) -> Result<Config, Vec<Problem>> {
    let beside = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let beside = places.working.join(beside);
    let data = raw.data_folder.as_deref().map_or_else(|| places.data_folder(), |path| beside.join(path));
    let mut resolver = Resolver { data: data.clone(), beside, problems: Vec::new() };
    let config = Config {
        file: file.map(|file| places.working.join(file)),
        store: resolver.written(raw.store.path.as_deref(), "store"),
        http: resolver.http(raw.http),
        folders: resolver.folders(raw.folder),
        mapping: Mapping {
            codeset: raw.mapping.codeset.as_deref().map(|path| resolver.given(path)),
            opaque_key: raw.mapping.opaque_key.as_deref().map(|path| SecretRef::File(resolver.given(path))),
            repair_codes: raw.mapping.repair_codes.unwrap_or(false),
        },
        endpoints: resolver.endpoints(raw.endpoint),
        log: Log {
            format: raw.log.format.unwrap_or(LogFormat::Json),
            level: raw.log.level.unwrap_or(LogLevel::Info),
        },
        data_folder: data,
    };
    if !config.data_folder.is_absolute() {
        resolver.wrong("data_folder", "not an absolute path in the end", "give an absolute path");
    }
    resolver.apart(&config);
    if resolver.problems.is_empty() { Ok(config) } else { Err(resolver.problems) }
}

struct Resolver {
    /// Below this is what sp-fhir writes.
    data: PathBuf,
    /// Beside the file is what sp-fhir is given.
    beside: PathBuf,
    problems: Vec<Problem>,
}

impl Resolver {
    fn wrong(&mut self, key: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem::new(key, what, remedy));
    }

    fn written(&self, path: Option<&str>, default: &str) -> PathBuf {
        self.data.join(path.unwrap_or(default))
    }

    fn given(&self, path: &str) -> PathBuf {
        self.beside.join(path)
    }

    fn time(
        &mut self,
        key: String,
        text: Option<&str>,
        default: Duration,
        range: (Duration, Duration),
    ) -> Duration {
        let Some(text) = text else { return default };
        match duration::parse(text) {
            None => self.wrong(key, "not a length of time", duration::REMEDY),
            Some(time) if time < range.0 || time > range.1 => {
                let remedy = format!("at least {} s, at most {} s", range.0.as_secs_f64(), range.1.as_secs());
                self.wrong(key, "too short or too long", remedy);
            }
            Some(time) => return time,
        }
        default
    }

    fn number(&mut self, key: String, number: Option<u64>, default: usize, range: (u64, u64)) -> usize {
        let Some(number) = number else { return default };
        match usize::try_from(number) {
            Ok(fits) if (range.0..=range.1).contains(&number) => fits,
            _ => {
                self.wrong(key, "out of range", format!("at least {}, at most {}", range.0, range.1));
                default
            }
        }
    }

    fn uri(&mut self, key: String, uri: Option<&str>) -> Option<Arc<str>> {
        match parse_uri(uri?) {
            Ok(uri) => Some(Arc::from(uri.trim_end_matches('/'))),
            Err(code) => {
                self.wrong(key, code.title(), code.remedy());
                None
            }
        }
    }

    /// A secret by file or by environment variable, and not by both.
    fn secret(&mut self, key: &str, file: Option<&str>, variable: Option<&str>) -> Option<SecretRef> {
        match (file, variable) {
            (Some(file), None) => Some(SecretRef::File(self.given(file))),
            (None, Some(name)) if !name.is_empty() && !name.contains(['=', '\0']) => {
                Some(SecretRef::Environment(name.to_owned()))
            }
            (None, Some(_)) => {
                self.wrong(format!("{key}_env"), "not the name of an environment variable", "give its name");
                None
            }
            (None, None) => {
                let remedy = format!("give {key}_file, or {key}_env");
                self.wrong(format!("{key}_file"), "missing", remedy);
                None
            }
            (Some(_), Some(_)) => {
                self.wrong(format!("{key}_file"), format!("given beside {key}_env"), "give one of the two");
                None
            }
        }
    }

    /// Keys that another kind has: they would be passed over in silence.
    fn unused(&mut self, place: &str, kind: &str, keys: &[(&str, bool)]) {
        for (key, _) in keys.iter().filter(|(_, there)| *there) {
            let remedy = "remove it, or choose the kind that it belongs to";
            self.wrong(format!("{place}.{key}"), format!("not used with kind = \"{kind}\""), remedy);
        }
    }

    fn http(&mut self, table: HttpTable) -> Option<Http> {
        let listen = table.listen.as_deref().unwrap_or("127.0.0.1:8087");
        let source = self.uri("intake.http.source".into(), table.source.as_deref());
        let auth = self.http_auth(table.auth);
        let max_body_bytes = self.number(
            "intake.http.max_body_bytes".into(),
            table.max_body_bytes,
            5_000_000,
            (1_000, 64 << 20),
        );
        let max_events = self.number("intake.http.max_events".into(), table.max_events, 1_000, (1, 10_000));
        if listen.is_empty() {
            return None;
        }
        let Ok(listen) = listen.parse::<SocketAddr>() else {
            let remedy = "give address and port, such as \"127.0.0.1:8087\"; \"\" for no HTTP";
            self.wrong("intake.http.listen", "not an address and port", remedy);
            return None;
        };
        if !is_loopback(listen.ip()) && auth == Some(HttpAuth::None) {
            self.wrong(
                "intake.http.auth",
                "everybody who reaches this address could send",
                "set kind = \"bearer\" or \"hmac\" and let a reverse proxy do TLS, or listen on 127.0.0.1",
            );
        }
        Some(Http { listen, source, auth: auth?, max_body_bytes, max_events })
    }

    fn http_auth(&mut self, table: Option<HttpAuthTable>) -> Option<HttpAuth> {
        let Some(table) = table else { return Some(HttpAuth::None) };
        let place = "intake.http.auth";
        let token = [("token_file", table.token_file.is_some()), ("token_env", table.token_env.is_some())];
        let key = [("key_file", table.key_file.is_some()), ("key_env", table.key_env.is_some())];
        match table.kind {
            HttpAuthKind::None => {
                self.unused(place, "none", &[token, key].concat());
                Some(HttpAuth::None)
            }
            HttpAuthKind::Bearer => {
                self.unused(place, "bearer", &key);
                let (file, variable) = (table.token_file.as_deref(), table.token_env.as_deref());
                self.secret("intake.http.auth.token", file, variable).map(HttpAuth::Bearer)
            }
            HttpAuthKind::Hmac => {
                self.unused(place, "hmac", &token);
                let (file, variable) = (table.key_file.as_deref(), table.key_env.as_deref());
                self.secret("intake.http.auth.key", file, variable).map(HttpAuth::Hmac)
            }
        }
    }

    fn folders(&mut self, tables: Option<Vec<FolderTable>>) -> Vec<Folder> {
        let tables = tables.unwrap_or_else(|| vec![FolderTable::default()]);
        tables.into_iter().enumerate().map(|(n, table)| self.folder(n + 1, &table)).collect()
    }

    fn folder(&mut self, n: usize, table: &FolderTable) -> Folder {
        let key = |name: &str| format!("intake.folder[{n}].{name}");
        if n > 1 && table.path.is_none() {
            self.wrong(key("path"), "missing", "name the folder to watch");
        }
        let path = self.written(table.path.as_deref(), "inbox");
        let inside = |given: &Option<String>, default: &str| match given {
            Some(given) => self.data.join(given),
            None => path.join(default),
        };
        let (done, refused) = (inside(&table.done, "done"), inside(&table.refused, "refused"));
        let seconds = Duration::from_secs;
        Folder {
            profile: table.profile.as_deref().map(|profile| self.given(profile)),
            source: self.uri(key("source"), table.source.as_deref()),
            settle: self.time(
                key("settle"),
                table.settle.as_deref(),
                seconds(5),
                (seconds(1), seconds(3600)),
            ),
            path,
            done,
            refused,
        }
    }

    fn endpoints(&mut self, tables: Option<Vec<EndpointTable>>) -> Vec<EndpointConfig> {
        let tables = tables.unwrap_or_else(|| vec![outgoing()]);
        if tables.is_empty() {
            self.wrong("endpoint", "none", "give at least one, or leave the key out for a folder of Bundles");
        }
        tables.into_iter().enumerate().filter_map(|(n, table)| self.endpoint(n + 1, table)).collect()
    }

    fn endpoint(&mut self, n: usize, table: EndpointTable) -> Option<EndpointConfig> {
        let key = |name: &str| format!("endpoint[{n}].{name}");
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if table.name.is_empty() || table.name.len() > 64 || !table.name.chars().all(good) {
            self.wrong(
                key("name"),
                "not a name",
                "1 to 64 ASCII letters, digits, hyphens, dots, underscores",
            );
        }
        for practice in &table.practices {
            if OdsCode::parse(practice).is_err() {
                self.wrong(
                    key("practices"),
                    "not the form of an ODS code",
                    "3 to 12 capital letters and digits",
                );
            }
        }
        let rate = table.rate.unwrap_or(10.0);
        if !(rate.is_finite() && (0.01..=1000.0).contains(&rate)) {
            self.wrong(key("rate"), "out of range", "at least 0.01, at most 1000 requests a second");
        }
        let day = Duration::from_secs(24 * 3600);
        let (hour, times) = (Duration::from_secs(3600), 30);
        let expires_after =
            self.time(key("expires_after"), table.expires_after.as_deref(), day * times, (hour, day * 366));
        let retry = self.retry(n, &table.retry, table.settle_time.as_deref());
        let concurrency = self.number(key("concurrency"), table.concurrency, 4, (1, 64));
        let pull = table.pull.as_ref().and_then(|pull| self.pull(n, &table.name, table.kind, pull));
        let kind = match table.kind {
            EndpointKind::File => self.file_kind(n, &table),
            EndpointKind::Fhir => self.fhir_kind(n, table.path.is_some(), table.url, table.auth, &table.tls),
            EndpointKind::Webhook => self.webhook_kind(n, &table),
        };
        Some(EndpointConfig {
            name: table.name,
            kind: kind?,
            practices: table.practices.iter().map(|ods| ods.trim().to_ascii_uppercase()).collect(),
            test: table.test.unwrap_or(false),
            concurrency,
            rate,
            expires_after,
            retry,
            pull,
        })
    }

    fn pull(&mut self, n: usize, name: &str, kind: EndpointKind, table: &PullTable) -> Option<PullConfig> {
        let key = |name: &str| format!("endpoint[{n}].pull.{name}");
        let other = match kind {
            EndpointKind::Fhir => None,
            EndpointKind::File => Some("file"),
            EndpointKind::Webhook => Some("webhook"),
        };
        if let Some(other) = other {
            self.unused(&format!("endpoint[{n}]"), other, &[("pull", true)]);
            return None;
        }
        if table.source.is_none() {
            self.wrong(key("source"), "missing", "give the URI under which this system's own requests go");
        }
        let source = self.uri(key("source"), table.source.as_deref());
        if table.owner.is_none() && table.requester.is_none() {
            let remedy = "name the service there (\"Organization/12\"), or requester, or both";
            self.wrong(key("owner"), "missing: everybody's requests would be pulled", remedy);
        }
        for (which, value) in [("owner", &table.owner), ("requester", &table.requester)] {
            let is_reference = |value: &String| {
                value.split_once('/').is_some_and(|(kind, id)| base::is_type(kind) && base::is_id(id))
            };
            if value.as_ref().is_some_and(|value| !is_reference(value)) {
                self.wrong(key(which), "not a reference", "give type and id there: \"Organization/12\"");
            }
        }
        let (minute, day) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));
        let every = self.time(key("every"), table.every.as_deref(), minute * 15, (minute, day));
        let overlap =
            self.time(key("overlap"), table.overlap.as_deref(), minute * 60, (minute * 5, day * 30));
        let folder = self.written(table.folder.as_deref(), &format!("pulled/{name}"));
        let (owner, requester) = (table.owner.clone(), table.requester.clone());
        let webhook = table.webhook.clone();
        let events_to_folder = webhook.is_none() || table.folder.is_some();
        Some(PullConfig {
            source: source?,
            owner,
            requester,
            every,
            overlap,
            folder,
            events_to_folder,
            webhook,
        })
    }

    fn retry(&mut self, n: usize, table: &RetryTable, settle_time: Option<&str>) -> RetryPolicy {
        let key = |name: &str| format!("endpoint[{n}].{name}");
        let default = RetryPolicy::default();
        let (short, long) = (Duration::from_millis(100), Duration::from_secs(24 * 3600));
        let base = self.time(key("retry.base"), table.base.as_deref(), default.base, (short, long));
        let cap = self.time(key("retry.cap"), table.cap.as_deref(), default.cap, (short, long));
        if cap < base {
            self.wrong(key("retry.cap"), "shorter than retry.base", "make it longer");
        }
        let attempts = usize::try_from(default.max_attempts).unwrap_or_default();
        let attempts = self.number(key("retry.max_attempts"), table.max_attempts, attempts, (1, 10_000));
        RetryPolicy {
            base,
            cap,
            max_attempts: u32::try_from(attempts).unwrap_or(default.max_attempts),
            settle_time: self.time(key("settle_time"), settle_time, default.settle_time, (short, long)),
        }
    }

    fn file_kind(&mut self, n: usize, table: &EndpointTable) -> Option<Kind> {
        let tls = &table.tls;
        let others = [
            ("url", table.url.is_some()),
            ("auth", table.auth.is_some()),
            ("tls", tls.ca.is_some() || tls.cert.is_some() || tls.key.is_some()),
        ];
        self.unused(&format!("endpoint[{n}]"), "file", &others);
        let Some(path) = &table.path else {
            self.wrong(format!("endpoint[{n}].path"), "missing", "name the folder that Bundles go to");
            return None;
        };
        Some(Kind::File { path: self.written(Some(path), "") })
    }

    fn fhir_kind(
        &mut self,
        n: usize,
        has_path: bool,
        url: Option<String>,
        auth: Option<AuthTable>,
        tls: &TlsTable,
    ) -> Option<Kind> {
        self.unused(&format!("endpoint[{n}]"), "fhir", &[("path", has_path)]);
        let url = self.url(format!("endpoint[{n}].url"), url.as_deref());
        let tls = self.tls(n, tls);
        let anonymous = auth.as_ref().is_none_or(|auth| auth.kind == AuthKind::None);
        let auth = self.auth(n, auth);
        if anonymous && tls.identity.is_none() && url.as_ref().is_some_and(|url| !is_local(url)) {
            self.wrong(
                format!("endpoint[{n}].auth"),
                "none, for a server that is not on this machine",
                "choose a kind, or give tls.cert and tls.key",
            );
        }
        Some(Kind::Fhir(Box::new(Server { url: url?, auth: auth?, tls })))
    }

    fn webhook_kind(&mut self, n: usize, table: &EndpointTable) -> Option<Kind> {
        let place = format!("endpoint[{n}]");
        let others = [
            ("path", table.path.is_some()),
            ("practices", !table.practices.is_empty()),
            ("test", table.test.is_some()),
        ];
        self.unused(&place, "webhook", &others);
        let url = self.url(format!("{place}.url"), table.url.as_deref());
        let tls = self.tls(n, &table.tls);
        let Some(auth) = table.auth.as_ref().filter(|auth| auth.kind == AuthKind::Hmac) else {
            let remedy = "set auth = { kind = \"hmac\", key_file = \"…\" }: what is posted is signed";
            self.wrong(format!("{place}.auth"), "not \"hmac\"", remedy);
            return None;
        };
        let others = [
            ("token_file", auth.token_file.is_some()),
            ("token_env", auth.token_env.is_some()),
            ("token_url", auth.token_url.is_some()),
            ("client_id", auth.client_id.is_some()),
            ("secret_file", auth.secret_file.is_some()),
            ("secret_env", auth.secret_env.is_some()),
            ("key_id", auth.key_id.is_some()),
            ("algorithm", auth.algorithm.is_some()),
            ("scope", auth.scope.is_some()),
        ];
        self.unused(&format!("{place}.auth"), "hmac", &others);
        let (file, variable) = (auth.key_file.as_deref(), auth.key_env.as_deref());
        let key = self.secret(&format!("{place}.auth.key"), file, variable);
        Some(Kind::Webhook(Box::new(Receiver { url: url?, key: key?, tls })))
    }

    fn url(&mut self, key: String, text: Option<&str>) -> Option<Url> {
        let Some(text) = text else {
            self.wrong(key, "missing", "give the URL");
            return None;
        };
        let (what, remedy) = match Url::parse(text) {
            Err(_) => ("not a URL", "give it with its scheme, such as https://fhir.example/r4"),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                ("a user or password in the URL", "take it out; secrets go into files")
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                ("a query or fragment in the URL", "give the base only")
            }
            Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_local(&url)) => {
                return Some(url);
            }
            Ok(_) => ("not https", "use https; http is for servers on this machine only"),
        };
        self.wrong(key, what, remedy);
        None
    }

    fn tls(&mut self, n: usize, table: &TlsTable) -> Tls {
        let identity = match (&table.cert, &table.key) {
            (Some(cert), Some(key)) => Some((self.given(cert), SecretRef::File(self.given(key)))),
            (None, None) => None,
            _ => {
                let remedy = "give tls.cert and tls.key together";
                self.wrong(
                    format!("endpoint[{n}].tls"),
                    "a certificate without its key, or a key alone",
                    remedy,
                );
                None
            }
        };
        Tls { ca: table.ca.as_deref().map(|ca| self.given(ca)), identity }
    }

    fn auth(&mut self, n: usize, table: Option<AuthTable>) -> Option<Auth> {
        let Some(table) = table else { return Some(Auth::None) };
        let place = format!("endpoint[{n}].auth");
        let at = |key: &str| format!("{place}.{key}");
        let token = [("token_file", table.token_file.is_some()), ("token_env", table.token_env.is_some())];
        let client = [("token_url", table.token_url.is_some()), ("client_id", table.client_id.is_some())];
        let secret =
            [("secret_file", table.secret_file.is_some()), ("secret_env", table.secret_env.is_some())];
        let key = [
            ("key_file", table.key_file.is_some()),
            ("key_env", table.key_env.is_some()),
            ("key_id", table.key_id.is_some()),
        ];
        let algorithm = [("algorithm", table.algorithm.is_some())];
        let scope = [("scope", table.scope.is_some())];
        let needed = |this: &mut Self, name: &str, value: &Option<String>| {
            let value = value.clone().filter(|value| !value.is_empty());
            if value.is_none() {
                this.wrong(at(name), "missing", "give it");
            }
            value
        };
        match table.kind {
            AuthKind::None => {
                let others: Vec<_> = [&token[..], &client, &secret, &key, &algorithm, &scope].concat();
                self.unused(&place, "none", &others);
                Some(Auth::None)
            }
            AuthKind::Hmac => {
                self.wrong(at("kind"), "for endpoints of kind = \"webhook\"", "choose another kind");
                None
            }
            AuthKind::Bearer => {
                self.unused(&place, "bearer", &[&client[..], &secret, &key, &algorithm, &scope].concat());
                let (file, variable) = (table.token_file.as_deref(), table.token_env.as_deref());
                Some(Auth::Bearer { token: self.secret(&at("token"), file, variable)? })
            }
            AuthKind::ClientCredentials => {
                self.unused(&place, "client-credentials", &[&token[..], &key, &algorithm].concat());
                let token_url = self.url(at("token_url"), table.token_url.as_deref());
                let client_id = needed(self, "client_id", &table.client_id);
                let (file, variable) = (table.secret_file.as_deref(), table.secret_env.as_deref());
                let secret = self.secret(&at("secret"), file, variable);
                Some(Auth::ClientCredentials {
                    token_url: token_url?,
                    client_id: client_id?,
                    secret: secret?,
                    scope: table.scope,
                })
            }
            AuthKind::NhsJwt | AuthKind::Smart => {
                let smart = table.kind == AuthKind::Smart;
                let others = if smart { Vec::new() } else { [algorithm, scope].concat() };
                let name = if smart { "smart" } else { "nhs-jwt" };
                self.unused(&place, name, &[&token[..], &secret, &others].concat());
                let token_url = self.url(at("token_url"), table.token_url.as_deref());
                let client_id = needed(self, "client_id", &table.client_id);
                let key_id = needed(self, "key_id", &table.key_id);
                let scope = if smart { needed(self, "scope", &table.scope) } else { None };
                let (file, variable) = (table.key_file.as_deref(), table.key_env.as_deref());
                let key = self.secret(&at("key"), file, variable);
                let (token_url, client_id, key, key_id) = (token_url?, client_id?, key?, key_id?);
                if !smart {
                    return Some(Auth::NhsJwt { token_url, client_id, key, key_id });
                }
                let algorithm = table.algorithm.unwrap_or(SmartAlgorithm::Rs384);
                Some(Auth::Smart { token_url, client_id, key, key_id, algorithm, scope: scope? })
            }
        }
    }

    /// Names and folders that must not be one.
    fn apart(&mut self, config: &Config) {
        let mut names = HashSet::new();
        let mut served = HashSet::new();
        for (n, endpoint) in config.endpoints.iter().enumerate() {
            let key = |name: &str| format!("endpoint[{}].{name}", n + 1);
            if !names.insert(endpoint.name.as_str()) {
                self.wrong(key("name"), "another endpoint has this name", "give each a name of its own");
            }
            for practice in &endpoint.practices {
                if !served.insert(practice.as_str()) {
                    self.wrong(key("practices"), "a practice is named twice", "name it at one endpoint only");
                }
            }
        }
        let routes = config.routes().0;
        if routes.is_empty() && !config.endpoints.is_empty() {
            self.wrong("endpoint", "only webhooks", "give an endpoint that referrals go to");
        }
        if routes.iter().filter(|route| route.practices.is_empty()).count() > 1 {
            self.wrong(
                "endpoint",
                "more than one endpoint serves every practice",
                "give all but one of them their practices",
            );
        }
        let mut folders: Vec<&Path> = Vec::new();
        for (n, folder) in config.folders.iter().enumerate() {
            let key = |name: &str| format!("intake.folder[{}].{name}", n + 1);
            for (name, path) in [("path", &folder.path), ("done", &folder.done), ("refused", &folder.refused)]
            {
                let shared = folders.iter().any(|known| known == path);
                // Two folders may share where their files end up, but nothing may end up where it is read again.
                if shared && (name == "path" || config.folders.iter().any(|other| other.path == *path)) {
                    self.wrong(key(name), "this folder is used already", "name another folder");
                }
                folders.push(path);
            }
        }
        for (n, endpoint) in config.endpoints.iter().enumerate() {
            if let Kind::File { path } = &endpoint.kind
                && folders.iter().any(|known| known == path)
            {
                let remedy = "name a folder that is not watched";
                self.wrong(format!("endpoint[{}].path", n + 1), "this folder is used already", remedy);
            }
        }
        // What was pulled from one system goes nowhere by itself: not into a watched folder, nor among Bundles.
        let mut taken: Vec<&Path> = folders;
        taken.extend(config.endpoints.iter().filter_map(|endpoint| match &endpoint.kind {
            Kind::File { path } => Some(path.as_path()),
            Kind::Fhir(_) | Kind::Webhook(_) => None,
        }));
        for (n, endpoint) in config.endpoints.iter().enumerate() {
            let Some(pull) = &endpoint.pull else { continue };
            let is_webhook = |other: &EndpointConfig, name: &str| {
                other.name == name && matches!(other.kind, Kind::Webhook(_))
            };
            if pull.webhook.as_ref().is_some_and(|name| !config.endpoints.iter().any(|e| is_webhook(e, name)))
            {
                let remedy = "name an [[endpoint]] of kind = \"webhook\"";
                self.wrong(format!("endpoint[{}].pull.webhook", n + 1), "no such webhook", remedy);
            }
            if taken.contains(&pull.folder.as_path()) {
                let remedy = "name a folder of its own";
                self.wrong(format!("endpoint[{}].pull.folder", n + 1), "this folder is used already", remedy);
            }
            taken.push(&pull.folder);
        }
    }
}

/// The endpoint when none is configured: a folder of Bundles.
fn outgoing() -> EndpointTable {
    EndpointTable {
        name: "outgoing".to_owned(),
        kind: EndpointKind::File,
        path: Some("outgoing".to_owned()),
        url: None,
        practices: Vec::new(),
        test: None,
        concurrency: None,
        rate: None,
        expires_after: None,
        settle_time: None,
        retry: RetryTable::default(),
        auth: None,
        tls: TlsTable::default(),
        pull: None,
    }
}

/// An IPv4 loopback address written as IPv6 is one too.
fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Whether a URL is of this machine.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(is_loopback)
}
