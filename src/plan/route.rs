//! [`Routes`]: which endpoint serves which practice. Next: [`super::planner`].

use std::time::Duration;

/// One endpoint, as far as planning goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The endpoint's name.
    pub endpoint: String,
    /// ODS codes of the practices it serves; empty: every practice.
    pub practices: Vec<String>,
    /// Whether it is for test data: then it takes 999 numbers only, and otherwise none of them.
    pub test: bool,
    /// How long an entry may wait before a person must decide.
    pub expires_after: Duration,
    /// Whether it can be read before it is written, so that a Task of the clinical system's may be answered there.
    pub answers: bool,
}

/// All endpoints, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(pub Vec<Route>);

impl Routes {
    /// The endpoint of a practice: one that names it, else one that serves every practice.
    #[must_use]
    pub fn of(&self, practice: Option<&str>) -> Option<&Route> {
        let named = practice.and_then(|ods| {
            self.0.iter().find(|route| route.practices.iter().any(|served| served.eq_ignore_ascii_case(ods)))
        });
        named.or_else(|| self.0.iter().find(|route| route.practices.is_empty()))
    }

    /// An endpoint by name.
    #[must_use]
    pub fn named(&self, endpoint: &str) -> Option<&Route> {
        self.0.iter().find(|route| route.endpoint == endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(endpoint: &str, practices: &[&str]) -> Route {
        Route {
            endpoint: endpoint.into(),
            practices: practices.iter().map(|&ods| ods.into()).collect(),
            test: true,
            expires_after: Duration::from_secs(1),
            answers: true,
        }
    }

    #[test]
    fn a_practice_that_is_named_goes_before_one_that_is_not() {
        let routes = Routes(vec![route("all", &[]), route("one", &["A81001"])]);
        let to = |practice| routes.of(practice).map(|route| route.endpoint.as_str());
        assert_eq!(to(Some("a81001")), Some("one"));
        assert_eq!(to(Some("B82002")), Some("all"));
        assert_eq!(to(None), Some("all"));
        assert_eq!(Routes(vec![route("one", &["A81001"])]).of(Some("B82002")), None);
    }
}
