"""A scoring in a process of its own: score_turns.py ours|padded|naive JSON. Prints what it took as a line of JSON.

All score the same reward model's conversations of the same pairs, tokenised before the clock starts where a loop is
timed, and inside it where the kit is.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from themis import records


def ours(folder: Path, *, pairs: int, first: int, threads: int, dtype: str, share: bool) -> dict[str, Any]:
    """The kit's scorer: the first pairs, then the rest."""
    from themis.score.families import scorer_for
    from themis.score.protocol import Pair
    from themis.vocabulary import Criterion

    rows = _rows(folder, pairs)
    scorer: Any = scorer_for(
        "sequence_classifier", name="bench", checkpoint=folder / "start", prompt_mode="criterion", max_tokens=4096,
        batch_tokens=2048, dtype=dtype, threads=threads, seed=1, cache=None, share_prefix=share,
    )  # fmt: skip
    computed = 0

    def count(_module: Any, _given: Any, named: dict[str, Any]) -> None:
        nonlocal computed
        computed += named["input_ids"].numel()

    scorer.backbone.register_forward_pre_hook(count, with_kwargs=True)
    asked = [Pair(row["idx"], row["input"], row["chosen"], row["rejected"], Criterion(row["aspect"])) for row in rows]
    seconds, scores = [], {}
    for part in (asked[:first], asked[first:]):
        start = time.perf_counter()
        scores |= {row: [score.chosen, score.rejected] for row, score in scorer.score(part)}
        seconds.append(time.perf_counter() - start)
    return {
        "first": seconds[0],
        "rest": seconds[1],
        "scores": scores,
        "padding": 1 - _needed(folder, rows, share) / computed,
    }


def padded(folder: Path, *, pairs: int, threads: int, dtype: str, micro: int) -> dict[str, Any]:
    """Batches in the order of the table, chosen and rejected apart, padded to the longest of the batch."""
    import torch

    torch.set_num_threads(threads)
    model, chat = _model(folder, dtype)
    rows = _rows(folder, pairs)
    sides: dict[str, list[float]] = {}
    real = computed = 0
    batches = []
    for at in range(0, len(rows), micro):
        for side in ("chosen", "rejected"):
            ids = [chat.conversation(row["system"], row["input"], row[side]) for row in rows[at : at + micro]]
            batch = chat.tokenizer.pad({"input_ids": ids}, padding_side="right", return_tensors="pt")
            batches.append(([row["idx"] for row in rows[at : at + micro]], batch))
            real, computed = real + sum(map(len, ids)), computed + batch["input_ids"].numel()
    start = time.perf_counter()
    for names, batch in batches:
        with torch.inference_mode():
            logits = model(**batch).logits[:, 0].float().tolist()
        for name, logit in zip(names, logits, strict=True):
            sides.setdefault(name, []).append(logit)
    return {"seconds": time.perf_counter() - start, "scores": sides, "padding": 1 - real / computed}


def naive(folder: Path, *, pairs: int, threads: int) -> dict[str, Any]:
    """One conversation at a time in float32."""
    import torch

    torch.set_num_threads(threads)
    model, chat = _model(folder, "float32")
    scores = {}
    with torch.inference_mode():
        for row in _rows(folder, pairs):
            chats = (chat.conversation(row["system"], row["input"], row[side]) for side in ("chosen", "rejected"))
            scores[row["idx"]] = [model(input_ids=torch.tensor([ids])).logits[0, 0].item() for ids in chats]
    return {"scores": scores}


def _rows(folder: Path, pairs: int) -> list[dict[str, Any]]:
    table: pa.Table = records.read(folder / "pairs.parquet", "preferences")
    return table.slice(0, pairs).to_pylist()


def _model(folder: Path, dtype: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForSequenceClassification

    from themis.prompting.chat import Chat

    model = AutoModelForSequenceClassification.from_pretrained(folder / "start", dtype=getattr(torch, dtype)).eval()
    return model, Chat.load(folder / "start")


def _needed(folder: Path, rows: list[dict[str, Any]], share: bool) -> int:
    """Tokens of the conversations, or of what is left where their beginning counts once."""
    from themis.prompting.chat import Chat
    from themis.prompting.packing import pack

    chat = Chat.load(folder / "start")
    packed = [pack(chat, *(row[name] for name in ("system", "input", "chosen", "rejected"))) for row in rows]
    return sum(len(pair) if share else pair.chosen + pair.rejected for pair in packed)


if __name__ == "__main__":
    settings = json.loads(sys.argv[2])
    turns = {"ours": ours, "padded": padded, "naive": naive}
    print(json.dumps(turns[sys.argv[1]](Path(settings.pop("folder")), **settings)))
