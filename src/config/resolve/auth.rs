//! `endpoint.auth`: who sp-fhir says it is. Next: `apart`.

use crate::config::endpoint::Auth;
use crate::config::raw::{AuthKind, AuthTable, SmartAlgorithm};

use super::Resolver;

impl Resolver {
    pub(super) fn auth(&mut self, n: usize, table: Option<AuthTable>) -> Option<Auth> {
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
}
