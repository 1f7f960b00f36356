//! `/api/openapi.json`: what there is, made from the list of endpoints and from the fields of each object. What is written
//! here by hand, the shapes of a run and of a connection, is held against real ones by the tests.

use domain::{Audience, CauseCode, Health, Object, RunState, Stage, Stream};
use serde_json::{Map, Value, json};
use store::{Field, FieldKind, fields};

use super::{Answer, Endpoint};

pub(super) fn of(endpoints: &[Endpoint]) -> Value {
    let mut paths = Map::new();
    for endpoint in endpoints {
        let path = paths.entry(endpoint.path.clone()).or_insert_with(|| json!({}));
        path[endpoint.method.as_str().to_ascii_lowercase()] = operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tributary",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Customer communities in a database of your own. Fields may be added, never renamed.",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": schemas(), "responses": { "Problem": problem_answer() } },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let (status, content) = match endpoint.answer {
        Answer::Connection => ("200", reference("Connection")),
        Answer::Connections => ("200", page(&reference("Connection"))),
        Answer::Run => ("200", reference("Run")),
        Answer::Accepted => ("202", reference("Run")),
        Answer::Runs => ("200", page(&reference("Run"))),
        Answer::Rows(object) => ("200", page(&reference(schema_name(object)))),
    };
    let words = endpoint
        .path
        .split(['/', '-'])
        .filter(|word| !word.is_empty() && !word.starts_with('{'));
    let words: Vec<&str> = words.skip(2).collect();
    let who = match endpoint.audience {
        Audience::Admin => " of an admin",
        Audience::LoggedIn | Audience::Public => "",
    };
    let one = if endpoint.path.ends_with('}') { "_one" } else { "" };
    json!({
        "operationId": format!("{}_{}{one}", endpoint.method.as_str().to_ascii_lowercase(), words.join("_")),
        "summary": endpoint.summary,
        "description": format!("Needs the scope `{}`, or a session{who}.", endpoint.scope.as_str()),
        "parameters": parameters(endpoint),
        "responses": {
            status: { "description": "Done", "content": { "application/json": { "schema": content } } },
            "default": { "$ref": "#/components/responses/Problem" },
        },
    })
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let in_path = endpoint
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = endpoint.query.iter().map(|parameter| {
        let schema = if parameter.name == "limit" {
            json!({ "type": "integer", "minimum": 1, "maximum": super::page::LIMIT_MAX, "default": super::page::LIMIT_DEFAULT })
        } else {
            json!({ "type": "string" })
        };
        json!({ "name": parameter.name, "in": "query", "description": parameter.what, "schema": schema })
    });
    in_path.chain(in_query).collect()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn page(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next": { "type": ["string", "null"], "description": "The cursor of the page after this one; null after the last." },
        },
    })
}

fn problem_answer() -> Value {
    json!({
        "description": "Why the request was not answered, whose turn it is, and what to do next (RFC 9457)",
        "content": { "application/problem+json": { "schema": reference("Problem") } },
    })
}

fn schema_name(object: Object) -> &'static str {
    match object {
        Object::Users => "CommunityUser",
        Object::Content => "CommunityContent",
        Object::Activity => "CommunityActivity",
        Object::Trends => "CommunityTrend",
        Object::Categories => "CommunityCategory",
        Object::IdeaStatuses => "CommunityIdeaStatus",
        Object::InvalidRecords => "InvalidRecord",
    }
}

fn schemas() -> Value {
    let mut schemas = Map::new();
    for object in Object::ALL {
        schemas.insert(schema_name(object).to_owned(), row(fields(object)));
    }
    schemas.insert("Connection".to_owned(), connection());
    schemas.insert("Run".to_owned(), run());
    schemas.insert("RunStream".to_owned(), run_stream());
    schemas.insert("Cause".to_owned(), cause());
    schemas.insert("Problem".to_owned(), problem());
    Value::Object(schemas)
}

fn row(fields: &[Field]) -> Value {
    let shape = |field: &Field| match field.kind {
        FieldKind::Text => json!({ "type": ["string", "null"] }),
        FieldKind::Id => json!({ "type": ["string", "null"], "format": "uuid" }),
        FieldKind::Int => json!({ "type": ["integer", "null"] }),
        FieldKind::Flag => json!({ "type": ["boolean", "null"] }),
        FieldKind::Time => time_or_null(),
        FieldKind::Day => json!({ "type": ["string", "null"], "format": "date" }),
        FieldKind::List => json!({ "type": ["array", "null"], "items": { "type": "string" } }),
        FieldKind::Map => json!({ "type": ["object", "null"], "additionalProperties": { "type": "string" } }),
    };
    object(fields.iter().map(|field| (field.name, shape(field))))
}

