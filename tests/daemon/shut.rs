//! HTTP intake whose token cannot be used any more: that is said, and it is not ready. Next: `world.rs`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use crate::people::{PRACTICE, Person};
use crate::sender::Client;
use crate::world::{FILES, World};

#[test]
fn an_intake_that_lets_nobody_in_says_so_once_and_is_not_ready() {
    let world = World::new(FILES);
    let token = world.path().join("token");
    let lock = |mode| fs::set_permissions(&token, fs::Permissions::from_mode(mode)).unwrap();
    fs::write(&token, "a-token-of-good-length").unwrap();
    lock(0o600);
    let text = fs::read_to_string(world.config()).unwrap();
    let auth = format!("[intake.http]\nauth = {{ kind = \"bearer\", token_file = {token:?} }}\n");
    world.configure(&text.replace("[intake.http]\n", &auth));
    let daemon = world.start();
    let get = |path: &str| Client::new().get(daemon.at(), path);
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(20), "not {what}: {}", daemon.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    // Somebody without the token is counted, and spoken of once.
    for _ in 0..3 {
        assert_eq!(Client::new().event(daemon.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 401);
    }
    assert!(get("/metrics").body.contains("sp_fhir_requests_refused_total{status=\"401\"} 3"));
    assert_eq!(daemon.log().matches("credentials are absent or not right").count(), 1, "{}", daemon.log());
    assert_eq!(get("/health/ready").status, 200);
    // Open to others; then gone.
    lock(0o644);
    assert_eq!(get("/health/ready").status, 503);
    assert!(
        !get("/health/ready").body.contains("token-of")
            && get("/health/ready").body.contains("sp-fhir check")
    );
    until("said", &|| daemon.log().contains("HTTP intake takes nothing in"));
    fs::remove_file(&token).unwrap();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(daemon.log().matches("HTTP intake takes nothing in").count(), 1, "{}", daemon.log());
    assert_eq!(Client::new().event(daemon.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 503);
    fs::write(&token, "a-token-of-good-length").unwrap();
    lock(0o600);
    until("over", &|| daemon.log().contains("HTTP intake can use its token or key again"));
    assert_eq!(get("/health/ready").status, 200);
    daemon.stop();
}
