//! Against real servers: helios-hfs, which includes what Tasks are about, and the Medplum router, which does not.

use serde_json::{Value, json};

use crate::need;
use crate::world::{World, patient, request, task};

/// Stores a resource: new without an id, else the next version. Gives it as the server holds it.
async fn store(base: &str, resource: &Value) -> Value {
    let kind = resource["resourceType"].as_str().unwrap();
    let http = reqwest::Client::new();
    let sent = match resource["id"].as_str() {
        Some(id) => http.put(format!("{base}/{kind}/{id}")),
        None => http.post(format!("{base}/{kind}")),
    };
    let sent = sent.header("content-type", "application/fhir+json").header("prefer", "return=representation");
    let answer = sent.body(resource.to_string()).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{base} {kind}: {status} {text}");
    serde_json::from_str(&text).unwrap()
}

fn place(resource: &Value) -> String {
    format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_request_made_there_is_pulled_once_and_once_more_when_it_changed() {
    let test = "a_request_made_there_is_pulled_once_and_once_more_when_it_changed";
    for base in ["SP_FHIR_HFS", "SP_FHIR_MEDPLUM"].iter().filter_map(|variable| need(test, variable)) {
        // A service of its own in every run: real servers outlive one.
        let us = place(
            &store(&base, &json!({"resourceType": "Organization", "name": "Elmfield link workers"})).await,
        );
        let person = place(&store(&base, &patient("9997770005")).await);
        let case = format!("GP-{}x", us.rsplit('/').next().unwrap().replace('-', "y"));
        let wanted = place(&store(&base, &request(&case, &person, &us)).await);
        let made = store(&base, &task(&wanted, &person, &us)).await;
        let world = World::new(&base, &us);
        let pulled = world.puller.once().await.unwrap();
        assert_eq!((pulled.new, pulled.events, pulled.refused), (2, 1, 0), "{base}");
        assert_eq!(world.events(), [("referred".to_owned(), case.clone())], "{base}");
        let event = world.kept.events.lock().unwrap()[0].clone();
        assert_eq!(event["record"]["person"]["nhs_number"], "9997770005", "{base}");
        assert_eq!(event["record"]["fulfils"]["system"], "https://gp.example/request", "{base}");
        assert_eq!(world.puller.once().await.unwrap().new, 0, "{base}: not again");

        world.clear();
        let mut made = made;
        made["status"] = json!("cancelled");
        made["statusReason"] = json!({"text": "Moved away"});
        store(&base, &made).await;
        assert_eq!(world.puller.once().await.unwrap().events, 1, "{base}");
        assert_eq!(world.events(), [("cancelled".to_owned(), case)], "{base}");
        assert_eq!(world.puller.once().await.unwrap().new, 0, "{base}: not again");
    }
}

#[tokio::test]
async fn more_than_a_page_is_pulled_whole() {
    let test = "more_than_a_page_is_pulled_whole";
    for base in ["SP_FHIR_HFS", "SP_FHIR_MEDPLUM"].iter().filter_map(|variable| need(test, variable)) {
        let us = place(
            &store(&base, &json!({"resourceType": "Organization", "name": "Elmfield link workers"})).await,
        );
        let person = place(&store(&base, &patient("9997770013")).await);
        let mark = us.rsplit('/').next().unwrap().replace('-', "y");
        for n in 0..230 {
            store(&base, &request(&format!("GP-{mark}-{n:03}x"), &person, &us)).await;
        }
        let world = World::new(&base, &us);
        let pulled = world.puller.once().await.unwrap();
        assert_eq!((pulled.events, pulled.refused), (230, 0), "{base}");
        assert!(pulled.pages > 3, "{base}: {}", pulled.pages);
        assert_eq!(world.puller.once().await.unwrap().new, 0, "{base}");
        assert_eq!(world.puller.once().await.unwrap().new, 0, "{base}");
    }
}
