//! An endpoint that pulled events are posted to. Next: `pull`.

use crate::config::endpoint::{Kind, Receiver};
use crate::config::raw::{AuthKind, EndpointTable};

use super::Resolver;

impl Resolver {
    pub(super) fn webhook_kind(&mut self, n: usize, table: &EndpointTable) -> Option<Kind> {
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
}
