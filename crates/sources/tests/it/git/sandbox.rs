//! Repositories made by the `git` command.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::Timestamp;
use sources::git::{Repository, open};
use tempfile::TempDir;

pub(crate) const NOW: &str = "2025-06-01T00:00:00Z";
pub(crate) const T: i64 = 1_700_000_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

pub(crate) struct Sandbox {
    pub(crate) folder: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox { folder: tempfile::tempdir().unwrap() };
        sandbox.run(["init", "-q", "-b", "main", "shop"]);
        sandbox
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("shop")
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, folder: &Path, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("git");
        command.args(args).current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.folder.path()).env("GIT_CONFIG_NOSYSTEM", "1").env("TZ", "UTC");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.com");
            command.env(format!("GIT_{who}_DATE"), format!("{T} +0100"));
        }
        command
    }

    pub(crate) fn run_in<S: AsRef<OsStr>>(&self, folder: &Path, args: impl IntoIterator<Item = S>) -> String {
        let output = self.command(folder, args).output().expect("these tests need the git command");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// In the folder above the repository.
    pub(crate) fn run<const N: usize>(&self, args: [&str; N]) -> String {
        self.run_in(self.folder.path(), args)
    }

    /// In the repository.
    pub(crate) fn git<const N: usize>(&self, args: [&str; N]) -> String {
        self.run_in(&self.path(), args)
    }

    pub(crate) fn fast_import(&self, stream: &[u8]) {
        let mut command =
            self.command(&self.path(), ["fast-import", "--quiet", "--date-format=raw-permissive", "--force"]);
        let mut import = command.stdin(Stdio::piped()).spawn().unwrap();
        import.stdin.take().unwrap().write_all(stream).unwrap();
        assert!(import.wait().unwrap().success());
    }

    pub(crate) fn open(&self) -> Repository {
        open(&self.path()).unwrap()
    }
}

/// A commit for `git fast-import`; files are written, or deleted where there is no content.
#[derive(Clone, Copy)]
pub(crate) struct Made<'a> {
    pub(crate) branch: &'a str,
    pub(crate) mark: u32,
    pub(crate) at: i64,
    pub(crate) message: &'a [u8],
    pub(crate) extra: &'a str,
    pub(crate) parents: &'a [u32],
    pub(crate) files: &'a [(&'a [u8], Option<&'a str>)],
}

impl Made<'_> {
    pub(crate) fn write(&self, stream: &mut Vec<u8>) {
        let Made { branch, mark, at, message, extra, parents, files } = self;
        if parents.is_empty() {
            write!(stream, "reset refs/heads/{branch}\n\n").unwrap();
        }
        write!(stream, "commit refs/heads/{branch}\nmark :{mark}\nauthor Ann <a@b> {} +0100\n", at - 60).unwrap();
        write!(stream, "committer Bob <c@d> {at} -0800\n{extra}data {}\n", message.len()).unwrap();
        stream.extend_from_slice(message);
        for (index, parent) in parents.iter().enumerate() {
            write!(stream, "\n{} :{parent}", if index == 0 { "from" } else { "merge" }).unwrap();
        }
        stream.push(b'\n');
        for (path, content) in *files {
            let quoted: String = path.iter().map(|byte| format!("\\{byte:03o}")).collect();
            match content {
                Some(content) => writeln!(stream, "M 100644 inline \"{quoted}\"\ndata {}\n{content}", content.len()),
                None => writeln!(stream, "D \"{quoted}\""),
            }
            .unwrap();
        }
        stream.push(b'\n');
    }
}

/// Several roots, merges, an octopus, an empty commit, odd names and texts, renames, a file that becomes a folder.
pub(crate) fn crooked() -> Sandbox {
    let sandbox = Sandbox::new();
    let one = Made {
        branch: "main",
        mark: 1,
        at: T,
        message: b"One\n",
        extra: "",
        parents: &[],
        files: &[(b"a", Some("1")), (b"b/c/d", Some("1"))],
    };
    let mut stream = Vec::new();
    for made in [
        one,
        Made { mark: 2, at: T + 10, message: b"Empty", parents: &[1], files: &[], ..one },
        Made {
            mark: 3,
            at: T + 20,
            message: b"Rename",
            parents: &[2],
            files: &[(b"a", None), (b"z/a", Some("1"))],
            ..one
        },
        // Older than its parent, as after a rebase on a machine with a wrong clock.
        Made {
            branch: "odd",
            mark: 4,
            at: T - 500,
            message: b"caf\xe9 \xff",
            parents: &[2],
            files: &[(b"caf\xe9", Some("1")), (b" a ", Some("1"))],
            ..one
        },
        Made {
            branch: "latin",
            mark: 5,
            at: T + 40,
            message: b"caf\xe9",
            extra: "encoding ISO-8859-1\n",
            parents: &[3],
            files: &[(b"z/a/deep", Some("1"))],
        },
        Made {
            branch: "other",
            mark: 6,
            at: T - 1000,
            message: b"Root",
            parents: &[],
            files: &[(b"other", Some("1"))],
            ..one
        },
        Made { branch: "third", mark: 7, at: T, message: b"", parents: &[], files: &[(b"third", Some("1"))], ..one },
        Made { mark: 8, at: T + 50, message: b"Merge", parents: &[3, 6], files: &[(b"other", Some("1"))], ..one },
        Made {
            mark: 9,
            at: T + 60,
            message: b"Octopus",
            parents: &[8, 4, 5, 7],
            files: &[(b"octopus", Some("1"))],
            ..one
        },
        Made {
            mark: 10,
            at: T + 70,
            message: b"Drop a folder\n\nSigned-off-by: me\n",
            parents: &[9],
            files: &[(b"b", None), (b"b", Some("file"))],
            ..one
        },
    ] {
        made.write(&mut stream);
    }
    sandbox.fast_import(&stream);
    sandbox
}
