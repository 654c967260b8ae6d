//! `GET /api/v1/openapi.json`, and the schemas of native events, made from the one table of their fields.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::response::Response;
use domain::Code;
use domain::event::{EventKind, Field, FieldKind, schema};
use sources::SOURCES;
use utoipa::ToSchema;
use utoipa::openapi::path::OperationBuilder;
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{HttpMethod, OpenApi, Ref, RefOr, ResponseBuilder, Schema};

use super::{reply, schemas};
use crate::error::ApiError;

/// Native events: one, or several.
#[derive(ToSchema)]
#[schema(value_type = Object)]
#[expect(dead_code, reason = "it names the schema; the parts are built from the table of fields")]
pub(crate) struct Events(serde_json::Value);

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn get_openapi(headers: HeaderMap) -> Result<Response, ApiError> {
    reply::json(&headers, &crate::routes::openapi())
}

/// Adds what no handler declares: events, error envelope, credentials, and the addresses of sources.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    let kinds = EventKind::ALL.iter().copied().filter(|kind| kind.is_native());
    let mut one_of = OneOfBuilder::new().description(Some("A native event."));
    for kind in kinds {
        let name = format!("Event.{kind}");
        components.schemas.insert(name.clone(), RefOr::T(event(kind)));
        one_of = one_of.item(Ref::from_schema_name(name));
    }
    components.schemas.insert("Event".to_owned(), RefOr::T(Schema::OneOf(one_of.build())));
    components.schemas.insert("Error".to_owned(), RefOr::T(error()));
    components.schemas.extend(schemas::components());
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.add_security_scheme("password", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    schemas::attach(&mut document.paths);
    for source in SOURCES.iter() {
        for route in source.routes.iter().filter(|route| route.answer != sources::Answer::Receipt) {
            let operation = OperationBuilder::new()
                .tag(source.name)
                .summary(Some(route.doc))
                .description(Some(source.doc))
                .response("200", ResponseBuilder::new().description("Taken, or ignored with the reason"))
                .response("401", ResponseBuilder::new().description("unauthenticated"))
                .response("422", ResponseBuilder::new().description("What is wrong with the body"));
            document.paths.add_path_operation(route.path, vec![HttpMethod::Post], operation.build());
        }
    }
    schemas::name_operations(&mut document.paths);
    let none: [String; 0] = [];
    document.security =
        Some(vec![SecurityRequirement::new("token", none.clone()), SecurityRequirement::new("password", none)]);
    document
}

fn event(kind: EventKind) -> Schema {
    let mut object = ObjectBuilder::new().schema_type(Type::Object).description(Some(kind.doc()));
    object = object
        .property("type", ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind.text()])))
        .required("type")
        .property("source", text("Who reports it; the token's name when left out."));
    for field in schema(kind).fields {
        object = object.property(field.name, property(field));
        if field.required {
            object = object.required(field.name);
        }
    }
    Schema::Object(object.build())
}

fn text(doc: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(doc))
}

fn property(field: &Field) -> RefOr<Schema> {
    let date_time = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    let list =
        |items: ObjectBuilder| Schema::Array(ArrayBuilder::new().items(items).description(Some(field.doc)).build());
    let timed = |name: &str, times: [&str; 2]| {
        let mut item = ObjectBuilder::new().schema_type(Type::Object).property(name, text("Its name.")).required(name);
        for time in times {
            item = item.property(time, ObjectBuilder::new().schema_type(Type::String).format(Some(date_time.clone())));
        }
        item
    };
    let plain =
        |kind: Type| Schema::Object(ObjectBuilder::new().schema_type(kind).description(Some(field.doc)).build());
    RefOr::T(match field.kind {
        FieldKind::Name => Schema::Object(text(field.doc).max_length(Some(512)).build()),
        FieldKind::Text => plain(Type::String),
        FieldKind::Timestamp => Schema::Object(text(field.doc).format(Some(date_time.clone())).build()),
        FieldKind::Number => plain(Type::Number),
        FieldKind::Count => plain(Type::Integer),
        FieldKind::Flag => plain(Type::Boolean),
        FieldKind::OneOf(words) => Schema::Object(text(field.doc).enum_values(Some(words.iter().copied())).build()),
        FieldKind::Names => list(ObjectBuilder::new().schema_type(Type::String)),
        FieldKind::Labels => plain(Type::Object),
        FieldKind::Commits => list(timed("sha", ["authored_at", "committed_at"])),
        FieldKind::Stages => list(timed("name", ["started_at", "finished_at"])),
    })
}

fn error() -> Schema {
    let codes: BTreeMap<&str, &Code> = Code::ALL.iter().map(|code| (code.text(), code)).collect();
    let meanings: Vec<String> = codes
        .iter()
        .map(|(text, code)| format!("- `{text}` ({}): {} {}", code.status(), code.meaning(), code.fix()))
        .collect();
    let object = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("The one error envelope."))
        .property("code", text(&meanings.join("\n")).enum_values(Some(codes.into_keys())))
        .required("code")
        .property("message", text("What happened, to what."))
        .required("message")
        .property("details", ObjectBuilder::new().schema_type(Type::Object).description(Some("More, by code.")))
        .property("request_id", text("Under this id the server's log says more."));
    Schema::Object(object.build())
}
