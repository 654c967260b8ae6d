//! Runs the shell of a snippet, with a `curl` and a `date` that are not the machine's, and reads what it would send.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use domain::event::Event;
use sources::Parsed;

/// What a run came to.
pub(crate) struct Run {
    /// What it said.
    pub(crate) said: String,
    /// Arguments of `curl`, one a line; empty when it was not called.
    pub(crate) arguments: String,
    /// What `curl` was given on its input.
    pub(crate) input: String,
    /// What it would have sent.
    body: String,
}

/// Runs a script in a shell with these variables and no others.
pub(crate) fn run(shell: &str, script: &str, variables: &[(&str, &str)], curl_fails: bool) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let tool = |name: &str, text: &str| {
        std::fs::write(at(name), text).unwrap();
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let here = folder.path().display();
    let ends = u8::from(curl_fails);
    tool(
        "curl",
        &format!(
            "#!/bin/sh\ncat > {here}/input\nfor one in \"$@\"; do printf '%s\\n' \"$one\"; done > {here}/arguments\nexit {ends}\n"
        ),
    );
    tool("date", "#!/bin/sh\n[ \"$*\" = '-u +%Y-%m-%dT%H:%M:%SZ' ] || exit 1\necho 2025-01-03T12:05:00Z\n");
    let mut command = Command::new(shell);
    command.arg("-s").env_clear().env("PATH", format!("{here}:/usr/bin:/bin")).envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let file = |name: &str| std::fs::read_to_string(at(name)).unwrap_or_default();
    let arguments = file("arguments");
    let mut lines = arguments.lines().skip_while(|line| *line != "--data-binary").skip(1);
    let body = lines.next().unwrap_or_default().to_owned();
    Run { said, arguments, input: file("input"), body }
}

impl Run {
    /// What Leadline reads in what was sent.
    pub(crate) fn told(&self) -> Result<Parsed, domain::Problem> {
        crate::told::send("native", "events", &[("content-type", "application/json")], &self.body)
    }

    pub(crate) fn event(&self) -> Event {
        crate::told::events([self.told()]).remove(0)
    }
}
