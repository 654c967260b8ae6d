//! A program in jq: compiled once, run for every delivery: in place while it takes little, else on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::thread;

use domain::{Code, Problem, Timestamp};
use jaq_core::data::HasLut;
use jaq_core::load::{self, Arena, File, Loader, parse::Def};
use jaq_core::{Compiler, Ctx, DataT, Filter, Lut, Vars};
use serde_json::Value;

use super::meter::{self, STACK, Stop};
use super::natives;
use super::value::{Error, Fields, Val, read};
use crate::json;

/// Longest program taken, in bytes.
const PROGRAM_BYTES: usize = 16 << 10;
/// Longer bodies, in bytes, hardly ever take as little as can be done in place.
const LARGE: usize = 8 << 10;
/// How much of a value a message shows.
const SHOWN_BYTES: usize = 300;
/// What programs find beside the body, which is their input.
const VARIABLES: [&str; 2] = ["$headers", "$received_at"];

/// Values that the interpreter works on, and what it may ask of a run.
pub(super) struct Kind;

/// Asked for whenever a term is evaluated: where steps are counted.
#[derive(Clone, Copy)]
pub(super) struct Data<'a>(&'a Lut<Kind>);

impl DataT for Kind {
    type V<'a> = Val;
    type Data<'a> = Data<'a>;
}

impl<'a> HasLut<'a, Kind> for Data<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        meter::steps(1);
        self.0
    }
}

/// A program that can be run.
pub(super) struct Program(Filter<Kind>);

impl Program {
    /// Compiles a program.
    ///
    /// # Errors
    /// What is wrong with it, and where: `line 3, column 5: …`.
    pub(super) fn new(code: &str) -> Result<Self, String> {
        if code.len() > PROGRAM_BYTES {
            return Err(format!("it has {} bytes; at most {PROGRAM_BYTES} are taken", code.len()));
        }
        apart(|| compile(code)).unwrap_or_else(|stopped| Err(stopped.message)).map(Program)
    }

    /// What it makes of a body: its outputs, lists of them opened.
    pub(super) fn run(
        &self,
        body: &[u8],
        headers: &[(&str, &str)],
        received_at: Timestamp,
    ) -> Result<Vec<Value>, Problem> {
        let read = |start: fn(usize)| {
            start(body.len());
            self.outputs(json::value_by(body, read)?, headers, received_at)
        };
        if body.len() > LARGE {
            return apart(|| read(meter::start))?;
        }
        // What a program holds is its own, so nothing is left half done where it was stopped.
        match catch_unwind(AssertUnwindSafe(|| read(meter::start_here))) {
            Ok(outputs) => outputs,
            // More than there is room for here, or too much altogether: its own thread tells.
            Err(payload) if payload.is::<Stop>() => apart(|| read(meter::start))?,
            Err(_) => Err(failed("the interpreter failed")),
        }
    }

    fn outputs(&self, body: Val, headers: &[(&str, &str)], received_at: Timestamp) -> Result<Vec<Value>, Problem> {
        if !matches!(body, Val::List(_) | Val::Map(_)) {
            return Err(Problem::new(
                Code::NotAnObject,
                format!("expected an object or a list, found {}", body.kind()),
            ));
        }
        let headers: Fields = headers.iter().map(|(name, value)| ((*name).into(), Val::text(*value))).collect();
        let variables = Vars::new([Val::map(headers), Val::text(received_at.to_string())]);
        let context = Ctx::<Kind>::new(Data(&self.0.lut), variables);
        let mut outputs = Vec::new();
        for output in self.0.id.run((context, body)) {
            let output = output.map_err(|exception| {
                exception.get_err().map_or_else(|_| failed("it ends in the middle of something"), problem)
            })?;
            match output {
                Val::Null => {}
                Val::List(list) => outputs.extend(list.items.iter().map(Val::to_json)),
                other => outputs.push(other.to_json()),
            }
        }
        Ok(outputs)
    }
}

