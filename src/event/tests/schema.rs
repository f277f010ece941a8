//! The published schema is the one the code makes, and says what the reader does. `SP_FHIR_UPDATE=1` rewrites it.

use std::path::Path;

use super::samples::{full, least, put};
use crate::event::schema::{document, schema};
use crate::tree::Node;

#[test]
fn the_published_schema_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/event.schema.json");
    if std::env::var_os("SP_FHIR_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, document()).unwrap();
    } else {
        let found = std::fs::read(path).unwrap_or_default();
        assert!(found == document(), "docs/event.schema.json is old; run again with SP_FHIR_UPDATE=1");
    }
}

/// As much of a validator as the schema needs: every keyword it uses but `pattern` and the lengths.
fn fits(root: &Node, rule: &Node, node: &Node) -> bool {
    let known = [
        "$schema",
        "$id",
        "$defs",
        "title",
        "description",
        "pattern",
        "maxLength",
        "maxItems",
        "minimum",
        "then",
        "else",
    ];
    let names = |list: &Node| {
        list.as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let is = |name: &str| match name {
        "string" => node.as_str().is_some(),
        "boolean" => node.as_bool().is_some(),
        "number" => node.as_number().is_some(),
        "integer" => node.as_number().is_some_and(|n| n.parse::<u64>().is_ok()),
        "array" => node.as_array().is_some(),
        "object" => node.as_object().is_some(),
        other => panic!("{other}"),
    };
    rule.as_object().unwrap().iter().all(|(keyword, value)| match keyword.as_str() {
        "type" => value.as_str().map_or_else(|| names(value).iter().any(|name| is(name)), is),
        "const" => node == value,
        "enum" => value.as_array().unwrap().contains(node),
        "required" => {
            node.as_object().is_none_or(|_| names(value).iter().all(|name| node.get(name).is_some()))
        }
        "properties" => value
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, rule)| node.get(name).is_none_or(|inner| fits(root, rule, inner))),
        "additionalProperties" => node.as_object().is_none_or(|members| {
            members.iter().all(|(name, _)| rule.path("properties").unwrap().get(name).is_some())
        }),
        "items" => node.as_array().is_none_or(|items| items.iter().all(|item| fits(root, value, item))),
        "anyOf" => value.as_array().unwrap().iter().any(|rule| fits(root, rule, node)),
        "oneOf" => value.as_array().unwrap().iter().filter(|rule| fits(root, rule, node)).count() == 1,
        "not" => !fits(root, value, node),
        "if" => fits(root, rule.get(if fits(root, value, node) { "then" } else { "else" }).unwrap(), node),
        "$ref" => fits(root, root.path(&value.as_str().unwrap()[2..].replace('/', ".")).unwrap(), node),
        other => known.contains(&other) || panic!("{other}"),
    })
}

#[test]
fn what_the_reader_takes_fits_and_what_it_refuses_does_not() {
    let schema = schema();
    for node in full().into_iter().chain([least()]) {
        assert!(fits(&schema, &schema, &node));
    }
    for (path, bad) in [
        ("schema", Node::String("sp-fhir-event/2".into())),
        ("type", Node::String("Referred".into())),
        ("target_event_id", Node::String("R1/referred".into())),
        ("record.person.colour", Node::Bool(true)),
        ("record.person.nhs_number", Node::Number("9990004218".into())),
        ("detail.reasons", Node::String("lonely".into())),
        ("detail.reasons[].controlled", Node::Bool(true)),
        ("detail.scores[].id", Node::String("ons".into())),
        ("record.fulfils.value", Node::String("1".into())),
        ("record.service", Node::Object(Vec::new())),
        ("record.person", Node::Object(Vec::new())),
    ] {
        let mut node = least();
        put(&mut node, path, bad);
        assert!(!fits(&schema, &schema, &node), "{path}");
    }
}
