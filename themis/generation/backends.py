"""Which back end answers: the one place that knows them by name."""

from __future__ import annotations

from pathlib import Path

from themis.errors import Problem
from themis.generation.cache import CachedGenerator
from themis.generation.protocol import Generator
from themis.study.models import OpenAI, Vllm


def generator_for(
    model: Path | None,
    *,
    backend: str = "transformers",
    settings: str | None = None,
    dtype: str = "float32",
    threads: int = 1,
    batch_tokens: int = 2048,
    cache: Path | None = None,
) -> Generator:
    """A generator for a checkpoint folder, or (`openai`) for a server; with `cache`, one that keeps its answers there.

    `settings` is the JSON of the back end's settings in the study. Raises Problem where the folder holds no language
    model with a chat template, or the back end is not there.
    """
    if backend == "transformers":
        from themis.generation.transformers_backend import TransformersGenerator

        generator: Generator = TransformersGenerator(_folder(model), dtype, threads, batch_tokens)
    elif backend == "vllm":
        from themis.generation.vllm_backend import VllmGenerator

        generator = VllmGenerator(_folder(model), dtype, Vllm.model_validate_json(settings or "{}"), threads)
    elif backend == "openai":
        generator = _of_server(OpenAI.model_validate_json(settings or "{}"), cache)
    else:
        raise Problem(f"back end {backend} is none of transformers, vllm, openai")
    return CachedGenerator(generator, cache) if cache else generator


def _of_server(settings: OpenAI, cache: Path | None) -> Generator:
    if settings.batch is None:
        from themis.generation.openai_backend import OpenAIGenerator

        return OpenAIGenerator(settings)
    from themis.generation.batch_files import BatchWriter

    if cache is None:
        raise Problem("answers of batch files go to a cache: give --cache")
    return BatchWriter(settings, Path(settings.batch) / cache.stem, cache)


def _folder(model: Path | None) -> Path:
    if model is None:
        raise Problem("a model that runs here needs its checkpoint folder: give --model")
    return model
