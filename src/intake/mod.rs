//! How events come in: by HTTP and from watched folders.
//!
//! Both read with the code of `sp-fhir convert`, group what they read by referral ([`submit`]), and hand it to whoever
//! keeps it ([`keep::Keep`]). What this is not: it plans nothing and sends nothing. Invariant: nothing is answered with success,
//! and no file is moved to `done`, before what it held is on the disk; what came twice is taken once. Next:
//! [`keep`], then [`submit`], then [`http`], then [`folder`].

pub mod doubt;
pub mod folder;
pub mod http;
pub mod keep;
pub mod submit;
