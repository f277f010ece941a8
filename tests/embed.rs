//! The example of embedding does what it says.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[allow(dead_code)]
#[path = "../examples/embed/main.rs"]
mod embed;

use sp_fhir::outbox::{Reason, State};

#[tokio::test(flavor = "multi_thread")]
async fn the_example_delivers_holds_and_pulls() {
    let folder = tempfile::tempdir().unwrap();
    let base = embed::practice::start().await.unwrap();
    let came = embed::run(folder.path(), &base, embed::practice::SERVICE).await.unwrap();
    assert_eq!(came.delivered, 1);
    let [(_, State::Held, Some(Reason::NoConsent))] = came.needs_person.as_slice() else {
        panic!("{came:?}")
    };
    assert_eq!(came.pulled, [("referred".to_owned(), "GP-77".to_owned())]);
    let files: Vec<_> = std::fs::read_dir(folder.path().join("outgoing")).unwrap().collect();
    assert_eq!(files.len(), 1);
    // A second run finds everything as it was: nothing is delivered or pulled twice.
    let again = embed::run(folder.path(), &base, embed::practice::SERVICE).await.unwrap();
    assert_eq!((again.delivered, again.pulled.len()), (1, 0));
    assert_eq!(again.needs_person, came.needs_person);
}
