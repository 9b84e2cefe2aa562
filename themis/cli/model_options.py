"""The options that say which language model answers and how it writes: the same for every command that asks one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from themis.llm.model import Model, Sampling

_MODEL: dict[str, tuple[Any, Any]] = {
    "model": (Annotated[Path | None, typer.Option(help="Checkpoint folder; a server needs none.")], None),
    "backend": (
        Annotated[Literal["transformers", "vllm", "openai"], typer.Option(help="What runs it.")], "transformers"
    ),
    "settings": (Annotated[str | None, typer.Option(help="Settings of the back end as in the study, JSON.")], None),
    "dtype": (Annotated[Literal["float32", "bfloat16"], typer.Option(help="Compute type.")], "float32"),
    "threads": (Annotated[int, typer.Option(min=1, help="CPU threads.")], 1),
    "batch_tokens": (
        Annotated[int, typer.Option(min=1, help="Tokens of a batch, prompt and reply, at most (transformers).")], 2048
    ),
    "cache": (
        Annotated[Path | None, typer.Option(help="JSONL file that keeps the answers; a stopped run goes on from it.")],
        None,
    ),
}  # fmt: skip
_SAMPLING: dict[str, tuple[Any, Any]] = {
    "max_new_tokens": (Annotated[int, typer.Option(min=1, help="Length of a text at most, in tokens.")], 48),
    "temperature": (Annotated[float, typer.Option(min=0, help="Of texts; 0: greedy.")], 0.0),
    "top_p": (
        Annotated[float, typer.Option(max=1, help="Of texts: sample from the likeliest tokens holding so much.")], 1.0
    ),
    "seed": (Annotated[int, typer.Option(help="Seed of every random choice.")], 0),
}  # fmt: skip


def with_model(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of a Model and a Sampling in place of its parameters `model` and `sampling`."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        model = {name: given.pop(name) for name in _MODEL}
        sampling = Sampling(**{name: given.pop(name) for name in _SAMPLING})
        command(**given, model=Model(folder=model.pop("model"), **model), sampling=sampling)

    own = [
        one
        for one in inspect.signature(command, eval_str=True).parameters.values()
        if one.name not in ("model", "sampling")
    ]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in {**_MODEL, **_SAMPLING}.items()
    ]
    run.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in [*own, *options]}
    return run
