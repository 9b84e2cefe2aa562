"""What was asked of language models, and what it cost, from the caches of their answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from themis.generation.answer_file import stored
from themis.records import SCHEMAS


def usage(
    caches: Sequence[Path], usd_per_million_prompt_tokens: float = 0.0, usd_per_million_new_tokens: float = 0.0
) -> pa.Table:
    """Five rows (schema "metrics", stage "usage") for each cache, by its name without the ending.

    requests answered; prompt_tokens read and new_tokens written; untold, the requests whose answer does not say how
    many, which count for nothing; usd, at the prices given. Tries that brought no answer are in no cache.
    """
    rows = []
    for cache in caches:
        counts = dict.fromkeys(("requests", "untold", "prompt_tokens", "new_tokens"), 0)
        for _, answer in stored(cache):
            counts["requests"] += 1
            if answer.prompt_tokens is None or answer.new_tokens is None:
                counts["untold"] += 1
            counts["prompt_tokens"] += answer.prompt_tokens or 0
            counts["new_tokens"] += answer.new_tokens or 0
        usd = (
            counts["prompt_tokens"] * usd_per_million_prompt_tokens + counts["new_tokens"] * usd_per_million_new_tokens
        )
        for metric, value in {**counts, "usd": usd / 1e6}.items():
            rows.append(
                {"stage": "usage", "subject": cache.stem, "metric": metric, "step": None, "value": float(value)}
            )
    return pa.Table.from_pylist(rows, schema=SCHEMAS["metrics"])
