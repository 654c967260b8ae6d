"""The Parquet files a Delta table consists of now, read from its log: no extension of DuckDB has to be fetched."""

import json
import urllib.parse
from pathlib import Path


def files(connection, table: Path) -> list[str]:
    """Absolute paths of the live files of a Delta table without deletion vectors."""
    log = table / "_delta_log"
    live: dict[str, None] = {}
    first = 0
    pointer = log / "_last_checkpoint"
    if pointer.exists():
        checkpoint = json.loads(pointer.read_text())
        first = checkpoint["version"] + 1
        parts = sorted(str(part) for part in log.glob(f"{checkpoint['version']:020d}.checkpoint*.parquet"))
        rows = connection.execute(
            "SELECT add.path FROM read_parquet(?) WHERE add.path IS NOT NULL", [parts]
        ).fetchall()
        live = {path: None for (path,) in rows}
    for commit in sorted(log.glob("*.json")):
        if not commit.stem.isdigit() or int(commit.stem) < first:
            continue
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                live[action["add"]["path"]] = None
            if "remove" in action:
                live.pop(action["remove"]["path"], None)
    return [str(table / urllib.parse.unquote(path)) for path in live]
