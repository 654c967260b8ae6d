//! As much of Go's templates as the snippets use: values, `toJson`, `index`, `range` over a list, `if` and `else`.

use serde_json::{Map, Value};

/// Renders a template with these values; what Go would refuse, or is not known here, is an error of the test.
pub(crate) fn render(template: &str, values: &Value) -> String {
    let mut names = Map::new();
    names.insert(String::new(), values.clone());
    let mut rest = template;
    let (out, _) = piece(&mut rest, &mut names, true);
    assert_eq!(rest, "");
    out
}

/// Up to the `end` or `else` of what it is within, and whether it was an `else`.
fn piece(rest: &mut &str, names: &mut Map<String, Value>, shown: bool) -> (String, bool) {
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once("{{") {
        let (action, after) = after.split_once("}}").expect("an action has an end");
        let trims = action.starts_with("- ");
        out.push_str(if trims { before.trim_end() } else { before });
        *rest = after;
        let words: Vec<&str> = action.trim_start_matches('-').split_whitespace().collect();
        match words[..] {
            ["end"] => return (out, false),
            ["else"] => return (out, true),
            ["if", path] => {
                let holds = shown && is_true(&value(path, names));
                let (then, more) = piece(rest, names, holds);
                let otherwise = if more { piece(rest, names, shown && !holds).0 } else { String::new() };
                out.push_str(if holds { &then } else { &otherwise });
            }
            ["range", index, item, ":=", path] => {
                let items = if shown { value(path, names) } else { Value::Null };
                let items = items.as_array().cloned().unwrap_or_default();
                let start = *rest;
                if items.is_empty() {
                    piece(rest, names, false);
                }
                for (place, value) in items.into_iter().enumerate() {
                    *rest = start;
                    names.insert(index.trim_matches(['$', ',']).to_owned(), Value::from(place));
                    names.insert(item.trim_start_matches('$').to_owned(), value);
                    out.push_str(&piece(rest, names, true).0);
                }
            }
            _ if !shown => {}
            ["toJson", "now"] => out.push_str("\"2025-01-03T12:20:00.123456789+01:00\""),
            ["toJson", "(index", path, name] => {
                let name = name.trim_end_matches(')').trim_matches('"');
                out.push_str(&value(path, names).get(name).cloned().unwrap_or_default().to_string());
            }
            ["toJson", path] => out.push_str(&value(path, names).to_string()),
            [path] if path.starts_with(['.', '$']) => match value(path, names) {
                Value::String(text) => out.push_str(&text),
                // As Go prints what is not there.
                Value::Null => out.push_str("<no value>"),
                other => out.push_str(&other.to_string()),
            },
            _ => panic!("`{action}` is not known here"),
        }
    }
    out.push_str(rest);
    *rest = "";
    (out, false)
}

/// Go takes what is empty for false.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// `.a.b` of all values, `$name.a.b` of a variable. Of what is not there Go takes no part.
fn value(path: &str, names: &Map<String, Value>) -> Value {
    let (name, rest) = path.trim_start_matches('$').split_once('.').unwrap_or((path.trim_start_matches('$'), ""));
    let mut value = names.get(name).cloned().unwrap_or_default();
    for step in rest.split('.').filter(|step| !step.is_empty()) {
        let fields = value.as_object().unwrap_or_else(|| panic!("nil pointer evaluating `{step}` of `{path}`"));
        value = fields.get(step).cloned().unwrap_or_default();
    }
    value
}

#[test]
fn it_renders_as_go_does() {
    let values =
        serde_json::json!({"app": {"name": "cart", "list": [{"id": 1}, {"id": 2}], "none": [], "more": {"x": 1}}});
    let of = |template: &str| render(template, &values);
    assert_eq!(
        of(r#"{{.app.name}} {{ toJson .app.name }} {{ toJson .app.other }} {{ .app.x }}"#),
        r#"cart "cart" null <no value>"#
    );
    let list = "[\n{{- range $i, $e := .app.LIST }}{{ if $i }},{{ end }}\n{{ toJson $e.id }}\n{{- end }}\n]";
    assert_eq!(of(&list.replace("LIST", "list")), "[\n1,\n2\n]");
    assert_eq!(of(&list.replace("LIST", "none")), "[\n]");
    let either = "{{ if .app.PART }}{{ .app.PART.x }}yes{{ else }}no{{ end }}.";
    assert_eq!(of(&either.replace("PART", "other")), "no.");
    assert_eq!(of(&either.replace("PART", "more")), "1yes.");
}
