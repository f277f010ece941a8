use super::*;

#[test]
fn loads() {
    let set = Codeset::embedded().unwrap();
    assert_eq!(set.name_and_version(), "uk-sp 2026.11");
}
