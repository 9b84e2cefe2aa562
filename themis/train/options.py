"""What one training stage is told: paths and plain values, checked, and what of them decides the result."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from themis.errors import Problem
from themis.train.selection import Selection
from themis.vocabulary import FILE_LANGUAGES, NATURAL_LANGUAGE, Criterion

MAGNITUDES = ("centering", "absolute", "none")
SCHEDULES = ("cosine", "wsd")
PRECISIONS = ("auto", "float32", "bfloat16")
SWITCHES = ("auto", "on", "off")
TRACKERS = ("tensorboard", "wandb")

# Neither where things lie nor how the work is cut decides what is learned (but for rounding).
_IRRELEVANT = frozenset(
    {"preferences", "export", "base", "checkpoints", "metrics", "ledger"}
    | {"nodes", "processes", "threads", "replicas", "batch_tokens", "share_prefix", "activation_checkpointing"}
    | {"offload", "compile", "checkpoint_every", "keep_checkpoints", "trackers"}
)

_WORDS = {
    "magnitude": MAGNITUDES,
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "activation_checkpointing": SWITCHES,
}


@dataclass(frozen=True)
class Options:
    """One stage; the meaning of each value is in `themis.study.training`. Raises Problem where one is out of range."""

    preferences: Path
    export: Path
    base: Path
    checkpoints: Path
    metrics: Path
    ledger: Path
    name: str
    stage: str
    epochs: int
    batch_pairs: int
    learning_rate: float
    final_learning_rate: float
    head_learning_rate: float | None
    warmup: float
    clip: float
    weight_decay: float
    lm_weight: float
    magnitude_weight: float
    magnitude: str
    max_tokens: int
    batch_tokens: int
    frozen_layers: int
    checkpoint_every: int
    processes: int
    threads: int
    seed: int
    schedule: str = "cosine"
    stable: float = 0.7
    margin: float = 0.0
    label_smoothing: float = 0.0
    nodes: int = 1
    replicas: int = 1
    precision: str = "auto"
    share_prefix: bool = True
    activation_checkpointing: str = "auto"
    offload: bool = False
    compile: bool = False
    keep_checkpoints: int = 2
    held_out: float = 0.0
    evaluate_every: int = 50
    keep_best: bool = False
    trackers: tuple[str, ...] = ()
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    criteria: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_pairs: int | None = None
    system: bool = True

    def __post_init__(self) -> None:
        for name in (
            "epochs", "batch_pairs", "max_tokens", "batch_tokens", "checkpoint_every", "keep_checkpoints",
            "evaluate_every", "nodes", "processes", "threads", "replicas",
        ):  # fmt: skip
            self._require(name, lambda value: value >= 1, "at least 1")
        for name in ("learning_rate", "clip", "epsilon"):
            self._require(name, lambda value: value > 0, "positive")
        for name in ("final_learning_rate", "weight_decay", "lm_weight", "magnitude_weight", "frozen_layers", "margin"):
            self._require(name, lambda value: value >= 0, "zero or more")
        for name in ("warmup", "stable", "held_out"):
            self._require(name, lambda value: 0 <= value <= 1, "in [0, 1]")
        for name in ("beta1", "beta2"):
            self._require(name, lambda value: 0 <= value < 1, "in [0, 1)")
        self._require("label_smoothing", lambda value: 0 <= value < 0.5, "in [0, 0.5)")
        for name, known in _WORDS.items():
            self._require(name, lambda value, known=known: value in known, f"one of {', '.join(known)}")
        self._require("trackers", lambda value: set(value) <= set(TRACKERS), f"among {', '.join(TRACKERS)}")
        self._require("keep_best", lambda value: not value or self.held_out > 0, "possible without --held-out")
        self._require("criteria", lambda value: set(value) <= set(Criterion), f"among {', '.join(Criterion)}")
        known = {*FILE_LANGUAGES, NATURAL_LANGUAGE}
        self._require("languages", lambda value: set(value) <= known, f"among {', '.join(sorted(known))}")
        self._require("max_pairs", lambda value: value is None or value >= 1, "at least 1")
        if self.schedule == "wsd":
            self._require("stable", lambda value: value + self.warmup <= 1 + 1e-9, "at most 1 together with --warmup")
        self._require("head_learning_rate", lambda value: value is None or value > 0, "positive")
        self._require("final_learning_rate", lambda value: value <= self.learning_rate, "at most the learning rate")

    @property
    def uses_lm(self) -> bool:
        """Whether the language-model loss is computed at all."""
        return self.lm_weight > 0

    @property
    def uses_magnitude(self) -> bool:
        """Whether the magnitude term is computed at all."""
        return self.magnitude != "none" and self.magnitude_weight > 0

    @property
    def loss(self) -> dict[str, Any]:
        """What `step_loss` is told beside rewards and counts."""
        return {
            "lm_weight": self.lm_weight,
            "magnitude_weight": self.magnitude_weight if self.uses_magnitude else 0.0,
            "magnitude": self.magnitude,
            "margin": self.margin,
            "label_smoothing": self.label_smoothing,
        }

    @property
    def selection(self) -> Selection:
        """Which pairs of the table are trained on, and which are held out."""
        return Selection(self.criteria, self.languages, self.max_pairs, self.system, self.seed, self.held_out)

    def deciding(self) -> dict[str, Any]:
        """The values that decide what is learned, for a checkpoint to be matched with."""
        return {name: value for name, value in asdict(self).items() if name not in _IRRELEVANT}

    def to_json(self) -> str:
        """All values as JSON, paths made absolute."""
        values = asdict(self)
        return json.dumps({k: str(v.absolute()) if isinstance(v, Path) else v for k, v in values.items()})

    @classmethod
    def from_json(cls, text: str) -> Options:
        """The options `to_json` wrote."""
        values = json.loads(text)
        paths = {field.name for field in fields(cls) if field.type == "Path"}
        values.update({name: tuple(values[name]) for name in ("trackers", "criteria", "languages")})
        return cls(**{name: Path(value) if name in paths else value for name, value in values.items()})

    def _require(self, name: str, holds: Callable[[Any], bool], meaning: str) -> None:
        value = getattr(self, name)
        if not holds(value):
            raise Problem(f"--{name.replace('_', '-')}: {value} is not {meaning}")
