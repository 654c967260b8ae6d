//! Running the binary, within a limit of time.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What a command left behind.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }
}

/// The binary, with nothing of the environment that could change what it does.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leadline"));
    for name in ["LEADLINE_URL", "LEADLINE_TOKEN", "LEADLINE_DATA", "LEADLINE_ADMIN_TOKEN", "LEADLINE_LOG", "RUST_LOG"]
    {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it on a data folder.
pub(crate) fn leadline(data: &Path, args: &[&str]) -> Ran {
    let mut command = binary();
    command.args(args).env("LEADLINE_DATA", data);
    finish(command)
}

/// Waits for the end, two minutes at most.
pub(crate) fn finish(mut command: Command) -> Ran {
    let mut child = command.spawn().expect("the binary starts");
    let out = reader(child.stdout.take().expect("its output"));
    let err = reader(child.stderr.take().expect("its errors"));
    for _ in 0..2_400 {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return Ran { code: status.code(), out: out.join().expect("text"), err: err.join().expect("text") };
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    panic!("it did not end in two minutes");
}

fn reader(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).expect("text");
        text
    })
}

/// A process that is killed, by its id, when it goes.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
