"""A Hugging Face sequence classifier with one label: the head it was trained with, or an error."""

from __future__ import annotations

from pathlib import Path

from themis.errors import Problem
from themis.generation.checkpoint import fingerprint
from themis.prompting.chat import Chat
from themis.score.checkpoint import load_config, load_model, read_weight
from themis.score.linear_head import Limits, LinearHeadScorer


def load_sequence_classifier(
    folder: Path, limits: Limits, *, dtype: str = "float32", cache: Path | None = None, share_prefix: bool | None = None
) -> LinearHeadScorer:
    """The scorer of a checkpoint folder; its head stays in float32 whatever `dtype` the backbone computes in.

    Raises Problem where the checkpoint has another number of labels than one, or a weight too few or too many.
    """
    from transformers import AutoModelForSequenceClassification

    config = load_config(folder)
    if config.num_labels != 1:
        raise Problem(f"{folder}: a classifier with {config.num_labels} labels; a reward model has one")
    model = load_model(AutoModelForSequenceClassification, folder, config, dtype)
    head = getattr(model, "score", None)
    if getattr(head, "weight", None) is None or head.weight.ndim != 2 or getattr(head, "bias", None) is not None:
        raise Problem(f"{folder}: {type(model).__name__} has no linear `score` head without bias; it can't be scored")
    return LinearHeadScorer(
        model.base_model,
        read_weight(folder, "score.weight")[0],
        Chat.load(folder),
        limits,
        fingerprint=f"sequence_classifier {fingerprint(folder)}",
        cache=cache,
        share_prefix=share_prefix,
    )
