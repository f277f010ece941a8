//! Step 4, *map*: a referral is the fold of its events; resources are a function of its state. Pure.
//!
//! Read it in this order: [`names`] (identifiers), [`machine`] (what each event does), [`order`] and [`fold`]
//! (events to states), [`share`] and [`coding`] (what may leave), one file per resource, [`mapper`] (states to
//! entries, with [`shelf`] for what referrals have in common), [`bundle`] and [`bundle_json`] (entries to Bundles), and
//! [`back`] (Bundles to events). What this is not: it reads no files and sends nothing. The rules are docs/MAPPING.md.
//! Invariant: the same events, codeset and settings give the same bytes.

pub mod back;
pub mod bundle;
pub mod bundle_json;
mod care_plan;
pub mod coding;
mod communication;
mod corrections;
mod encounter;
pub mod entry;
pub mod fold;
pub mod hold;
pub mod machine;
pub mod mapper;
pub mod names;
pub mod notes;
mod observation;
mod onward;
pub mod order;
mod own;
mod parties;
pub mod patient;
pub mod provenance;
mod questionnaire_response;
pub mod refs;
mod released;
mod run;
mod safeguards;
mod service_request;
pub mod share;
pub mod shelf;
pub mod systems;
mod task;
mod withdrawn;
