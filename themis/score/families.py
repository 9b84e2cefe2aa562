"""The families of reward models, by name: what each needs and which class scores it."""

from __future__ import annotations

from pathlib import Path

from themis.errors import Problem
from themis.prompting.criteria import criteria_of
from themis.score.baselines import LengthScorer, RandomScorer
from themis.score.protocol import Scorer
from themis.vocabulary import CODE_CRITERIA

BASELINES = ("random", "length")
FAMILIES = ("sequence_classifier", "untrained_head", "judge", *BASELINES)


def scorer_for(
    family: str,
    *,
    name: str,
    checkpoint: Path | None,
    prompt_mode: str,
    max_tokens: int,
    batch_tokens: int,
    dtype: str,
    threads: int,
    seed: int,
    cache: Path | None,
) -> Scorer:
    """The scorer of a model. Raises Problem for an unknown name, a checkpoint too few or too many, or a bad one.

    `max_tokens` bounds prompt and response under a head; a judge, which reads both responses, is bounded by its context.
    """
    if family not in FAMILIES:
        raise Problem(f"model {name}: family {family} is none of {', '.join(FAMILIES)}")
    criteria_of(prompt_mode, CODE_CRITERIA[0])  # refuses what is no mode
    if family in BASELINES:
        if checkpoint is not None:
            raise Problem(f"model {name}: family {family} takes no checkpoint, but {checkpoint} is given")
        return RandomScorer(seed, name) if family == "random" else LengthScorer()
    if checkpoint is None:
        raise Problem(f"model {name}: family {family} needs a checkpoint")

    if family == "judge":
        from themis.generation.backends import generator_for
        from themis.score.judge import JudgeScorer

        generator = generator_for(checkpoint, dtype=dtype, threads=threads, batch_tokens=batch_tokens, cache=cache)
        return JudgeScorer(generator, prompt_mode)

    import torch

    from themis.score.linear_head import Limits
    from themis.score.sequence_classifier import load_sequence_classifier
    from themis.score.untrained_head import load_untrained_head

    torch.set_num_threads(threads)
    limits = Limits(prompt_mode, max_tokens, batch_tokens)
    if family == "untrained_head":
        return load_untrained_head(checkpoint, limits, seed=seed, dtype=dtype, cache=cache)
    return load_sequence_classifier(checkpoint, limits, dtype=dtype, cache=cache)
