"""A PostgreSQL of our own for as long as a comparison lasts: Debian's binaries, a temporary folder, a Unix socket."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

SETTINGS = {
    # It measures queries, and the data can be made again.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "listen_addresses": "",
    "timezone": "UTC",
    # Room for a machine of a few cores and enough memory, as somebody would give who wants it to be fast.
    "shared_buffers": "2GB",
    "work_mem": "512MB",
    "maintenance_work_mem": "1GB",
    "effective_cache_size": "8GB",
    "max_parallel_workers_per_gather": "2",
    "random_page_cost": "1.1",
}


class Cluster:
    """Started on entry, stopped and removed on exit."""

    def __init__(self, folder: Path):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        if not found:
            raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
        self.binaries = Path(found[-1])
        self.folder = folder
        # The path of a Unix socket is at most 107 bytes long.
        self.socket = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))

    def run(self, program: str, *arguments: str, stdin=None) -> str:
        """Runs a program of PostgreSQL, not as root, which it refuses."""
        command = [str(self.binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, cwd="/")
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            for path in (self.folder, self.socket):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self.run("initdb", "-D", str(self.folder), "-A", "trust", "-U", "postgres", "--encoding=UTF8", "--locale=C")
        with (self.folder / "postgresql.conf").open("a") as file:
            for name, value in SETTINGS.items():
                file.write(f"{name} = '{value}'\n")
            file.write(f"unix_socket_directories = '{self.socket}'\n")
        self.run("pg_ctl", "-D", str(self.folder), "-w", "-t", "60", "-s", "-l", str(self.folder / "log"), "start")
        return self

    def __exit__(self, *_):
        self.run("pg_ctl", "-D", str(self.folder), "-m", "immediate", "-s", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.socket, ignore_errors=True)

    def psql(self, text: str, stdin=None) -> str:
        """What a statement prints, as CSV."""
        options = ["-h", str(self.socket), "-U", "postgres", "-d", "postgres", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
        return self.run("psql", *options, "--csv", "-c", text, stdin=stdin)
