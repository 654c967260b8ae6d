//! The shapes of answers, for the OpenAPI document and the clients generated from it.
//!
//! Written here and not derived, so that `metrics` and `warehouse` need no web library. The contract test reads real
//! answers against them, so they cannot drift apart unseen. Rows of tables come from the reference of the tables.

mod statements;

use std::collections::BTreeMap;

use domain::metric::{Metric, Reason, Unit};
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Content, Ref, RefOr, Schema};

/// Which schema answers which address.
const ANSWERS: &[(&str, &str)] = &[
    ("/api/v1/metrics", "Answer"),
    ("/api/v1/children", "Children"),
    ("/api/v1/tree", "Tree"),
    ("/api/v1/compare", "Comparison"),
    ("/api/v1/correlation", "Correlation"),
    ("/api/v1/deployments", "Deployments"),
    ("/api/v1/incidents", "Incidents"),
    ("/api/v1/explain", "Explained"),
    ("/api/v1/definitions", "Definitions"),
    ("/api/v1/sources/{name}/backfill", "Backfill"),
];

/// Names the schema of each answer at its address, and the error envelope for what goes wrong.
pub(crate) fn attach(paths: &mut Paths) {
    for (path, name) in ANSWERS {
        let Some(item) = paths.paths.get_mut(*path) else { continue };
        let operations = [&mut item.get, &mut item.post, &mut item.delete].into_iter().filter_map(Option::as_mut);
        for (status, response) in operations.flat_map(|operation| &mut operation.responses.responses) {
            let RefOr::T(response) = response else { continue };
            let name: &str = if status.starts_with('2') { name } else { "Error" };
            let content = Content::new(Some(Ref::from_schema_name(name)));
            response.content.insert("application/json".to_owned(), RefOr::T(content));
        }
    }
}

/// Gives every operation an id of its own, from its address: handlers share names such as `list`.
pub(crate) fn name_operations(paths: &mut Paths) {
    for (path, item) in &mut paths.paths {
        let words: Vec<&str> = path
            .trim_start_matches("/api/v1")
            .split(|sign: char| !sign.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let name = words.join("_");
        let operations =
            [("get", &mut item.get), ("put", &mut item.put), ("post", &mut item.post), ("delete", &mut item.delete)];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{name}"));
            }
        }
    }
}

/// The schemas by name.
pub(crate) fn components() -> BTreeMap<String, RefOr<Schema>> {
    let mut schemas: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
    let mut add = |name: &str, schema: RefOr<Schema>| schemas.insert(name.to_owned(), schema);
    add("Band", words("A performance band, best first.", &["elite", "high", "medium", "low"]));
    add("Metric", words("A metric.", &Metric::ALL.iter().map(|metric| metric.text()).collect::<Vec<_>>()));
    add(
        "Reason",
        words(
            "Why there is no value, or why a row is left out.",
            &Reason::ALL.iter().map(|reason| reason.text()).collect::<Vec<_>>(),
        ),
    );
    add(
        "Unit",
        words(
            "Times a day, seconds, between 0 and 1, or a number of things.",
            &[Unit::PerDay, Unit::Seconds, Unit::Ratio, Unit::Count].map(Unit::text),
        ),
    );
    add("Better", words("Which way is better.", &["higher", "lower", "neither"]));
    add("Bucket", words("How a series is cut.", &["day", "week", "month", "quarter"]));
    add(
        "Level",
        words("Where a node stands.", &["group", "platform", "domain", "product", "component", "instance", "team"]),
    );
    let all = numbers().into_iter().chain(answers()).chain(statements::statements());
    for (name, schema) in all.chain(explanations()).chain(lists()).chain(backfills()) {
        add(name, schema);
    }
    schemas
}

