"""Write the demo corpus: bare repositories, and a manifest that lists every commit with what it is."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pyarrow as pa

from themis.demo.cast import Told, cast
from themis.demo.fastimport import write_repository
from themis.demo.templates import data_files
from themis.errors import Problem
from themis.progress import track
from themis.records import SCHEMAS, write
from themis.records.folders import put_in_place


def write_corpus(
    out: Path,
    manifest: Path,
    *,
    seed: int,
    repositories_per_language: int = 4,
    families: int = 4,
    training_pairs: int = 4,
    benchmark_pairs: int = 2,
    commits: int = 1500,
) -> pa.Table:
    """Write `out/owner/name.git` for every repository, then the manifest; return the manifest (schema "demo").

    One row per commit, sorted by repository, oldest first; the commits that a fork shares are listed once, under their
    origin. Lengths are in characters of the commit's one file, 0 where it has none or several. The same arguments give
    the same hashes. An earlier corpus at `out` is replaced. Raises Problem where `out` holds anything else, where there
    are too few vocabularies or code families, or where git fails.
    """
    out, manifest = Path(out), Path(manifest)
    _check_replaceable(out)
    told = cast(seed, repositories_per_language, families, training_pairs, benchmark_pairs, commits)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    try:
        rows = []
        for one in track(told, "demo corpus", unit="repository"):
            path = temporary / f"{one.project.name}.git"
            path.parent.mkdir(exist_ok=True)
            rows += _rows(one, write_repository(one.history, path))
        temporary.chmod(0o755)
        put_in_place(temporary, out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    rows.sort(key=lambda row: row["repository"])  # stable: within a repository the order of the history stays
    table = pa.Table.from_pylist(rows, schema=SCHEMAS["demo"])
    write(table, manifest, "demo", inputs=[Path(str(file)) for file in data_files()], seed=seed)
    return table


def _rows(one: Told, hashes: list[str]) -> list[dict[str, object]]:
    return [
        {
            "repository": one.project.name,
            "commit": digest,
            "kind": commit.kind,
            "criterion": commit.criterion,
            "language": one.project.code.language.name,
            "family": commit.family,
            "path": commit.path,
            "window": one.window,
            "old_length": commit.old_length,
            "new_length": commit.new_length,
        }
        for position, (commit, digest) in enumerate(zip(one.history.commits, hashes, strict=True))
        if position >= one.history.shared
    ]


def _check_replaceable(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise Problem(f"{out}: is a file; name a folder for the corpus")
    for owner in out.iterdir():
        if not owner.is_dir() or any(child.suffix != ".git" for child in owner.iterdir()):
            raise Problem(f"{out}: holds {owner.name}, which is no part of a demo corpus; name another folder")
