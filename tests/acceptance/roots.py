"""What two roots hold, for comparing them: file hashes, and logs as sorted tables."""
import hashlib
import pathlib

import pyarrow.parquet as pq

VOLATILE = {"run", "seen_at"}


def files(root, pattern):
    """sha256 of every file that matches, by its path under the root."""
    root = pathlib.Path(root)
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.glob(pattern))
        if path.is_file() and not path.name.startswith(".tmp-")
    }


def log(root, name):
    """The rows of a log without run and times, sorted, superseded ones left out."""
    folder = pathlib.Path(root) / name
    keys = {
        "ledger": lambda row: row["item_id"],
        "verdicts": lambda row: (row["item_id"], row["stage"], row["config_hash"]),
        "captions": lambda row: row["caption_key"],
    }
    parts = sorted(folder.glob("*.parquet"), key=lambda path: (not path.name.startswith("compact-"), path.name))
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    latest = {keys[name](row): row for row in sorted(rows, key=lambda row: row["run"])}
    kept = [{k: v for k, v in row.items() if k not in VOLATILE} for row in latest.values()]
    return sorted(str(sorted(row.items(), key=lambda item: item[0])) for row in kept)


def state(root):
    """Everything that contract §5.6 speaks of."""
    return {
        "originals": files(root, "originals/*/*"),
        "shards": files(root, "shards/*.parquet"),
        "index": files(root, "generations/*/*/samples.parquet"),
        **{name: log(root, name) for name in ("ledger", "verdicts", "captions")},
    }


def differences(a, b):
    return [name for name in a if a[name] != b[name]]
