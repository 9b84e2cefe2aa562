"""Which back end answers: the one place that knows them by name."""

from __future__ import annotations

from pathlib import Path

from themis.generation.cache import CachedGenerator
from themis.generation.protocol import Generator


def generator_for(
    model: Path, *, dtype: str = "float32", threads: int = 1, batch_tokens: int = 2048, cache: Path | None = None
) -> Generator:
    """A generator for a checkpoint folder; with `cache`, one that keeps its answers in that file.

    Raises Problem where the folder holds no language model with a chat template.
    """
    from themis.generation.transformers_backend import TransformersGenerator

    generator = TransformersGenerator(model, dtype, threads, batch_tokens)
    return CachedGenerator(generator, cache) if cache else generator