fn numbers() -> Vec<(&'static str, RefOr<Schema>)> {
    let excluded = || map(integer("Rows."), "Rows by reason.");
    vec![
        (
            "DefinitionRef",
            object(
                "Which definition gave the numbers.",
                vec![("id", text("Its id.")), ("version", integer("Its version."))],
            ),
        ),
        (
            "Window",
            object(
                "From one instant on and before another.",
                vec![("from", instant("First instant.")), ("to", instant("First instant after it."))],
            ),
        ),
        (
            "Stats",
            object(
                "Statistics of the rows used, in the metric's unit.",
                ["mean", "min", "max", "p50", "p75", "p90", "p95", "p99"].map(|name| (name, number(""))).into(),
            ),
        ),
        (
            "Distribution",
            object(
                "How the values of the rows used lie.",
                vec![
                    ("scale", words("Whether bins double or are as wide as each other.", &["log", "linear"])),
                    ("bins", list(named("Bin"))),
                ],
            ),
        ),
        (
            "Bin",
            object(
                "Values from one edge on and below the next.",
                vec![
                    ("from", number("Least value in it.")),
                    ("to", number("Least value above it.")),
                    ("n", integer("How many.")),
                ],
            ),
        ),
        (
            "Spread",
            object(
                "How the values of the children spread.",
                vec![
                    ("children", integer("Children with a value.")),
                    ("min", number("")),
                    ("p25", number("")),
                    ("p50", number("")),
                    ("p75", number("")),
                    ("max", number("")),
                ],
            ),
        ),
        (
            "Change",
            object(
                "A value in another window and the change since.",
                vec![
                    ("value", or_null(Type::Number, "The value there.")),
                    ("n", integer("Rows used there.")),
                    ("change", or_null(Type::Number, "(now - then) / then; for ratios now - then.")),
                ],
            ),
        ),
        (
            "Point",
            object(
                "A value in one bucket.",
                vec![
                    ("from", instant("First instant.")),
                    ("to", instant("First instant after it.")),
                    ("value", or_null(Type::Number, "The value.")),
                    ("n", integer("Rows used.")),
                ],
            ),
        ),
        (
            "MetricAnswer",
            object(
                "One metric of one node.",
                vec![
                    ("value", or_null(Type::Number, "The value in `unit`.")),
                    ("unit", named("Unit")),
                    ("better", named("Better")),
                    ("n", integer("Rows used.")),
                    ("excluded", excluded()),
                    ("marked", excluded()),
                    ("coverage", or_null(Type::Number, "Rows used among all rows.")),
                    ("band", named_or_null("Band")),
                    ("reason", named_or_null("Reason")),
                    ("reason_text", or_null(Type::String, "What that means and what to do.")),
                    ("stats?", named("Stats")),
                    ("split?", named("Split")),
                    ("distribution?", named("Distribution")),
                    ("spread", named_or_null("Spread")),
                    ("previous?", named("Change")),
                    ("series?", list(named("Point"))),
                    ("changes?", named("Changes")),
                ],
            ),
        ),
        (
            "Split",
            object(
                "A metric taken apart.",
                vec![
                    ("by", words("By what.", &domain::part::Split::ALL.map(domain::part::Split::text))),
                    ("parts", list(named("Part"))),
                    ("bottleneck?", text("The stage that takes longest, of those with a value.")),
                ],
            ),
        ),
        (
            "Part",
            object(
                "One part of a metric, judged by its own population.",
                vec![
                    ("part", text("Which.")),
                    ("doc", text("What it is.")),
                    ("value", or_null(Type::Number, "The value in `unit`.")),
                    ("unit", named("Unit")),
                    ("n", integer("Rows used.")),
                    ("excluded", excluded()),
                    ("marked", excluded()),
                    ("coverage", or_null(Type::Number, "Rows used among all rows.")),
                    ("reason", named_or_null("Reason")),
                    ("reason_text", or_null(Type::String, "What that means and what to do.")),
                    ("stats?", named("Stats")),
                ],
            ),
        ),
        (
            "Value",
            object(
                "One headline value of a node.",
                vec![
                    ("value", or_null(Type::Number, "The value.")),
                    ("unit", named("Unit")),
                    ("n", integer("Rows used.")),
                    ("coverage", or_null(Type::Number, "Rows used among all rows.")),
                    ("band", named_or_null("Band")),
                    ("reason", named_or_null("Reason")),
                ],
            ),
        ),
    ]
}

