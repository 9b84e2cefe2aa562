"""The language model that answers a stage's requests, how it runs, and how it writes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from themis import chance

if TYPE_CHECKING:
    from themis.generation.protocol import Generator


@dataclass(frozen=True)
class Model:
    """A checkpoint folder, or (back end `openai`) a server without one; `settings` is JSON, of the back end."""

    folder: Path | None
    backend: str = "transformers"
    settings: str | None = None
    dtype: str = "float32"
    threads: int = 1
    batch_tokens: int = 2048
    cache: Path | None = None

    def generator(self) -> Generator:
        """The model, ready to answer. Raises Problem where the folder holds none or its back end is not there."""
        from themis.generation.backends import generator_for

        return generator_for(
            self.folder,
            backend=self.backend,
            settings=self.settings,
            dtype=self.dtype,
            threads=self.threads,
            batch_tokens=self.batch_tokens,
            cache=self.cache,
        )

    def weights(self) -> list[Path]:
        """The files a table's provenance names; none for a server."""
        from themis.generation.checkpoint import weight_files

        return weight_files(self.folder) if self.folder else []


@dataclass(frozen=True)
class Sampling:
    """How texts are written: at most how long, how freely (temperature 0: greedy), and the seed of the whole step."""

    max_new_tokens: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def of(self, purpose: str, key: str) -> dict[str, Any]:
        """The same as arguments of one request, with a seed of its own."""
        seed = chance.digest(self.seed, purpose, key) if self.temperature > 0 else 0
        return {**asdict(self), "seed": seed}
