//! The language of programs: jq, with what is ours.

use domain::Code;
use serde_json::Value;

use super::{run, tool};

/// What an expression gives, as JSON.
fn gives(expression: &str, body: &str) -> String {
    let parsed = run(&format!("{{ignored: ([{expression}] | tojson)}}"), body);
    parsed.map_or_else(|problem| problem.to_string(), |parsed| parsed.ignored.unwrap())
}

#[test]
fn jq_is_spoken() {
    let body = r#"{"a": [3, 1, 2], "b": {"c": "x-y", "d": null}, "n": 1502709956288000110, "f": 1.5}"#;
    for (expression, wanted) in [
        (".a | sort, length, add, max, min, first, last", "[[1,2,3],3,6,3,1,3,2]"),
        (".a | map(. * 2) | join(\",\")", "[\"6,2,4\"]"),
        (".b.c / \"-\", (.b.c | split(\"-\")[1])", "[[\"x\",\"y\"],\"y\"]"),
        (".b | keys, has(\"d\"), has(\"e\"), to_entries[0].key", "[[\"c\",\"d\"],true,false,\"c\"]"),
        (".b.d // \"none\", .x.y.z, .a[7], .a[-1], .a[1:]", "[\"none\",null,null,2,[1,2]]"),
        (
            ".n, .n + 1, .f + 1, 7 / 2, 6 / 2, 7 % 4, -(.f)",
            "[1502709956288000110,1502709956288000111,2.5,3.5,3,3,-1.5]",
        ),
        (".a as [$x, $y] | $x - $y", "[2]"),
        (".b + {e: 1} | del(.d) | .c |= ascii_upcase", "[{\"c\":\"X-Y\",\"e\":1}]"),
        (".a | any(. > 2), all(. > 2), index_of", "[true,false,1]"),
        ("[.a[] | select(. > 1)] | reverse", "[[2,3]]"),
        (".a | group_by(. % 2), unique_by(. % 2), sort_by(-.)", "[[[2],[3,1]],[2,3],[3,2,1]]"),
        ("if .f > 1 then \"big\" elif .f then \"small\" else 0 end", "[\"big\"]"),
        ("try error(\"no\") catch .", "[\"no\"]"),
        (".b.c | startswith(\"x\"), ltrimstr(\"x-\"), contains(\"-\"), test_it", "[true,\"y\",true,1]"),
        ("[limit(3; repeat(1))], [range(2; 8; 3)], [.a[] as $x | $x, 0]", "[[1,1,1],[2,5],[3,0,1,0,2,0]]"),
        ("(\"1\" | tonumber), (\"{\\\"a\\\":1}\" | fromjson.a), ([1] | tojson), (1 | tostring)", "[1,1,\"[1]\",\"1\"]"),
        ("([.. | numbers] | length), ([.a, .b] | flatten | length)", "[5,4]"),
        ("reduce .a[] as $x (0; . + $x), [foreach .a[] as $x (0; . + $x)]", "[6,[3,4,6]]"),
        (
            "{\"a\": 1, b: 2, (\"c\"): 3} * {b: {d: 4}}, ({a: {b: 1}} * {a: {c: 2}})",
            "[{\"a\":1,\"b\":{\"d\":4},\"c\":3},{\"a\":{\"b\":1,\"c\":2}}]",
        ),
        ("\"\\(.f) and \\(.a)\"", "[\"1.5 and [3,1,2]\"]"),
        ("([paths] | length), [.b | .[]?], (.b | map_values(1))", "[9,[\"x-y\",null],{\"c\":1,\"d\":1}]"),
        ("$received_at, $headers", "[\"2026-11-01T00:00:00Z\",{}]"),
    ] {
        let expression =
            expression.replace("index_of", "(. as $l | [range(length)] | first(.[] | select($l[.] == 1)))");
        let expression = expression.replace("test_it", "index(\"-\")");
        assert_eq!(gives(&expression, body), wanted, "{expression}");
    }
}

#[test]
fn times_are_read_in_the_ways_tools_write_them() {
    for (expression, wanted) in [
        (".ms | milliseconds", "[\"2017-08-14T11:25:56.288Z\"]"),
        (".ns | nanoseconds", "[\"2017-08-14T11:25:56.288Z\"]"),
        (".s | seconds", "[\"2017-08-14T11:25:56Z\"]"),
        (
            "(.ms | tostring | milliseconds), (0, null, \"\" | milliseconds)",
            "[\"2017-08-14T11:25:56.288Z\",null,null,null]",
        ),
        (
            "\"0001-01-01T00:00:00Z\", \"0001-01-01\", null, \"\", \"0000-00-00 00:00:00\" | instant",
            "[null,null,null,null,null]",
        ),
        ("\"2025-01-01T12:00:00+02:00\" | instant", "[\"2025-01-01T10:00:00Z\"]"),
        (
            "\"2025-01-01 12:00:00 +0200\", \"2025-01-01 12:00:00 UTC\" | instant",
            "[\"2025-01-01T10:00:00Z\",\"2025-01-01T12:00:00Z\"]",
        ),
        ("\"2025-01-01T12:00:00\" | instant_utc, has_offset", "[\"2025-01-01T12:00:00Z\",false]"),
        ("\"2025-01-01T12:00:00Z\" | later(1500), has_offset", "[\"2025-01-01T12:00:01.5Z\",true]"),
        ("null | later(1)", "[null]"),
    ] {
        let body = r#"{"ms": 1502709956288, "ns": 1502709956288000110, "s": 1502709956}"#;
        assert_eq!(gives(expression, body), wanted, "{expression}");
    }
    let problem = run("\"2025-01-01T12:00:00\" | instant", "{}").unwrap_err();
    assert_eq!(problem.code, Code::TimestampWithoutOffset);
    assert_eq!(run("\"soon\" | instant", "{}").unwrap_err().code, Code::TimestampInvalid);
}