/// Said only where it matters, so that nobody takes what is gone for zero.
const KEPT_FROM: &str = "There are rows for this only from here on, although the window begins earlier: `[retention]` of the configuration.";

fn answers() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        (
            "Answer",
            object(
                "Metrics of a node over a window.",
                vec![
                    ("node", text("The node, by its full name.")),
                    ("definition", named("DefinitionRef")),
                    ("from", instant("First instant of the window.")),
                    ("to", instant("First instant after it.")),
                    ("as_of", instant("When the data was known so.")),
                    ("kept_from?", instant(KEPT_FROM)),
                    ("bucket?", named("Bucket")),
                    ("compare?", named("Window")),
                    ("overall", named_or_null("Band")),
                    ("metrics", map(named("MetricAnswer"), "By metric.")),
                ],
            ),
        ),
        (
            "Children",
            object(
                "Metrics of the nodes right below one.",
                vec![
                    ("node", text("The node above them, by its full name.")),
                    ("as_of", instant("When the data was known so.")),
                    ("kept_from?", instant(KEPT_FROM)),
                    ("children", list(named("Answer"))),
                ],
            ),
        ),
        (
            "Node",
            object(
                "A node of the tree with its headline values.",
                vec![
                    ("node", text("Its full name.")),
                    ("level", named("Level")),
                    ("name", text("Its short name.")),
                    ("parent", or_null(Type::String, "The node above.")),
                    ("team", or_null(Type::String, "Who owns it.")),
                    ("labels", map(text("A value."), "Its labels.")),
                    ("overall", named_or_null("Band")),
                    ("metrics", map(named("Value"), "By metric.")),
                ],
            ),
        ),
        (
            "Tree",
            object(
                "Nodes, parents before children.",
                vec![
                    ("definition", named("DefinitionRef")),
                    ("from", instant("First instant of the window.")),
                    ("to", instant("First instant after it.")),
                    ("as_of", instant("When the data was known so.")),
                    ("kept_from?", instant(KEPT_FROM)),
                    ("nodes", list(named("Node"))),
                ],
            ),
        ),
        (
            "MetricDoc",
            object(
                "A metric for people.",
                vec![
                    ("id", named("Metric")),
                    ("title", text("Its name.")),
                    ("unit", named("Unit")),
                    ("better", named("Better")),
                    ("doc", text("What it is.")),
                ],
            ),
        ),
        (
            "ReasonDoc",
            object(
                "A reason for people.",
                vec![("id", named("Reason")), ("doc", text("What it means and what to do."))],
            ),
        ),
        (
            "Definition",
            open_object(
                "A way to define every metric.",
                vec![
                    ("id", text("Its id.")),
                    ("version", integer("Its version.")),
                    ("title", text("What it is.")),
                    ("bands", text("Its band table.")),
                ],
            ),
        ),
        (
            "DefinitionDoc",
            object(
                "A definition, and each metric under it in words.",
                vec![("definition", named("Definition")), ("sentences", map(text("A sentence or two."), "By metric."))],
            ),
        ),
        (
            "Definitions",
            object(
                "What numbers can mean.",
                vec![
                    ("default", text("The definition used when none is asked for.")),
                    ("definitions", list(named("DefinitionDoc"))),
                    ("metrics", list(named("MetricDoc"))),
                    ("reasons", list(named("ReasonDoc"))),
                ],
            ),
        ),
    ]
}

