//! The description of the API is in the repository, where the web client is made from it.

/// Rewrite it with `POTLUCK_WRITE_OPENAPI=1 cargo test -p server openapi`.
#[test]
fn openapi_json_is_the_one_in_the_repository() {
    let path = format!("{}/../../web/openapi.json", env!("CARGO_MANIFEST_DIR"));
    let text = server::openapi_json();
    if std::env::var_os("POTLUCK_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "web/openapi.json is not what the code says: see the comment of this test"
    );
}

#[test]
fn every_operation_names_its_errors_and_every_write_its_key() {
    let api: serde_json::Value = serde_json::from_str(&server::openapi_json()).unwrap();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    let (mut operations, mut ids) = (0, std::collections::BTreeSet::new());
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            let id = operation["operationId"].as_str().unwrap();
            assert!(
                ids.insert(id.to_owned()),
                "{id} is the name of two operations"
            );
            assert!(
                operation["responses"]["default"].is_object(),
                "{method} {path}"
            );
            let keyed = operation["parameters"]
                .as_array()
                .is_some_and(|parameters| {
                    parameters
                        .iter()
                        .any(|parameter| parameter["name"] == "Idempotency-Key")
                });
            assert_eq!(
                keyed,
                method == "post" && path != "/api/v1/channels/notify",
                "{method} {path}"
            );
        }
    }
    assert!(40 < operations, "{operations}");
}
