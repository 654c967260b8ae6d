//! One event a row.

use std::cell::Cell;
use std::io::Read;
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder, Trim};
use domain::event::{Checks, Event, EventKind, FieldKind, parse, schema};
use domain::{Code, Problem};
use serde_json::{Map, Value};

use super::guard::Guard;
use super::{MAX_ITEM_BYTES, too_long, unreadable};

/// The line it begins on and what it says.
type Row = (u64, Result<Event, Problem>);

pub(super) struct Rows<'a, R> {
    input: Reader<Guard<R>>,
    /// Bytes the current row may still have.
    left: Rc<Cell<usize>>,
    names: Option<Vec<String>>,
    checks: Checks<'a>,
    ended: bool,
    row: ByteRecord,
}

impl<'a, R: Read> Rows<'a, R> {
    pub(super) fn new(input: R, checks: Checks<'a>) -> Self {
        let left = Rc::new(Cell::new(MAX_ITEM_BYTES));
        let input = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(Guard::new(input, left.clone()));
        Rows { input, left, names: None, checks, ended: false, row: ByteRecord::new() }
    }

    /// The line of the next row, when there is one.
    fn advance(&mut self) -> Result<Option<u64>, (u64, Problem)> {
        self.left.set(MAX_ITEM_BYTES);
        let before = self.input.position().line();
        let found = self.input.read_byte_record(&mut self.row).map_err(|error| {
            let problem = match error.kind() {
                csv::ErrorKind::Io(cause) if cause.kind() == std::io::ErrorKind::FileTooLarge => too_long(),
                csv::ErrorKind::Io(cause) => unreadable(cause),
                _ => Problem::new(Code::MalformedJson, format!("not CSV: {error}")),
            };
            (before, problem)
        })?;
        Ok(found.then(|| self.row.position().map_or(before, csv::Position::line)))
    }

    fn read(&mut self) -> Result<Option<Row>, (u64, Problem)> {
        let names = match self.names.take() {
            Some(names) => names,
            None => {
                let Some(line) = self.advance()? else {
                    return Err((1, Problem::new(Code::MalformedJson, "not CSV: the file is empty")));
                };
                names(&self.row).map_err(|problem| (line, problem))?
            }
        };
        let Some(line) = self.advance()? else { return Ok(None) };
        let event = row(&names, &self.row).and_then(|value| parse(value, self.checks));
        self.names = Some(names);
        Ok(Some((line, event)))
    }
}

impl<R: Read> Iterator for Rows<'_, R> {
    type Item = Row;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.read() {
            Ok(Some(item)) => Some(item),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err((line, problem)) => {
                self.ended = true;
                Some((line, Err(problem)))
            }
        }
    }
}

fn text(cell: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(cell).map_err(|_| Problem::new(Code::MalformedJson, "not CSV: the text is not UTF-8"))
}

fn names(row: &ByteRecord) -> Result<Vec<String>, Problem> {
    let mut names: Vec<String> = Vec::with_capacity(row.len());
    for cell in row {
        let name = text(cell)?.trim_start_matches('\u{feff}').trim().to_owned();
        if !name.is_empty() && names.contains(&name) {
            return Err(Problem::new(Code::MalformedJson, format!("not CSV: two columns are called `{name}`")));
        }
        names.push(name);
    }
    if !names.iter().any(|name| name == "type") {
        return Err(Problem::new(
            Code::UnknownType,
            "no column `type`; the first row holds the names of the fields, separated by commas",
        ));
    }
    Ok(names)
}

/// The row as a JSON object: cells become what the fields of its type take.
fn row(names: &[String], row: &ByteRecord) -> Result<Value, Problem> {
    if row.len() != names.len() {
        return Err(Problem::new(
            Code::MalformedJson,
            format!("not CSV: {} cells where the first row has {}", row.len(), names.len()),
        ));
    }
    let mut cells = Vec::with_capacity(names.len());
    for (name, cell) in names.iter().zip(row) {
        let cell = text(cell)?;
        if name.is_empty() && !cell.is_empty() {
            return Err(Problem::new(Code::MalformedJson, "not CSV: a cell in a column without a name"));
        }
        if !cell.is_empty() {
            cells.push((name.as_str(), cell));
        }
    }
    let kind = cells.iter().find(|(name, _)| *name == "type").and_then(|(_, kind)| kind.parse::<EventKind>().ok());
    let (mut fields, mut labels) = (Map::new(), Map::new());
    for (name, cell) in cells {
        if let Some(label) = name.strip_prefix("labels.").filter(|label| !label.is_empty()) {
            labels.insert(label.to_owned(), Value::from(cell));
            continue;
        }
        let field = kind.and_then(|kind| schema(kind).field(name));
        fields.insert(name.to_owned(), field.map_or_else(|| Value::from(cell), |field| value(field.kind, cell)));
    }
    if !labels.is_empty() {
        match fields.entry("labels").or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(known) => known.extend(labels),
            _ => return Err(Problem::new(Code::WrongType, "`labels` takes a JSON object beside columns `labels.x`")),
        }
    }
    Ok(Value::Object(fields))
}

/// What cannot be read stays a text, so that the check names the field and what it takes.
fn value(kind: FieldKind, cell: &str) -> Value {
    let as_text = || Value::from(cell);
    match kind {
        FieldKind::Number | FieldKind::Count => serde_json::from_str(cell).unwrap_or_else(|_| as_text()),
        FieldKind::Flag => match cell.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Value::from(true),
            "false" | "no" | "0" => Value::from(false),
            _ => as_text(),
        },
        FieldKind::Labels | FieldKind::Commits | FieldKind::Stages if cell.starts_with(['[', '{']) => {
            serde_json::from_str(cell).unwrap_or_else(|_| as_text())
        }
        FieldKind::Names | FieldKind::Commits => {
            cell.split(';').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect()
        }
        _ => as_text(),
    }
}
