"""Tables of scores put together: the shards of one model, and every model's rows in the headline table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from themis.errors import Problem
from themis.records import file_digest, metadata, read, write
from themis.registry import in_order
from themis.score.manifest import joined_manifest, manifest_path, write_manifest

_LABELS = ("benchmark", "id", "aspect", "language", "subset")


def gather_scores(scores: Sequence[Path], out: Path) -> pa.Table:
    """All rows of the score tables, models in the order given, each model's rows by id; written to `out`.

    A folder stands for the score tables in it, in the registry's order, others after them by name. Raises Problem where
    two models were not scored on the same pairs, a model comes twice, or a folder holds no table.
    """
    scores = [file for path in scores for file in (_tables_in(path) if path.is_dir() else [path])]
    tables = [read(path, "scores").sort_by("id") for path in scores]
    models: dict[str, Path] = {}
    for path, table in zip(scores, tables, strict=True):
        names = table.column("model").unique().to_pylist()
        if len(names) != 1:
            raise Problem(f"{path}: rows of {len(names)} models; one was expected")
        if names[0] in models:
            raise Problem(f"{path}: model {names[0]} is in {models[names[0]]} already")
        models[names[0]] = path
        _check_same_pairs(scores[0], tables[0], path, table)
    gathered = pa.concat_tables(tables)
    write(gathered, out, "scores", inputs=scores)
    return gathered


def gather_shards(benchmark: Path, shards: Sequence[Path], out: Path) -> pa.Table:
    """One model's scores of all shards of a benchmark, by id; written to `out` with the joined manifest beside it.

    Raises Problem where the shards were made with different settings, or do not hold each pair of the benchmark once.
    """
    manifest = joined_manifest([manifest_path(path) for path in shards])
    if manifest["benchmark"]["sha256"] != file_digest(benchmark):
        raise Problem(f"{shards[0]}: scored on another version of {benchmark}; score all shards again")
    table = pa.concat_tables([read(path, "scores") for path in shards]).sort_by("id")
    ids, expected = table.column("id").to_pylist(), read(benchmark, "benchmark", ["id"]).column("id").to_pylist()
    if ids != sorted(expected):
        raise Problem(
            f"{out}: the {len(shards)} shards hold {len(ids)} rows of {len(set(ids))} pairs, the benchmark has "
            f"{len(expected)}; give every shard once"
        )
    notes = {"weights": manifest["weights"] or ""}
    write(table, out, "scores", inputs=[benchmark], seed=manifest["flags"]["seed"], notes=notes)
    write_manifest(manifest, manifest_path(out))
    return table


def _tables_in(folder: Path) -> list[Path]:
    names = in_order(sorted(path.stem for path in folder.glob("*.parquet")))
    if not names:
        raise Problem(f"{folder}: holds no table of scores; the step that writes them has not run")
    return [folder / f"{name}.parquet" for name in names]


def _check_same_pairs(first: Path, expected: pa.Table, path: Path, table: pa.Table) -> None:
    ids, known = table.column("id"), expected.column("id")
    if pc.count_distinct(ids).as_py() != len(ids):
        raise Problem(f"{path}: an id comes twice")
    if ids != known:
        difference = sorted(set(ids.to_pylist()) ^ set(known.to_pylist()))
        raise Problem(
            f"{path}: not the pairs of {first}: {len(difference)} are in one only, such as {difference[0]}; "
            "score both on one benchmark"
        )
    same_digest = _benchmark_digest(path, table) == _benchmark_digest(first, expected)
    if not same_digest or table.select(_LABELS) != expected.select(_LABELS):
        raise Problem(f"{path}: scored on another version of the benchmark than {first}; score both again")


def _benchmark_digest(path: Path, table: pa.Table) -> str | None:
    """The digest of the benchmark file that the scores were made from."""
    name = table.column("benchmark")[0].as_py()
    return json.loads(metadata(path).get("inputs", "{}")).get(f"{name}.parquet")
