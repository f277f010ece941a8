#![doc = include_str!("../README.md")]
// The order of the modules is the order in which an event passes through them.
pub mod tree;

#[cfg(feature = "convert")]
pub mod source;

pub mod event;

pub mod profile;

pub mod codeset;

pub mod map;

pub mod fhir;

#[cfg(feature = "convert")]
pub mod convert;

pub mod outbox;

mod near;

#[cfg(feature = "daemon")]
pub mod config;

#[cfg(feature = "daemon")]
pub mod clock;

#[cfg(feature = "daemon")]
pub mod plan;

#[cfg(feature = "daemon")]
pub mod store;

#[cfg(feature = "daemon")]
pub mod intake;

#[cfg(feature = "daemon")]
pub mod endpoint;

#[cfg(feature = "daemon")]
pub mod relay;

#[cfg(feature = "daemon")]
pub mod pull;

#[cfg(feature = "daemon")]
pub mod reconcile;

#[cfg(feature = "daemon")]
pub mod telemetry;

#[cfg(feature = "daemon")]
pub mod daemon;

#[cfg(feature = "cli")]
pub mod cli;
