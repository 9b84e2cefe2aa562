"""Recount what a run's results.json says from its per-sample scores, rounded as it rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from themis.vocabulary import PUBLISHED_ASPECTS, PUBLISHED_LANGUAGES

_PUBLISHED = {"by_aspect": "aspect", "by_language": "language", "by_subset": "subset"}


def recount(scores: pl.DataFrame, printed: Mapping[str, Any]) -> dict[str, float | None]:
    """Every number that `printed` holds, by its dotted path, as the scores give it (None: no such number is known).

    `scores` has id, chosen_score, rejected_score (float64) and the labels in the kit's spelling. A pair without two
    numbers is wrong and has no difference. Shares and differences are rounded to four decimals; the standard deviation
    is the sample's (protocol section 4).
    """
    chosen, rejected = scores["chosen_score"].to_numpy(), scores["rejected_score"].to_numpy()
    correct = chosen > rejected
    valid = ~(np.isnan(chosen) | np.isnan(rejected))
    difference = (chosen - rejected)[valid]
    # One family of generative models counts a reply without a score as 0, the other as not a number.
    zeros = int((chosen == 0).sum() + (rejected == 0).sum())
    failed = int((~valid).sum())
    graded = "accuracy_valid_only" in _block(printed, "overall")
    known: dict[str, float | None] = {
        "overall.accuracy": _share(correct),
        "overall.accuracy_valid_only": _share(correct[valid]),
        "overall.total_examples": len(scores),
        "overall.correct_predictions": int(correct.sum()),
        "overall.valid_pairs": int(valid.sum()),
        "overall.mean_score_difference": _rounded(difference.mean()) if len(difference) else None,
        "overall.median_score_difference": _rounded(np.median(difference)) if len(difference) else None,
        "overall.std_score_difference": _rounded(difference.std(ddof=1)) if len(difference) > 1 else None,
        "overall.parse_failures": zeros,
        "overall.total_parse_failures": failed,
        "overall.parse_failure_rate": _rounded(failed / len(scores) if graded else zeros / (2 * len(scores))),
        "parse_failures": failed,
    }
    for block, label in _PUBLISHED.items():
        groups = scores[label].to_numpy()
        for group in _block(printed, block):
            members = groups == _own_spelling(label, group)
            known[f"{block}.{group}.accuracy"] = _share(correct[members])
            known[f"{block}.{group}.count"] = int(members.sum())
    return {path: known.get(path) for path, _ in _numbers(printed)}


def differences(scores: pl.DataFrame, printed: Mapping[str, Any]) -> list[str]:
    """Where `printed` and the recount differ: `overall.accuracy: 0.5, recounted 0.4`."""
    own = recount(scores, printed)
    return [
        f"{path}: {value}, recounted {own[path]}"
        for path, value in _numbers(printed)
        if own[path] is None or own[path] != value
    ]


def _block(printed: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    block = printed.get(name)
    return block if isinstance(block, Mapping) else {}


def _numbers(printed: Mapping[str, Any] | list[Any], path: str = "") -> Iterator[tuple[str, float]]:
    for name, value in printed.items() if isinstance(printed, Mapping) else enumerate(printed):
        here = f"{path}.{name}" if path else str(name)
        if isinstance(value, Mapping | list):
            yield from _numbers(value, here)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield here, value


def _own_spelling(label: str, group: str) -> str:
    if label == "aspect":
        return str(PUBLISHED_ASPECTS.get(group, group))
    return PUBLISHED_LANGUAGES.get(group, group) if label == "language" else group


def _share(correct: np.ndarray) -> float | None:
    return _rounded(correct.mean()) if len(correct) else None


def _rounded(value: float) -> float:
    return round(float(value), 4)