/// Does something on a stack that is large enough for it, whatever program it is about.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Problem> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("program".to_owned()).stack_size(STACK);
        let running = builder.spawn_scoped(scope, work).map_err(|error| {
            Problem::new(Code::Unavailable, format!("there is no room to run a program now: {error}"))
        })?;
        running.join().map_err(|payload| match payload.downcast_ref::<Stop>() {
            Some(stop) => failed(&format!("it was stopped: {}", stop.text())),
            None => failed("the interpreter failed"),
        })
    })
}

fn failed(why: &str) -> Problem {
    Problem::new(Code::UnknownValue, format!("the program of this source cannot read this body: {why}"))
}

/// An error a program raised, as `{code, message}` or a text, or one of the interpreter.
pub(super) fn problem(error: Error) -> Problem {
    let value = error.into_val();
    let field = |name: &str| value.at(&Val::text(name)).ok().flatten();
    match (field("code"), field("message")) {
        (Some(Val::Text(code)), Some(Val::Text(message))) => {
            let code = Code::ALL.iter().copied().find(|known| known.text() == &*code && known.status() < 500);
            Problem::new(code.unwrap_or(Code::UnknownValue), shown(&message))
        }
        _ => match value.as_text() {
            Some(text) => Problem::new(Code::WrongType, shown(text)),
            None => Problem::new(Code::UnknownValue, shown(&value.to_string())),
        },
    }
}

/// A text for people, without what could steer their terminal.
pub(super) fn shown(text: &str) -> String {
    let clipped = json::clip(text, SHOWN_BYTES);
    let plain: String = clipped.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if clipped.len() < text.len() { plain + "…" } else { plain }
}

/// What every program may call: jq's own, and ours.
static PRELUDE: LazyLock<Vec<Def<&'static str>>> = LazyLock::new(|| {
    let ours = load::parse(include_str!("prelude.jq"), |parser| parser.defs()).unwrap_or_default();
    let named = |name: &str| ours.iter().any(|def| def.name == name);
    let core: Vec<_> = jaq_core::defs().filter(|def| !named(def.name)).collect();
    core.into_iter().chain(ours.iter().cloned()).collect()
});

fn compile(code: &str) -> Result<Filter<Kind>, String> {
    let arena = Arena::default();
    let loader = Loader::<&str, (), _>::new(PRELUDE.iter().cloned());
    let modules = loader.load(&arena, File { code, path: () }).map_err(|errors| {
        let first = errors.into_iter().next().map(|(_, error)| match error {
            load::Error::Io(mut errors) => errors.pop(),
            load::Error::Lex(errors) => {
                errors.into_iter().next().map(|(wanted, part)| (part, format!("expected {}", wanted.as_str())))
            }
            load::Error::Parse(errors) => {
                errors.into_iter().next().map(|(wanted, part)| (part, format!("expected {}", wanted.as_str())))
            }
        });
        first.flatten().map_or_else(|| "it is no program".to_owned(), |(part, why)| at(code, part, &why))
    })?;
    let compiler = Compiler::default().with_funs(natives::all()).with_global_vars(VARIABLES);
    compiler.compile(modules).map_err(|errors| {
        let first = errors.into_iter().find_map(|(_, errors)| errors.into_iter().next());
        first.map_or_else(
            || "it is no program".to_owned(),
            |(part, kind)| at(code, part, &format!("there is no such {}", kind.as_str())),
        )
    })
}

/// A mistake with its place.
fn at(code: &str, part: &str, why: &str) -> String {
    let offset = part.as_ptr().addr().wrapping_sub(code.as_ptr().addr());
    let Some(before) = code.get(..offset) else { return format!("{why}, at `{}`", shown(part)) };
    let (line, column) =
        (before.matches('\n').count() + 1, before.chars().rev().take_while(|letter| *letter != '\n').count() + 1);
    let found = part.lines().next().unwrap_or_default();
    let found = if found.is_empty() { "the end".to_owned() } else { format!("`{}`", shown(json::clip(found, 60))) };
    format!("line {line}, column {column}: {why}, found {found}")
}
