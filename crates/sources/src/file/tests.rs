use std::io::Write;

use domain::Timestamp;
use proptest::prelude::*;

use super::*;

fn checks() -> Checks<'static> {
    Checks { default_source: "import", now: Timestamp::parse("2025-06-01T00:00:00Z").unwrap() }
}

fn items(text: &[u8], format: Format) -> Vec<(u64, Result<Event, Problem>)> {
    read(text, format, checks()).unwrap().collect()
}

/// Lines and ids of events, lines and codes of problems.
fn told(text: &str, format: Format) -> Vec<String> {
    let tell = |(line, event): (u64, Result<Event, Problem>)| match event {
        Ok(event) => format!("{line} {}", event.key.id),
        Err(problem) => format!("{line} {}", problem.code),
    };
    items(text.as_bytes(), format).into_iter().map(tell).collect()
}

const ONE: &str = r#"{"type":"tag","repo":"shop","name":"v1","sha":"abc"}"#;
const TWO: &str = r#"{"type":"tag","repo":"s]h,o}p\"","name":"v2","sha":"abc"}"#;

#[test]
fn names_tell_the_format() {
    for (name, format) in [
        ("a.json", Some(Format::Json)),
        ("a.NDJSON", Some(Format::Ndjson)),
        ("b.x.jsonl.gz", Some(Format::Ndjson)),
        ("a.csv.zst", Some(Format::Csv)),
        ("a.gz", None),
        ("csv", None),
        ("a.xlsx", None),
    ] {
        assert_eq!(Format::of(Path::new(name)), format, "{name}");
    }
    assert!(matches!(open(Path::new("/none/a.txt"), checks()), Err(FileError::UnknownFormat(_))));
    assert!(matches!(open(Path::new("/none/a.json"), checks()), Err(FileError::Open { .. })));
}

#[test]
fn json_is_an_array_or_a_sequence() {
    let both = ["1 shop:v1", "2 s]h,o}p\":v2"];
    assert_eq!(told(&format!("[{ONE},\n {TWO}]\n"), Format::Json), both);
    assert_eq!(told(&format!("{ONE}\n{TWO}\n"), Format::Json), both);
    assert_eq!(told(&format!("\u{feff}{ONE}"), Format::Json), ["1 shop:v1"]);
    assert_eq!(told(&ONE.replace(',', ",\n"), Format::Json), ["1 shop:v1"]);
    assert_eq!(
        told(&format!("[1, {ONE}, \"],\", null]"), Format::Json),
        ["1 not_an_object", "1 shop:v1", "1 not_an_object", "1 not_an_object"]
    );
    assert!(told(" [ ] ", Format::Json).is_empty());
}

#[test]
fn a_mistake_in_json_ends_the_reading() {
    for (text, found) in [
        (String::new(), vec!["1 malformed_json"]),
        (format!("[{ONE}"), vec!["1 shop:v1", "1 malformed_json"]),
        (format!("[{ONE}\n{TWO}]"), vec!["1 shop:v1", "2 malformed_json"]),
        (format!("[{ONE},]"), vec!["1 shop:v1", "1 malformed_json"]),
        (format!("[{ONE}] {TWO}"), vec!["1 shop:v1", "1 malformed_json"]),
        (format!("{ONE}\n}} {TWO}"), vec!["1 shop:v1", "2 malformed_json"]),
        (format!("[{ONE}, {{\"a\" 1}}, {TWO}]"), vec!["1 shop:v1", "1 malformed_json"]),
        ("[".repeat(10_000), vec!["1 malformed_json"]),
    ] {
        assert_eq!(told(&text, Format::Json), found, "{text:.80}");
    }
}

#[test]
fn a_mistake_in_a_line_concerns_the_line() {
    assert_eq!(
        told(&format!("{ONE}\n\nx\n[]\n{ONE}"), Format::Ndjson),
        ["1 shop:v1", "3 malformed_json", "4 not_an_object", "5 shop:v1"]
    );
    let long = format!("{{\"x\":\"{}\"}}\n{ONE}", "x".repeat(MAX_ITEM_BYTES));
    assert_eq!(told(&long, Format::Ndjson), ["1 field_too_long", "2 shop:v1"]);
    assert_eq!(told(&long, Format::Json), ["1 field_too_long"]);
    assert!(told("\n \n", Format::Ndjson).is_empty());
}