#[test]
fn what_is_ours_helps() {
    for (expression, wanted) in [
        (
            "\"SEV-2\", \"P1\", 3, null, \"odd\" | severity",
            "[\"high\",\"critical\",\"medium\",\"unknown\",\"unknown\"]",
        ),
        ("\"r.example/a/b:1@sha256:0\" | image_name", "[\"r.example/a/b\"]"),
        ("\"v1.2.3\", \"main\" | is_semver", "[true,false]"),
        ("pick(null, \" \", 7, \"x\"), pick(null)", "[\"7\",null]"),
        ("marks((\"a\" | mark(\"service\")), (\"\" | mark(\"team\")), (null | mark(\"team\")))", "[[\"service:a\"]]"),
        ("\"refs/heads/main\", \"refs/tags/v1\" | [branch], [tag]", "[[\"main\"],[],[],[\"v1\"]]"),
        ("\"abcdef0\", \"v1.2.3\", \"abc\" | is_sha", "[true,false,false]"),
        ("labels(\"a\", \"b\", null, \"\")", "[{\"a\":\"\",\"b\":\"\"}]"),
    ] {
        assert_eq!(gives(expression, "{}"), wanted, "{expression}");
    }
    let unknown = run("\"odd\" | of({ok: 1, ko: 2}; \"build.status\")", "{}").unwrap_err();
    assert_eq!(unknown.to_string(), "`build.status` is `odd`; it takes ko, ok (unknown_value)");
    let missing = run("need(.a, .b; \"a\"; \"it names it.\")", "{}").unwrap_err();
    assert_eq!(missing.to_string(), "`a` is missing or empty: it names it. (missing_field)");
    assert_eq!(
        run("\"x\\u001b[31m\" | says_nothing", "{}").unwrap().ignored.unwrap(),
        "the event `x [31m` says nothing about delivery"
    );
}

#[test]
fn a_program_sees_neither_files_nor_clock_nor_environment() {
    for call in [
        "now",
        "env",
        "$ENV",
        "input",
        "inputs",
        "debug",
        "stderr",
        "halt",
        "localtime",
        "import \"a\" as a; 1",
        "include \"a\"; 1",
        "input_filename",
        "getpath",
        "$__prog_args",
    ] {
        let error = tool(call).source().unwrap_err();
        assert!(error.what.starts_with("the program: "), "{call}: {error}");
    }
}

#[test]
fn a_mistake_in_a_program_is_placed() {
    let wrong = |program: &str| tool(program).source().unwrap_err().to_string();
    assert_eq!(
        wrong("{type: \"incident\",\n  id: .id\n  title: .t}"),
        "tools `test`: the program: line 3, column 3: expected comma or right brace, found `title`"
    );
    assert_eq!(
        wrong(".a |\n  nothing_like_it(.)"),
        "tools `test`: the program: line 2, column 3: there is no such filter, found `nothing_like_it`"
    );
    assert!(wrong("\"open").contains("line 1, column"), "{}", wrong("\"open"));
    assert!(wrong("").contains("found the end"), "{}", wrong(""));
}

#[test]
fn what_a_program_raises_is_a_problem() {
    let raised = |program: &str| run(program, r#"{"a": [1], "secret": "x"}"#).unwrap_err().to_string();
    assert_eq!(raised("error(\"no such thing\")"), "no such thing (wrong_type)");
    assert_eq!(raised("fail(\"missing_field\"; \"`a` is missing\")"), "`a` is missing (missing_field)");
    assert_eq!(raised("fail(\"internal\"; \"pretends\")"), "pretends (unknown_value)");
    assert_eq!(raised(".a.b"), "cannot index [1] with \"b\" (wrong_type)");
    assert!(raised("error(\"x\" * 10000)").len() < 400);
    assert_eq!(
        raised("empty"),
        "the program of this source gives nothing for this body: it is to give events, or {ignored: why} (unknown_value)"
    );
    assert_eq!(run("{ignored: \"x\"}", "1").unwrap_err().code, Code::NotAnObject);
    assert_eq!(run("{}", "{}").unwrap().events[0].clone().unwrap_err().code, Code::UnknownType);
    assert_eq!(run("1", "{}").unwrap().events[0].clone().unwrap_err().code, Code::NotAnObject);
}

#[test]
fn one_thing_of_a_list_may_be_wrong() {
    let program = "each({type: \"tag\", repo: \"r\", name: need(.name; \"name\"; \"it is the tag.\"), sha: \"a\"})";
    let parsed = run(program, r#"[{"name": "v1"}, {}, {"name": "v2"}]"#).unwrap();
    let told: Vec<String> = parsed
        .events
        .iter()
        .map(|event| event.as_ref().map_or_else(ToString::to_string, |event| event.key.id.to_string()))
        .collect();
    assert_eq!(told, ["r:v1", "`name` is missing or empty: it is the tag. (missing_field)", "r:v2"]);
}

#[test]
fn the_digits_of_numbers_are_kept() {
    let parsed = run(
        "{type: \"pipeline_run\", id: .id, started_at: $received_at, status: \"failed\", labels: {x: .x}}",
        r#"{"id": 1502709956288000110, "x": 1.0}"#,
    );
    let event = parsed.unwrap().events[0].clone().unwrap();
    assert_eq!(event.fields["id"], Value::from("1502709956288000110"));
}
