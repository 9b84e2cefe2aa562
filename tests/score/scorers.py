"""A scorer with the settings of the study's defaults, but for those given."""

from __future__ import annotations

from themis.score.families import scorer_for


def load(folder, family="sequence_classifier", **options):
    given = {
        "prompt_mode": "criterion", "max_tokens": 4096, "batch_tokens": 2048, "dtype": "float32", "threads": 1,
        "seed": 1, "cache": None,
    }  # fmt: skip
    return scorer_for(family, name="model", checkpoint=folder, **given | options)
