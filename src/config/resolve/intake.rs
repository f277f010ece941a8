//! `[intake.http]` and `[[intake.folder]]`. Next: `endpoint`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::raw::{FolderTable, HttpAuthKind, HttpAuthTable, HttpTable};
use crate::config::{Folder, Http, HttpAuth};

use super::{Resolver, is_loopback};

impl Resolver {
    pub(super) fn http(&mut self, table: HttpTable) -> Option<Http> {
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

    pub(super) fn folders(&mut self, tables: Option<Vec<FolderTable>>) -> Vec<Folder> {
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
}
