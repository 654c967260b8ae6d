//! Programs that would run for ever, fill the memory or overflow the stack are stopped, with a reason.

use sources::Parsed;

use super::{run, tool};

/// Why it was stopped.
fn stopped(program: &str) -> String {
    stopped_by(program, "{}")
}

fn stopped_by(program: &str, body: &str) -> String {
    let problem = run(program, body).unwrap_err();
    let why = problem.message.split("it was stopped: ").nth(1);
    why.unwrap_or_else(|| panic!("{program}: {problem}")).to_owned()
}

const ENDLESS: &str = "it does not come to an end: more steps than a program may take";
const TOO_MUCH: &str = "it makes too much: more memory than a program may take";
const TOO_DEEP: &str = "it calls itself too deeply";
const NESTED: &str = "it nests values more than 128 deep";

#[test]
fn what_never_ends_is_stopped() {
    for program in [
        "def f: f; f",
        "def f: f | f; f",
        "def f(g): f(g | .); f(.)",
        "def f($x): f($x + 1); f(0)",
        "def f: .[0]? // f; f",
        "last(repeat(1))",
        "[limit(1000000000; repeat(null))] | length",
        "last(range(1000000000))",
        "reduce range(1000000000) as $x (0; . + 1)",
        "first(range(1000000000) | select(. < 0))",
        "0 | until(false; . + 1)",
        "last(while(true; .))",
        "try (def f: f; f) catch 1",
        "def f: try f catch f; f",
        "def f: (f)? // f; f",
        "label $out | foreach repeat(1) as $x (0; 1; empty)",
        "isempty(repeat(empty))",
        "[range(100000)] | [.[] as $x | .[] as $y | 1] | length",
        "[range(3000)] | . - . - . | reduce range(100000) as $x (.; . - [1])",
        "\"x\" * 100000 | [range(100000) as $x | contains(\"y\")] | length",
    ] {
        let why = stopped(program);
        assert!(why == ENDLESS || why == TOO_DEEP || why == TOO_MUCH, "{program}: {why}");
    }
    assert_eq!(stopped("def f: f; f"), ENDLESS);
    assert_eq!(stopped("last(repeat(1))"), ENDLESS);
}

#[test]
fn what_fills_the_memory_is_stopped() {
    for program in [
        "[range(1000000000)]",
        "\"x\" * 1000000000",
        "\"x\" | until(false; . + .)",
        "[0] | until(false; . + .)",
        "[repeat(\"x\" * 1000)]",
        "reduce range(100000) as $x ({}; . + {\"\\($x)\": [range(1000)]})",
        "[range(1000)] | [range(1000000) as $x | .]  | flatten | length",
        "[range(1000)] | [range(10000) as $x | sort]",
        "{a: (\"x\" * 1000000)} | [range(1000) as $x | tojson]",
    ] {
        let why = stopped(program);
        assert!(why == TOO_MUCH || why == ENDLESS, "{program}: {why}");
    }
    assert_eq!(stopped("\"x\" * 1000000000"), TOO_MUCH);
}

/// A value that shares its parts is small in memory and huge when it is walked through.
#[test]
fn what_is_small_and_walks_without_end_is_stopped() {
    let shared = "reduce range(60) as $x ([]; [., .])";
    for walk in [
        "tojson",
        ". == (. | map(.))",
        "[., .] | sort",
        "[..] | length",
        "flatten",
        "{type: .}",
        ".",
        "tostring",
        "contains(.)",
        "error",
        "[.] - [.]",
        "walk(.)",
    ] {
        let why = stopped(&format!("{shared} | {walk}"));
        assert!(why == ENDLESS || why == TOO_MUCH, "{walk}: {why}");
    }
}

#[test]
fn what_calls_itself_without_end_is_stopped() {
    for program in [
        "def f: 1 + f; f",
        "def f: [f]; f",
        "def f: {a: f}; f",
        "def f: f as $x | 1; f",
        "def f: reduce f as $x (0; 1); f",
        "def f: first(f); f",
        "def f: [limit(1; f)]; f",
        "def f: [1, (f | .)] | .[0]; f",
    ] {
        assert_eq!(stopped(program), TOO_DEEP, "{program}");
    }
    let why = stopped("def f: f, 1; f");
    assert!(why == TOO_DEEP || why == ENDLESS, "{why}");
    // Each output is got through all that were opened before it.
    let why = stopped("last(def f: 1, (f | .); f)");
    assert!(why == TOO_DEEP || why == ENDLESS, "{why}");
}

#[test]
fn values_do_not_nest_without_end() {
    assert_eq!(stopped("reduce range(100000) as $x (null; [.])"), NESTED);
    assert_eq!(stopped("reduce range(100000) as $x (null; {a: .})"), NESTED);
    assert_eq!(stopped("reduce range(100000) as $x ([]; .[0] = .)"), "it nests values more than 128 deep");
    assert_eq!(stopped("reduce range(129) as $x (1; [.]) | tojson"), NESTED);
    assert_eq!(run("reduce range(127) as $x (1; [.]) | {ignored: tojson[:3]}", "{}").unwrap().ignored.unwrap(), "[[[");
}

/// What closures hold is dropped one within the other: the stack has to hold as many as there are steps.
#[test]
fn what_nests_out_of_sight_is_dropped() {
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(8 << 20));
    for program in ["def f(g): f(g | .); f(.)", "def f(g; h): f(g | h; h | g); f(.; .)", "def f($x): f([$x][0]); f(0)"]
    {
        assert_eq!(stopped_by(program, &long), ENDLESS);
    }
}

#[test]
fn the_longest_programs_are_read_or_refused() {
    let begins = [
        "(",
        "[",
        "-",
        "if ",
        "try ",
        "def f: ",
        "{a:",
        ".a|",
        "1+",
        "\"\\(",
        "reduce ",
        "..[",
        "label $a|",
        ". as $a|",
    ];
    for begin in begins {
        let error = tool(&begin.repeat(16_384 / begin.len())).source().unwrap_err();
        assert!(error.what.len() < 500, "{}", error.what.len());
    }
    let long = format!("{{ignored: \"{}\"}}", "x".repeat(16 << 10));
    assert!(tool(&long).source().unwrap_err().what.contains("at most 16384 are taken"));
    for program in
        [".|".repeat(8_000) + "{ignored: \"x\"}", "(".repeat(8_000) + "{ignored: \"x\"}" + &")".repeat(8_000)]
    {
        let tool = tool(&program).source();
        if let Ok(source) = tool {
            let _: Result<Parsed, _> = super::send(&source, &[], "{}");
        }
    }
}

#[test]
fn a_long_page_has_room() {
    let item =
        r#"{"id":1,"at":"2025-01-01T00:00:00Z","padding":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},"#;
    let body = format!("[{}]", item.repeat(9_000).trim_end_matches(','));
    let program = ".[] | {type: \"pipeline_run\", id: name_of, started_at: (.at | instant), status: \"succeeded\"}";
    let program = format!("def name_of: \"run-\\(.id)\"; {program}");
    assert_eq!(run(&program, &body).unwrap().events.len(), 9_000);
    let many =
        run(&program, &body.replace(']', &format!(",{}]", item.repeat(1_001).trim_end_matches(',')))).unwrap_err();
    assert!(many.message.starts_with("the program gives 10001 events for one delivery"), "{many}");
}
