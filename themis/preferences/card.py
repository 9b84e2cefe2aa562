"""The card of an exported data set: what is in it, where it comes from, and what became of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from themis import cards, records
from themis.registry.collections import public_collections
from themis.vocabulary import CRITERION_LABELS, Criterion

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**9, "1M<n<1B"))
_REPOSITORIES = "of the repositories, see below"
# Sources that are no line of the registry, by how their names begin.
_OWN = (
    ("COMMITPREFS", "Commits of git repositories: chosen is the file after, rejected the file before", _REPOSITORIES),
    ("commits", "Commits of git repositories: chosen is the file after, rejected the file before", _REPOSITORIES),
    ("instructions", "Files of git repositories, with another file as the rejected response", _REPOSITORIES),
    ("mutants", "Programs against mutants of themselves", "of the programs' sources"),
    ("bugs", "Programs against the same with a fault that a language model put in", "of the programs' sources"),
    ("humaneval", "HumanEval (Chen et al. 2021): canonical solutions", "mit"),
    (
        "HUMANEVAL_MUTANTS",
        "HumanEval (Chen et al. 2021): canonical solutions against mutants that fail the tests",
        "mit",
    ),
    ("HUMANEVAL_PACK", "HumanEvalPack (Muennighoff et al. 2023)", "mit"),
    ("DEBUG_EVAL", "DebugBench (Tian et al. 2024)", "apache-2.0"),
    ("NOFUNEVAL", "NoFunEval (Singhal et al. 2024)", "see its publication"),
)
_COLUMNS = {
    "preferences": {
        "system": "the system prompt a pair is trained with; none where it is null",
        "input": "the request",
        "chosen": "the better response",
        "rejected": "the worse response",
        "language": "programming language, NL for natural language",
        "aspect": "the criterion by which chosen is better",
        "source": "the collection it comes from",
        "idx": "the pair's id",
    },
    "benchmark": {
        "id": "the pair's id",
        "prompt": "the request",
        "chosen": "the better response",
        "rejected": "the worse response",
        "aspect": "the criterion by which chosen is better",
        "language": "programming language",
        "subset": "the part of the benchmark it belongs to",
    },
}


def card(
    name: str,
    tables: Sequence[Path],
    kind: str,
    configurations: Sequence[dict[str, Any]],
    *,
    ledgers: Sequence[Path],
    lengths: Sequence[Path],
    commits: Path | None,
) -> str:
    """The text of the README.md, with what a hub reads of it (YAML) at its head."""
    source = "subset" if kind == "benchmark" else "source"
    counts = {path.stem: _counts(path, kind, source) for path in tables}
    every = pl.concat(list(counts.values()))
    total = int(every["n"].sum())
    head = {
        "pretty_name": name,
        "language": ["en"],
        "license": "other",
        "license_name": "licences-of-the-sources",
        "tags": ["code", "preference", "reward-model"],
        "size_categories": [next((said for most, said in _SIZES if total < most), "n>1B")],
        "configs": list(configurations),
    }
    origin = records.metadata(tables[0])
    return cards.render(
        Path(__file__).parent / "card.md.j2",
        head=yaml.safe_dump(head, sort_keys=False, allow_unicode=True).rstrip(),
        name=name,
        kind=kind,
        total=total,
        configurations=configurations,
        columns=_COLUMNS[kind],
        sets=[(title, int(table["n"].sum()), _grid(table)) for title, table in counts.items()],
        sources=_sources(every),
        licenses=_licenses(tables, kind, commits) if commits else [],
        lengths=_lengths(lengths),
        yields=_yields(ledgers),
        version=origin.get("version", ""),
        seed=origin.get("seed", ""),
        study=origin.get("study", ""),
    )


def _counts(path: Path, kind: str, source: str) -> pl.DataFrame:
    parts = [pl.DataFrame(schema={"source": pl.String, "aspect": pl.String, "language": pl.String, "n": pl.UInt32})]
    for table in records.stream(path, kind, [source, "aspect", "language"]):
        rows = pl.DataFrame(pl.from_arrow(table)).rename({source: "source"})
        parts.append(rows.group_by("source", "aspect", "language").agg(n=pl.len()))
    return pl.concat(parts).group_by("source", "aspect", "language").agg(pl.col("n").sum())


def _grid(counts: pl.DataFrame) -> dict[str, Any]:
    """Pairs by criterion and language, of those that there are."""
    languages = counts["language"].unique().sort().to_list()
    cells = {
        (aspect, language): n
        for aspect, language, n in counts.group_by("aspect", "language").agg(pl.col("n").sum()).iter_rows()
    }
    aspects = [one for one in Criterion if any((one, language) in cells for language in languages)]
    rows = [(CRITERION_LABELS[one], [cells.get((one, language), 0) for language in languages]) for one in aspects]
    return {"languages": languages, "rows": rows}


def _sources(counts: pl.DataFrame) -> list[tuple[str, int, str, str]]:
    """Source, pairs, what it is, licence; the largest first."""
    sizes = counts.group_by("source").agg(pl.col("n").sum()).sort("n", "source", descending=[True, False])
    return [(source, n, *_facts(source)) for source, n in sizes.iter_rows()]


def _facts(source: str) -> tuple[str, str]:
    line = public_collections().get(source)
    if line:
        place = f" ([{line.hub}](https://huggingface.co/datasets/{line.hub}))" if line.hub else ""
        return f"{line.title}{place}: {line.recipe}", line.license or "not stated"
    return next(((said, law) for begin, said, law in _OWN if source.startswith(begin)), ("", "not stated"))


def _licenses(tables: Sequence[Path], kind: str, commits: Path) -> list[tuple[str, int, int]]:
    """Licence, pairs whose code it covers, repositories they come from: of the pairs whose id ends in a commit's."""
    name = "id" if kind == "benchmark" else "idx"
    parts = [pl.DataFrame(schema={"id": pl.String})]
    for path in tables:
        for table in records.stream(path, kind, [name]):
            ids = pl.DataFrame(pl.from_arrow(table)).select(id=pl.col(name).str.extract(r"([0-9a-f]{32})$"))
            parts.append(ids.drop_nulls())
    columns = ["id", "license", "repository"]
    known = [pl.DataFrame(pl.from_arrow(table)) for table in records.stream(commits, "labelled", columns)]
    if not known:
        return []
    joined = pl.concat(parts).join(pl.concat(known), on="id")
    found = joined.group_by("license").agg(pairs=pl.len(), repositories=pl.col("repository").n_unique())
    return list(found.sort("pairs", "license", descending=[True, False]).iter_rows())


