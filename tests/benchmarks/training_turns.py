"""A training in a process of its own: training_turns.py ours|trl JSON. Prints what it took as a line of JSON.

Both do the same optimiser steps from the same reward model with the same pairs: Bradley-Terry alone, AdamW, one process.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

LEARNING_RATE = 1e-5


def ours(
    folder: Path,
    *,
    pairs: int,
    batch: int,
    threads: int,
    precision: str,
    share_prefix: bool,
    lm: bool,
    table: str = "pairs",
) -> dict:
    """The kit's trainer, from the log it writes of every step."""
    from themis.train import train as stage
    from themis.train.options import Options

    out = folder / f"{table}-{precision}-{share_prefix}-{lm}"
    options = Options(
        preferences=folder / f"{table}.parquet", export=out / "export", base=folder / "start",
        checkpoints=out / "checkpoints", metrics=out / "metrics.parquet", ledger=out / "ledger.parquet", name="bench",
        stage="preference", epochs=1, batch_pairs=batch, learning_rate=LEARNING_RATE, final_learning_rate=LEARNING_RATE,
        head_learning_rate=None, warmup=0.0, clip=1e9, weight_decay=0.0, lm_weight=0.25 if lm else 0.0,
        magnitude_weight=0.0, magnitude="none", max_tokens=4096, batch_tokens=2048, frozen_layers=0,
        checkpoint_every=10_000, processes=1, threads=threads, seed=3, precision=precision, share_prefix=share_prefix,
    )  # fmt: skip
    assert stage.train(options)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    tokens = sum(line["tokens"] for line in lines)
    return {
        "steps": [line["seconds"] for line in lines],
        "losses": [line["bt"] for line in lines],
        "tokens": tokens,
        "padding": sum(line["padding"] * line["tokens"] for line in lines) / tokens,
        "mfu": [line["mfu"] for line in lines],
    }


def trl(folder: Path, *, pairs: int, batch: int, threads: int, micro: int) -> dict:
    """TRL's RewardTrainer, given the ids of the same pairs in the same order; its defaults but for the rate and clipping.

    They are bf16 autocast over float32 weights, and activation checkpointing.
    """
    import torch
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
    from trl import RewardConfig, RewardTrainer

    from themis.prompting.chat import Chat
    from themis.train import data, plan

    torch.set_num_threads(threads)
    data.write_cache(folder / "pairs.parquet", folder / "start", 4096, folder / "trl.arrow")
    tokenized = data.open_cache(folder / "trl.arrow")
    order = [index for step in plan.epoch_steps(tokenized.rows, batch, 0, 3) for index in step][:pairs]
    whole = [tokenized.packed(index, share_prefix=False) for index in order]
    sides = {
        "chosen_ids": [pair.ids[: pair.chosen].tolist() for pair in whole],
        "rejected_ids": [pair.ids[pair.chosen :].tolist() for pair in whole],
    }
    steps: list[float] = []
    losses: list[float] = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            steps.append(time.perf_counter() - self.began)

        def on_log(self, *_: Any, logs: dict[str, float], **__: Any) -> None:
            if "loss" in logs:
                losses.append(float(logs["loss"]))

    config = RewardConfig(
        output_dir=str(folder / "trl"), per_device_train_batch_size=micro, gradient_accumulation_steps=batch // micro,
        learning_rate=LEARNING_RATE, lr_scheduler_type="constant", max_grad_norm=1e9, weight_decay=0.0,
        num_train_epochs=1, bf16=True, use_cpu=True, logging_steps=1, save_strategy="no",
        report_to=[], train_sampling_strategy="sequential", dataloader_num_workers=0, disable_tqdm=True, max_length=None,
    )  # fmt: skip
    tokenizer = AutoTokenizer.from_pretrained(folder / "start")
    assert tokenizer.convert_tokens_to_ids(tokenizer.pad_token) == Chat.load(folder / "start").pad_id
    model = AutoModelForSequenceClassification.from_pretrained(folder / "start", dtype=torch.float32)
    trainer = RewardTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_dict(sides),
        processing_class=tokenizer,
        callbacks=[Clock()],
    )
    trainer.train()
    return {"steps": steps, "losses": losses, "tokens": sum(len(ids) for column in sides.values() for ids in column)}


def peak_mib() -> float:
    """The most memory this process ever held, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main(whose: str, settings: dict[str, Any]) -> None:
    """Train as told and print the findings."""
    found = {"ours": ours, "trl": trl}[whose](Path(settings.pop("folder")), **settings)
    print(json.dumps({**found, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
