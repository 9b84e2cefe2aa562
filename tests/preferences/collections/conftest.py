"""A public data set made in a folder, collected."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from themis.preferences.collections.public import Place, collect_public, line_of
from themis.records import Ledger, read


@dataclass(frozen=True)
class Collected:
    """What came of it."""

    rows: list[dict]
    dropped: dict[str, int]
    rows_in: int
    metrics: dict[str, float | None]
    content: bytes


@pytest.fixture
def collect(tmp_path):
    """Write rows as JSON lines (or take a folder, or another place) and collect them under a name of the registry."""

    def run(name, rows, **options):
        if isinstance(rows, Place):
            place = rows
        elif isinstance(rows, Path) or rows is None:
            place = Place(rows)
        else:
            place = Place(tmp_path / f"{name}.jsonl")
            place.path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        line, ledger, out = line_of(name, options.pop("columns", ())), Ledger("collect"), tmp_path / "out.parquet"
        metrics = collect_public(line, place, out, seed=options.pop("seed", 7), ledger=ledger, **options).to_pylist()
        counts = ledger.table().to_pylist()
        assert {(row["stage"], row["scope"]) for row in counts} == {("collect", name)}
        found = read(out, line.makes).to_pylist()
        dropped = {row["reason"]: row["rows_dropped"] for row in counts if row["reason"]}
        assert counts[0]["rows_in"] == len(found) + sum(dropped.values())
        assert counts[0]["rows_kept"] == len(found)
        assert {(row["stage"], row["subject"]) for row in metrics} == {("collect", name)}
        values = {row["metric"]: row["value"] for row in metrics}
        return Collected(found, dropped, counts[0]["rows_in"], values, out.read_bytes())

    return run