fn explanations() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        (
            "ExplainedRow",
            object(
                "A row of a population.",
                vec![
                    ("source", text("Who reports it.")),
                    ("id", text("The reporter's id.")),
                    ("item", or_null(Type::String, "Commit, for lead times of commits.")),
                    ("at", instant_or_null("The instant by which it belongs to the window.")),
                    ("platform", or_null(Type::String, "")),
                    ("domain", or_null(Type::String, "")),
                    ("product", or_null(Type::String, "")),
                    ("component", or_null(Type::String, "")),
                    ("instance", or_null(Type::String, "")),
                    ("value", or_null(Type::Number, "What it brings to the value.")),
                    ("reason", named_or_null("Reason")),
                    ("mark", named_or_null("Reason")),
                ],
            ),
        ),
        (
            "LeftOut",
            object(
                "Rows left out for one reason.",
                vec![
                    ("reason", named("Reason")),
                    ("text", text("What it means and what to do.")),
                    ("n", integer("How many.")),
                    ("rows", list(named("ExplainedRow"))),
                ],
            ),
        ),
        (
            "Explanation",
            object(
                "A number taken apart.",
                vec![
                    ("node", text("The node.")),
                    ("metric", named("Metric")),
                    ("definition", named("DefinitionRef")),
                    ("sentence", text("The definition in words.")),
                    ("sql", text("The statement whose rows are the population.")),
                    ("value_sql", text("The statement that gives the value.")),
                    ("population", integer("Rows of the population.")),
                    ("used", integer("Rows used.")),
                    ("excluded", map(integer("Rows."), "Rows left out by reason.")),
                    ("rows", list(named("ExplainedRow"))),
                    ("left_out", list(named("LeftOut"))),
                ],
            ),
        ),
        (
            "Explained",
            object(
                "A number, and the same taken apart.",
                vec![
                    ("from", instant("First instant of the window.")),
                    ("to", instant("First instant after it.")),
                    ("as_of", instant("When the data was known so.")),
                    ("kept_from?", instant(KEPT_FROM)),
                    ("answer", named("MetricAnswer")),
                    ("explanation", named("Explanation")),
                ],
            ),
        ),
    ]
}

fn lists() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        ("Deployment", row("deployments")),
        ("Incident", row("incidents")),
        ("Deployments", page("deployments", "Deployment")),
        ("Incidents", page("incidents", "Incident")),
    ]
}

fn backfills() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        (
            "Backfill",
            object(
                "How far the last backfill of a source is, since it was started or gone on with last.",
                vec![
                    ("source", text("The source.")),
                    ("state", words("Where it stands.", &["never", "running", "done", "stopped", "failed"])),
                    ("since", instant_or_null("Nothing older was asked for.")),
                    ("started_at", instant_or_null("When it was started.")),
                    ("finished_at", instant_or_null("When it ended.")),
                    ("message", or_null(Type::String, "Why it could not go on, and what to do.")),
                    ("repository", or_null(Type::String, "The repository being read.")),
                    ("resource", or_null(Type::String, "What of it.")),
                    ("repositories_done", integer("Repositories read to their end.")),
                    ("repositories_total", integer("Repositories to read, as far as is known.")),
                    ("pages", integer("Pages that came.")),
                    ("unchanged_pages", integer("Pages that had not changed since they came last.")),
                    ("items", integer("Things on the pages that came.")),
                    (
                        "remaining_s",
                        or_null(Type::Integer, "About how many seconds are left, once a repository is read."),
                    ),
                    ("waiting", named_or_null("BackfillWaiting")),
                    ("rate_limit", named_or_null("RateLimit")),
                    ("failures", list(named("BackfillFailure"))),
                ],
            ),
        ),
        (
            "BackfillWaiting",
            object(
                "A pause that the vendor or its trouble imposes.",
                vec![("until", instant("Until when.")), ("why", text("For what."))],
            ),
        ),
        (
            "RateLimit",
            object(
                "How often a vendor may be asked.",
                vec![
                    ("remaining", integer("Requests left.")),
                    ("limit", integer("Of so many.")),
                    ("resets_at", instant("When there are that many again.")),
                ],
            ),
        ),
        (
            "BackfillFailure",
            object(
                "Something that could not be read; everything else was.",
                vec![
                    ("repository", text("Of which repository, or owner.")),
                    ("resource", text("What.")),
                    ("message", text("Why, and what to do.")),
                ],
            ),
        ),
    ]
}

