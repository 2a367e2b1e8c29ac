//! What the description of the API says of every operation alike: its errors, its key, who may call it.

use utoipa::OpenApi;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, Required, ResponseBuilder, Type};

use crate::auth::{MEMBER_COOKIE, OPERATOR_COOKIE};
use crate::http::ProblemBody;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Potluck",
        description = "Group buying with draws that anybody can check. Money is a string of yuan with two decimals, ids are strings, times are RFC 3339 in UTC. Every answer that is no success is application/problem+json with a stable code."
    ),
    components(schemas(ProblemBody))
)]
pub(crate) struct Description;

/// Puts in what is the same everywhere.
pub(crate) fn complete(mut api: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            complete_operation(path, &method, operation);
        }
    }
    let components = api.components.get_or_insert_default();
    let cookie = |name: &str| SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(name)));
    components.add_security_scheme("member", cookie(MEMBER_COOKIE));
    components.add_security_scheme("operator", cookie(OPERATOR_COOKIE));
    components.add_security_scheme(
        "gateway",
        SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
    );
    api
}

fn operations(item: &mut PathItem) -> Vec<(HttpMethod, &mut Operation)> {
    let all = [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Post, &mut item.post),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
        .collect()
}

/// A name that only this operation has: `get_groups_id_draw`.
fn operation_id(path: &str, method: &HttpMethod) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let words = path
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let method = if *method == HttpMethod::Post {
        "post"
    } else {
        "get"
    };
    let words: Vec<&str> = [method].into_iter().chain(words).collect();
    words.join("_")
}

fn complete_operation(path: &str, method: &HttpMethod, operation: &mut Operation) {
    operation.operation_id = Some(operation_id(path, method));
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let response = ResponseBuilder::new()
        .description("Not done; `code` says why")
        .content("application/problem+json", problem);
    operation
        .responses
        .responses
        .insert("default".to_owned(), response.build().into());
    let tag = operation
        .tags
        .as_ref()
        .and_then(|tags| tags.first())
        .cloned()
        .unwrap_or_default();
    if *method == HttpMethod::Post && tag != "channel" {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(64))
            .build();
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(
                "A new one for each thing done; the same again repeats nothing. Visible ASCII.",
            ))
            .schema(Some(schema));
        operation
            .parameters
            .get_or_insert_default()
            .push(key.build().into());
    }
    if let Some(scheme) = scheme(path, method, &tag) {
        operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(
            scheme,
            [],
        )]);
    }
}

/// Who may call it.
fn scheme(path: &str, method: &HttpMethod, tag: &str) -> Option<&'static str> {
    let writes = *method == HttpMethod::Post;
    match tag {
        "me" => Some("member"),
        "console" | "merchant" => Some("operator"),
        "gateway" => Some("gateway"),
        "operator" if path.ends_with("/me") => Some("operator"),
        "campaigns" if writes => Some("operator"),
        "groups" if path.ends_with("/cancel") => Some("operator"),
        "groups" if writes || path.contains("/payments/") => Some("member"),
        _ => None,
    }
}