#[test]
fn rows_become_what_their_fields_take() {
    let text = "\u{feff}type,id,component,environment,status,finished_at,images,labels.tier,labels.zone,status_assumed,mine\n\
        deployment, 7 ,cart,production,succeeded,2025-01-01T10:00:00+01:00,a:1; b:2,gold,,yes,\"x, \"\"y\"\"\nz\"\n\
        deployment,8,cart,production,unheard,2025-01-01T10:00:00Z,,,,,\n\
        deployment,9,cart\n\
        deployment,10,cart,production,failed,2025-01-01T10:00:00Z,,,,maybe,\n";
    let rows = items(text.as_bytes(), Format::Csv);
    let event = rows[0].1.as_ref().unwrap();
    assert_eq!((rows[0].0, &*event.key.id), (2, "7"));
    insta::assert_snapshot!(serde_json::to_string(&event.fields).unwrap(), @r#"{"labels":{"tier":"gold"},"id":"7","component":"cart","environment":"production","status":"succeeded","finished_at":"2025-01-01T09:00:00Z","images":["a:1","b:2"],"status_assumed":true,"mine":"x, \"y\"\nz"}"#);
    assert_eq!(told(text, Format::Csv)[1..], ["4 unknown_value", "5 malformed_json", "6 wrong_type"]);
}

#[test]
fn numbers_lists_and_objects_fit_in_cells() {
    let text = "type,id,slo,component,at,good,total,commits,labels\n\
        slo_sample,,avail,cart,2025-01-01T10:00:00Z,9.5,10,,\n\
        slo_sample,,avail,cart,2025-01-01T10:00:00Z,many,10,,\n";
    assert_eq!(told(text, Format::Csv), ["2 cart/avail@2025-01-01T10:00:00Z", "3 wrong_type"]);
    let text = "type,repo,number,opened_at,commits,labels,labels.x\n\
        pull_request,shop,12,2025-01-01T10:00:00Z,aaa;bbb,\"{\"\"hot\"\":\"\"1\"\"}\",y\n";
    let rows = items(text.as_bytes(), Format::Csv);
    let fields = &rows[0].1.as_ref().unwrap().fields;
    assert_eq!(fields["commits"], serde_json::json!([{"sha": "aaa"}, {"sha": "bbb"}]));
    assert_eq!(fields["labels"], serde_json::json!({"hot": "1", "x": "y"}));
}

#[test]
fn a_table_that_is_none_says_so() {
    assert_eq!(told("", Format::Csv), ["1 malformed_json"]);
    assert_eq!(told("a,b\n1,2\n", Format::Csv), ["1 unknown_type"]);
    assert_eq!(told("type,a,a\n", Format::Csv), ["1 malformed_json"]);
    assert_eq!(told("type\nunheard\n", Format::Csv), ["2 unknown_type"]);
    assert!(told("type\n", Format::Csv).is_empty());
    let rows = items(b"type,repo\ntag,\xff\n", Format::Csv);
    assert_eq!(rows[0].1.as_ref().unwrap_err().code, Code::MalformedJson);
    // A quote that never closes swallows the rest, but not all of memory.
    let endless = format!("type,name\ntag,\"{}", "x\n".repeat(MAX_ITEM_BYTES));
    assert_eq!(told(&endless, Format::Csv), ["2 field_too_long"]);
}

#[test]
fn packed_files_are_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{ONE}\n{ONE}\n");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let twice = [gzip.clone(), gzip.clone()].concat();
    for (name, bytes, count) in [
        ("a.jsonl", text.as_bytes(), 2),
        ("a.jsonl.gz", &gzip, 2),
        ("b.jsonl", &gzip, 2),
        ("b.jsonl.gz", &twice, 4),
        ("a.ndjson.zst", &zstd, 2),
        ("empty.ndjson", b"", 0),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let events: Vec<_> = open(&path, checks()).unwrap().collect();
        assert!(events.iter().all(|(_, event)| event.is_ok()), "{name}");
        assert_eq!(events.len(), count, "{name}");
    }
    for packed in [&gzip, &zstd] {
        for format in [Format::Json, Format::Ndjson, Format::Csv] {
            let cut = items(&packed[..packed.len() - 5], format);
            assert!(cut.last().unwrap().1.is_err(), "a file cut short is a problem");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..300), packed in 0usize..3) {
        let marked = [&[][..], &[0x1f, 0x8b, 8, 0], &[0x28, 0xb5, 0x2f, 0xfd]][packed].iter().chain(&bytes).copied();
        let bytes: Vec<u8> = marked.collect();
        for format in [Format::Json, Format::Ndjson, Format::Csv] {
            prop_assert!(items(&bytes, format).len() <= bytes.len() + 1);
        }
    }

    #[test]
    fn json_reads_what_the_parser_reads(text in r#"[\[\]{},:" \\a1\n]{0,40}"#) {
        let streamed = items(text.as_bytes(), Format::Json);
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(serde_json::Value::Array(values)) => {
                let whole: Vec<_> = values.into_iter().map(|value| domain::event::parse(value, checks())).collect();
                prop_assert_eq!(streamed.into_iter().map(|item| item.1).collect::<Vec<_>>(), whole);
            }
            Ok(_) => prop_assert_eq!(streamed.len(), 1),
            // Values one after the other are no JSON, but may stand in a file.
            Err(_) if !text.trim_start().starts_with('[') => {}
            Err(_) => prop_assert!(streamed.last().is_some_and(|item| item.1.is_err())),
        }
    }
}