fn page(rows: &'static str, item: &str) -> RefOr<Schema> {
    object(
        "A page of rows, newest first.",
        vec![
            (rows, list(named(item))),
            ("next", or_null(Type::String, "The cursor of the next page.")),
            (
                "kept_from?",
                instant(
                    "On the last page: rows before this instant were taken out (`[retention]` of the configuration).",
                ),
            ),
        ],
    )
}

/// A row of a table, column by column.
fn row(table: &str) -> RefOr<Schema> {
    let found = warehouse::reference().into_iter().find(|known| known.name == table);
    let mut object = ObjectBuilder::new().schema_type(Type::Object);
    if let Some(table) = found {
        object = object.description(Some(table.doc));
        for column in table.columns {
            let property = match column.data_type {
                _ if column.name.ends_with("labels") => or_null(Type::Object, &column.doc),
                "integer" => or_null(Type::Integer, &column.doc),
                "double" => or_null(Type::Number, &column.doc),
                "boolean" => or_null(Type::Boolean, &column.doc),
                "timestamp" => instant_or_null(&column.doc),
                _ => or_null(Type::String, &column.doc),
            };
            object = object.property(column.name.clone(), property).required(column.name);
        }
    }
    RefOr::T(Schema::Object(object.build()))
}

type Fields = Vec<(&'static str, RefOr<Schema>)>;

/// An object with nothing but these; a name that ends in `?` may be absent.
fn object(doc: &str, fields: Fields) -> RefOr<Schema> {
    RefOr::T(Schema::Object(fill(ObjectBuilder::new().description(Some(doc)), fields).build()))
}

/// An object with these and more.
fn open_object(doc: &str, fields: Fields) -> RefOr<Schema> {
    let more = AdditionalProperties::<Schema>::FreeForm(true);
    RefOr::T(Schema::Object(
        fill(ObjectBuilder::new().description(Some(doc)), fields).additional_properties(Some(more)).build(),
    ))
}

fn fill(object: ObjectBuilder, fields: Fields) -> ObjectBuilder {
    fields.into_iter().fold(object.schema_type(Type::Object), |object, (name, schema)| match name.strip_suffix('?') {
        Some(name) => object.property(name, schema),
        None => object.property(name, schema).required(name),
    })
}

fn map(values: RefOr<Schema>, doc: &str) -> RefOr<Schema> {
    let object = ObjectBuilder::new().schema_type(Type::Object).description(Some(doc));
    RefOr::T(Schema::Object(object.additional_properties(Some(values)).build()))
}

fn list(items: RefOr<Schema>) -> RefOr<Schema> {
    RefOr::T(Schema::Array(ArrayBuilder::new().items(items).build()))
}

fn named(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

fn named_or_null(name: &str) -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    RefOr::T(Schema::OneOf(OneOfBuilder::new().item(null).item(Ref::from_schema_name(name)).build()))
}

fn plain(kind: impl Into<SchemaType>, doc: &str) -> ObjectBuilder {
    let doc = (!doc.is_empty()).then_some(doc);
    ObjectBuilder::new().schema_type(kind.into()).description(doc)
}

fn of(object: ObjectBuilder) -> RefOr<Schema> {
    RefOr::T(Schema::Object(object.build()))
}

fn words(doc: &str, words: &[&str]) -> RefOr<Schema> {
    of(plain(Type::String, doc).enum_values(Some(words.iter().copied())))
}

fn text(doc: &str) -> RefOr<Schema> {
    of(plain(Type::String, doc))
}

fn integer(doc: &str) -> RefOr<Schema> {
    of(plain(Type::Integer, doc))
}

fn number(doc: &str) -> RefOr<Schema> {
    of(plain(Type::Number, doc))
}

fn or_null(kind: Type, doc: &str) -> RefOr<Schema> {
    of(plain(SchemaType::from_iter([kind, Type::Null]), doc))
}

fn instant(doc: &str) -> RefOr<Schema> {
    of(plain(Type::String, doc).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))))
}

fn instant_or_null(doc: &str) -> RefOr<Schema> {
    let kind = SchemaType::from_iter([Type::String, Type::Null]);
    of(plain(kind, doc).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))))
}