def _lengths(paths: Sequence[Path]) -> list[tuple[str, str, int, int, int, float | None]]:
    """Set, moment, pairs with chosen longer, as long, shorter, and the share longer of those that differ."""
    rows = []
    for path in paths:
        table = pl.DataFrame(pl.from_arrow(records.read(path, "lengths")))
        sums = table.group_by("set", "moment", maintain_order=True).agg(pl.col("longer", "equal", "shorter").sum())
        for name, moment, longer, equal, shorter in sums.iter_rows():
            share = longer / (longer + shorter) if longer + shorter else None
            rows.append((name, moment, longer, equal, shorter, share))
    return rows


def _yields(paths: Sequence[Path]) -> list[tuple[str, str, int, int, str]]:
    """Stage, scope, rows in, rows kept, why the others are not here, the most frequent reason first."""
    rows = []
    for path in paths:
        table = pl.DataFrame(pl.from_arrow(records.read(path, "attrition")))
        for (stage, scope), group in table.group_by("stage", "scope", maintain_order=True):
            drops = group.drop_nulls("reason").sort("rows_dropped", "reason", descending=[True, False])
            said = ", ".join(
                f"{reason} {count:,}" for reason, count in drops.select("reason", "rows_dropped").iter_rows()
            )
            rows.append((stage, scope, group["rows_in"][0], group["rows_kept"][0], said))
    return rows
