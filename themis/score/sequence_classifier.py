"""A Hugging Face sequence classifier with one label: the head it was trained with, or an error."""

from __future__ import annotations

from transformers import AutoModelForSequenceClassification

from themis.errors import Problem
from themis.score.batch_scorer import BatchScorer
from themis.score.checkpoint import load_config, load_model
from themis.score.head_scorer import HeadScorer
from themis.score.heads import LastState, linear
from themis.score.options import ScorerOptions
from themis.score.weights import Weights


def load(options: ScorerOptions) -> BatchScorer:
    """The scorer of a checkpoint folder; its head stays in float32 whatever the backbone computes in.

    Raises Problem where the checkpoint has another number of labels than one, or a weight too few or too many.
    """
    folder = options.folder
    config = load_config(folder)
    if config.num_labels != 1:
        raise Problem(f"{folder}: a classifier with {config.num_labels} labels; a reward model has one")
    if options.backend == "vllm":
        from themis.score.pooling import PoolingScorer

        return PoolingScorer(config, options)
    model = load_model(AutoModelForSequenceClassification, folder, config, options.dtype)
    head = getattr(model, "score", None)
    if getattr(head, "weight", None) is None or head.weight.ndim != 2 or getattr(head, "bias", None) is not None:
        raise Problem(f"{folder}: {type(model).__name__} has no linear `score` head without bias; it can't be scored")
    weight = Weights(folder).read("score.weight")
    return HeadScorer(model.base_model, LastState(linear(weight)), options, kind="sequence_classifier")
