"""What a scorer is made from: the model's folder, how pairs are shown to it, and what it may use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from themis.errors import Problem
from themis.score.conversations import Limits, Protocol, Truncation


@dataclass(frozen=True, kw_only=True)
class ScorerOptions:
    """Values of one model's line and of the study; a loader of `families.FAMILIES` takes those it knows."""

    name: str
    checkpoint: Path | None
    prompt_mode: str = "criterion"
    max_tokens: int = 4096
    batch_tokens: int = 2048
    dtype: str = "float32"
    threads: int = 1
    seed: int = 77
    cache: Path | None = None
    share_prefix: bool = True  # compute what both conversations of a pair begin with once
    trust_remote_code: bool = False
    truncation: Truncation = "refuse"
    protocol: Protocol = "exact"
    scoring: str | None = None  # of a model that writes: parsed or expected; None: as its family does
    reply_tokens: int | None = None  # of a model that writes; None: as its published protocol has it
    backend: str = "transformers"  # what runs it, see study.models.check_backend
    settings: str | None = None  # JSON of that back end

    @property
    def limits(self) -> Limits:
        """How pairs are shown to the model. Raises Problem for a policy that is none."""
        return Limits(self.prompt_mode, self.max_tokens, self.batch_tokens, self.truncation, self.protocol)

    @property
    def folder(self) -> Path:
        """The checkpoint of a family that needs one. Raises Problem where none is given."""
        if self.checkpoint is None:
            raise Problem(f"model {self.name}: its family needs a checkpoint")
        return self.checkpoint

    def without_checkpoint(self) -> None:
        """Raise Problem where a checkpoint is given to a family that takes none."""
        if self.checkpoint is not None:
            raise Problem(f"model {self.name}: its family takes no checkpoint, but {self.checkpoint} is given")
