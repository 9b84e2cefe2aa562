"""The command line: one command per step, argument parsing only."""

from __future__ import annotations

import importlib
import os
import sys

import typer

from themis.disk import refused
from themis.errors import Problem

# Every family registers its commands on import; their heavy imports happen inside the commands.
_FAMILIES = (
    "studies", "demo", "mine", "contents", "dedup", "aspects", "llm", "bugs", "generation", "collections", "preferences",
    "benchmarks", "export", "train", "score", "rerank", "robustness", "analysis", "reference", "upkeep",
)  # fmt: skip

app = typer.Typer(
    name="themis", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
for _family in _FAMILIES:
    importlib.import_module(f"themis.cli.{_family}").register(app)


def main() -> None:
    """Run a command; a Problem, a disk that takes no more and too little memory become one line on stderr and exit
    status 1."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app()
    except Problem as problem:
        print(f"themis: {problem}", file=sys.stderr)
        sys.exit(1)
    except MemoryError:
        print("themis: not enough memory; use a machine with more, or more shards or smaller batches", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if (said := refused(error)) is None:
            raise
        print(f"themis: {said}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("themis: stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