/// All of its properties are always there.
fn object<'n>(properties: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    let properties: Map<String, Value> = properties
        .into_iter()
        .map(|(name, shape)| (name.to_owned(), shape))
        .collect();
    let required: Vec<&String> = properties.keys().collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn id() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn id_or_null() -> Value {
    json!({ "type": ["string", "null"], "format": "uuid" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn time_or_null() -> Value {
    json!({ "type": ["string", "null"], "format": "date-time" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn count_or_null() -> Value {
    json!({ "type": ["integer", "null"], "minimum": 0 })
}

fn words(words: impl IntoIterator<Item = impl serde::Serialize>) -> Value {
    json!({ "type": "string", "enum": words.into_iter().map(|word| json!(word)).collect::<Vec<_>>() })
}

fn or_null(shape: &Value) -> Value {
    json!({ "oneOf": [shape, { "type": "null" }] })
}

fn connection() -> Value {
    let counts = ["users", "topics", "replies", "categories", "idea_statuses"].map(|name| (name, count()));
    let counts = counts.into_iter().chain([
        ("activity", count_or_null()),
        ("activity_source", json!({ "type": ["string", "null"] })),
    ]);
    object([
        ("id", id()),
        ("tenant_id", text()),
        ("name", text()),
        ("base_url", text()),
        ("client_id", text()),
        ("active", json!({ "type": "boolean" })),
        ("deactivated_at", time_or_null()),
        ("activity_source", json!({ "type": ["string", "null"] })),
        ("created_at", time()),
        ("health", words(HEALTH)),
        ("cause", or_null(&reference("Cause"))),
        ("failures_in_a_row", count()),
        ("last_success_at", time_or_null()),
        ("next_sync_at", time_or_null()),
        ("current_run_id", id_or_null()),
        ("last_run_id", id_or_null()),
        ("counts", object(counts)),
    ])
}

const HEALTH: [Health; 7] = [
    Health::Failing,
    Health::Attention,
    Health::Stale,
    Health::Running,
    Health::NotRunYet,
    Health::Healthy,
    Health::Deactivated,
];

fn run() -> Value {
    let matching = ["matched", "unmatched", "ambiguous", "internal"].map(|name| (name, count()));
    object([
        ("id", id()),
        ("connection_id", id()),
        ("tenant_id", text()),
        ("trigger", words(["scheduled", "manual"])),
        ("resumed_from", id_or_null()),
        ("mode", words(["incremental", "full"])),
        ("state", words(RunState::ALL)),
        (
            "stage",
            json!({ "type": ["string", "null"], "examples": [Stage::Connect] }),
        ),
        ("cause", or_null(&reference("Cause"))),
        ("queued_at", time()),
        ("started_at", time_or_null()),
        ("finished_at", time_or_null()),
        ("requests", count()),
        ("attempts", count()),
        (
            "streams",
            json!({ "type": "array", "items": reference("RunStream") }),
        ),
        ("match_started_at", time_or_null()),
        ("matching", object(matching)),
        ("trends_started_at", time_or_null()),
        ("stopped_by", json!({ "type": ["string", "null"] })),
        ("waits_for_provider_until", time_or_null()),
        ("requests_per_minute", count_or_null()),
        ("stage_ends_at", time_or_null()),
        ("queue", json!({ "type": ["object", "null"] })),
    ])
}

fn run_stream() -> Value {
    let counts = [
        "found",
        "new",
        "updated",
        "unchanged",
        "invalid",
        "repeated",
        "deleted",
        "late",
        "refused",
        "pages",
    ];
    let counts = counts.map(|name| (name, count()));
    object(counts.into_iter().chain([
        ("stream", words(Stream::ALL)),
        ("source", words(["api", "import", "none"])),
        ("started_at", time_or_null()),
        ("finished_at", time_or_null()),
    ]))
}

fn cause() -> Value {
    object([
        (
            "code",
            json!({ "type": "string", "examples": [CauseCode::Throttled] }),
        ),
        ("owner", words(["you", "provider", "us"])),
        ("message", text()),
        ("next_action", text()),
        ("heals_itself", json!({ "type": "boolean" })),
    ])
}

fn problem() -> Value {
    object([
        ("type", json!({ "type": "string", "format": "uri" })),
        ("title", text()),
        ("status", json!({ "type": "integer" })),
        ("detail", text()),
        (
            "cause",
            json!({ "type": "string", "description": "A word to decide by; words may be added." }),
        ),
        ("owner", words(["you", "provider", "us"])),
        ("next_action", text()),
    ])
}
