"""What lies beside exported weights to read: the record of every stage so far as JSON, and the card drawn from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from themis import __version__, cards, records
from themis.prompting.criteria import system_prompt
from themis.train.data import TokenizedPairs
from themis.train.options import Options
from themis.train.watch import Row
from themis.vocabulary import CRITERION_LABELS, Criterion

RECORD, CARD = "training.json", "README.md"
_PARTS = {"name", "stage", "version", "base", "data", "recipe", "results"}
_COUNTED = {"criteria": "aspect", "languages": "language", "sources": "source"}


def documents(options: Options, pairs: TokenizedPairs, metrics: Sequence[Row], totals: Row) -> dict[str, str]:
    """The texts of an export by file name; `pairs` were trained on, `totals` says of which step the weights are.

    The same inputs give the same bytes. The stages before are taken from the record in the base, where it is an export.
    """
    stages = [*_stages(options.base), _stage(options, pairs, metrics, totals)]
    return {
        RECORD: json.dumps({"stages": stages}, indent=2, ensure_ascii=False) + "\n",
        CARD: _card(options.name, stages),
    }


def merged(record: dict[str, Any]) -> str:
    """The card of merged models, from the record that `merge` writes."""
    return cards.render(Path(__file__).parent / "merged.md.j2", head=_head(), system=None, **record)


def _stage(options: Options, pairs: TokenizedPairs, metrics: Sequence[Row], totals: Row) -> dict[str, Any]:
    step = int(totals["exported_step"])
    recipe = {name: value for name, value in options.deciding().items() if name not in {"name", "stage"}}
    return {
        "name": options.name,
        "stage": options.stage,
        "version": __version__,
        "base": {"name": _base_name(options.base), "sha256": _folder_digest(options.base)},
        "data": {
            "file": options.preferences.name,
            "sha256": records.file_digest(options.preferences),
            "pairs": len(pairs),
            "dropped": dict(sorted(pairs.dropped.items())),
            **_counts(options.preferences, pairs.rows),
        },
        "recipe": json.loads(json.dumps(recipe)),
        "results": {"steps": len(metrics), **totals, **(metrics[step - 1] if metrics else {})},
    }


def _counts(preferences: Path, rows: Sequence[str]) -> dict[str, dict[str, int]]:
    """Pairs trained on by criterion, language and source, the most frequent first."""
    table = pl.DataFrame(pl.from_arrow(records.read(preferences, "preferences", ["idx", *_COUNTED.values()])))
    table = table.filter(pl.col("idx").is_in(list(rows)))
    return {
        name: dict(table.group_by(column).len().sort("len", column, descending=[True, False]).iter_rows())
        for name, column in _COUNTED.items()
    }


def _stages(base: Path) -> list[dict[str, Any]]:
    """What the record in a folder says; nothing where there is none of ours."""
    try:
        stages = json.loads((base / RECORD).read_text(encoding="utf-8"))["stages"]
        return stages if all(stage.keys() >= _PARTS for stage in stages) else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _base_name(base: Path) -> str:
    """A language model's folder is named as it is; an export has the name of its model and stage."""
    stages = _stages(base)
    return f"{stages[-1]['name']}, {stages[-1]['stage']}" if stages else base.name


def _folder_digest(base: Path) -> str:
    """SHA-256 over names and digests of the files that make a checkpoint what it is."""
    files = [path for path in sorted(base.rglob("*")) if path.suffix in {".json", ".jinja", ".model", ".safetensors"}]
    lines = [f"{path.relative_to(base).as_posix()} {records.file_digest(path)}\n" for path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _card(name: str, stages: Sequence[dict[str, Any]]) -> str:
    criteria = [one for one in Criterion if one.value in stages[-1]["data"]["criteria"]]
    return cards.render(
        Path(__file__).parent / "card.md.j2",
        head=_head(model_name=name),
        name=name,
        stages=stages,
        labels=CRITERION_LABELS,
        system=system_prompt(criteria[:1]) if criteria and stages[-1]["recipe"]["system"] else None,
        version=stages[-1]["version"],
    )


def _head(**more: str) -> str:
    """What the hub reads of a card, as YAML."""
    head = {
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "tags": ["reward-model", "preference", "code"],
        **more,
    }
    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True).rstrip()
