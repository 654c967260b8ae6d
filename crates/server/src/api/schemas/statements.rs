//! The shapes of answers that say how sure a number is.

use ::metrics::inference::Lack;
use ::metrics::inference::difference::{Method, Sure};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{RefOr, Schema};

use super::{instant, integer, list, map, named, named_or_null, number, object, or_null, text, words};

/// The schemas by name.
pub(super) fn statements() -> Vec<(&'static str, RefOr<Schema>)> {
    let lacks = Lack::ALL.map(Lack::text);
    let definition = || ("definition", named("DefinitionRef"));
    let window = || [("from", instant("First instant of the window.")), ("to", instant("First instant after it."))];
    let as_of = || ("as_of", instant("When the data was known so."));
    let mut column =
        vec![("node", text("The node, by its full name.")), ("metrics", map(named("Compared"), "By metric."))];
    column.extend(window());
    let mut correlation = vec![
        definition(),
        as_of(),
        ("kept_from?", instant(super::KEPT_FROM)),
        ("x", named("Metric")),
        ("y", named("Metric")),
        ("level", named("Level")),
        ("node", text("The node they stand below.")),
        ("n", integer("Nodes with both values.")),
        ("r", or_null(Type::Number, "Pearson's r, from -1 to 1.")),
        ("p", or_null(Type::Number, "How often chance alone gives an r at least as far from 0.")),
        ("reason", named_or_null("Lack")),
        ("sentence", text("The same in words.")),
        ("left_out", integer("Nodes of the level without both values.")),
        ("points", list(named("CorrelationPoint"))),
    ];
    correlation.extend(window());
    vec![
        ("Lack", words("Why nothing can be said.", &lacks)),
        (
            "Sure",
            words(
                "How sure it is that a difference is none of chance alone: outside the 99 % interval, outside the 95 % interval, within it, or no interval.",
                &Sure::ALL.map(Sure::text),
            ),
        ),
        (
            "Interval",
            object(
                "Where a difference may lie.",
                vec![
                    (
                        "of",
                        words(
                            "The difference in the metric's unit, or the ratio of this value to the first.",
                            &["difference", "ratio"],
                        ),
                    ),
                    ("low", number("Lower end.")),
                    ("high", or_null(Type::Number, "Upper end; null when nothing bounds it.")),
                    ("level", number("Share of such intervals that hold the true difference.")),
                    ("method", words("How it was made.", &Method::ALL.map(Method::text))),
                ],
            ),
        ),
        (
            "Difference",
            object(
                "A value against that of the first column.",
                vec![
                    ("value", or_null(Type::Number, "This value minus the first, in the metric's unit.")),
                    ("change", or_null(Type::Number, "Relative to the first; for ratios the difference.")),
                    ("interval", named_or_null("Interval")),
                    ("sure", named("Sure")),
                    ("reason", named_or_null("Lack")),
                    ("sentence", text("The same in words.")),
                ],
            ),
        ),
        (
            "Compared",
            object(
                "A value, and how it differs from that of the first column.",
                vec![
                    ("value", or_null(Type::Number, "The value.")),
                    ("unit", named("Unit")),
                    ("n", integer("Rows used.")),
                    ("coverage", or_null(Type::Number, "Rows used among all rows.")),
                    ("band", named_or_null("Band")),
                    ("reason", named_or_null("Reason")),
                    ("reason_text", or_null(Type::String, "What that means and what to do.")),
                    ("difference?", named("Difference")),
                ],
            ),
        ),
        ("Column", object("One node in one window.", column)),
        (
            "Comparison",
            object(
                "Nodes or windows beside each other.",
                vec![
                    definition(),
                    as_of(),
                    ("kept_from?", instant(super::KEPT_FROM)),
                    ("by", words("What the columns are.", &["node", "window"])),
                    ("caution", text("What every interval takes for granted.")),
                    ("columns", list(named("Column"))),
                ],
            ),
        ),
        (
            "CorrelationPoint",
            object(
                "A node with both values.",
                vec![
                    ("node", text("The node.")),
                    ("x", number("")),
                    ("y", number("")),
                    ("x_n", integer("Rows used for x.")),
                    ("y_n", integer("Rows used for y.")),
                ],
            ),
        ),
        ("Correlation", object("Whether two metrics go together.", correlation)),
        (
            "ChangePoint",
            object(
                "A move of the level.",
                vec![
                    ("at", instant("First instant of the first bucket at the new level.")),
                    ("before", number("Median of the buckets before, since the change before.")),
                    ("after", number("Median of the buckets after, until the next change.")),
                    ("change", or_null(Type::Number, "Relative; for ratios the difference.")),
                ],
            ),
        ),
        (
            "Changes",
            object(
                "Where the level of a series moved.",
                vec![
                    ("points", list(named("ChangePoint"))),
                    ("n", integer("Buckets looked at: whole ones that are over and have a value.")),
                    ("reason", named_or_null("Lack")),
                    ("sentence", text("The same in words.")),
                ],
            ),
        ),
    ]
}
