"""The training loop of one stage."""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import torch

from themis import __version__, progress, records
from themis.errors import Problem
from themis.prompting import packing
from themis.prompting.chat import Chat
from themis.train import checkpoint, data, export, optimizer, parallel, plan
from themis.train.checkpoint import Checkpoint
from themis.train.data import TokenizedPairs
from themis.train.interrupt import listening
from themis.train.loss import step_loss
from themis.train.model import RewardModel, load_weights, skeleton
from themis.train.options import Options
from themis.train.parallel import Agreed, Group
from themis.train.schedule import learning_rate

_TOKENS = "tokens.arrow"  # beside the checkpoints


def train(options: Options, stop_file: Path | None = None) -> bool:
    """Train one stage and write its export, metrics and ledger; false where it was asked to stop and has saved itself.

    Goes on from the last checkpoint of the same run, to the same bytes as without a stop. Raises Problem for bad input.
    """
    with ExitStack() as stack:
        interrupt = stack.enter_context(listening(stop_file))
        stack.enter_context(_deterministic(options.seed))
        group = stack.enter_context(parallel.process_group(options.threads))
        fingerprint, found = parallel.first(group, lambda: _prepare(options, stack))
        pairs = data.open_cache(options.checkpoints / _TOKENS)

        model = _model(options)
        parallel.shard(model, group)
        weights: dict[str, torch.Tensor] = {}
        parallel.first(group, lambda: weights.update(load_weights(options.base)))
        parallel.fill(model, group, weights)
        weights.clear()
        adamw = optimizer.build(model, weight_decay=options.weight_decay)
        if found is not None:
            checkpoint.restore(found, model, adamw)

        metrics = [] if found is None else found.metrics
        for step in _steps(options, pairs, group, model, adamw, metrics):
            if step == options.epochs * plan.steps_per_epoch(len(pairs), options.batch_pairs):
                break
            stop = parallel.total(torch.tensor([float(bool(interrupt))], device=group.device)).item() > 0
            if stop or step % options.checkpoint_every == 0:
                checkpoint.save(
                    options.checkpoints, group, model, adamw, step=step, fingerprint=fingerprint, metrics=metrics
                )
            if stop:
                return False

        export.export(options.export, options.base, model, group)
        parallel.first(group, lambda: _conclude(options, pairs, metrics))
    return True


def _steps(
    options: Options,
    pairs: TokenizedPairs,
    group: Group,
    model: RewardModel,
    adamw: torch.optim.AdamW,
    metrics: list[dict[str, float]],
) -> Iterator[int]:
    """Do the optimiser steps that `metrics` does not have yet; yield the number done after each."""
    lengths, pad_id = pairs.lengths, Chat.load(options.base).pad_id
    per_epoch = plan.steps_per_epoch(len(pairs), options.batch_pairs)
    steps = options.epochs * per_epoch
    head_ratio = (options.head_learning_rate or options.learning_rate) / options.learning_rate
    order: tuple[int, list[list[int]]] = (-1, [])
    began, seen = time.perf_counter(), 0
    with ExitStack() as stack:
        shown = stack.enter_context(progress.bar(f"train {options.stage}", steps, "step")) if group.leads else None
        if shown is not None:
            shown.update(len(metrics))
        for step in range(len(metrics), steps):
            epoch, place = divmod(step, per_epoch)
            if order[0] != epoch:
                order = (epoch, plan.epoch_steps(pairs.rows, options.batch_pairs, epoch, options.seed))
            members = order[1][place]
            tokens = int(pairs.completions[members].sum())
            sums = torch.zeros(4, dtype=torch.float64, device=group.device)
            mine = plan.deal(members, lengths, group.size, options.batch_tokens)[group.rank]
            for number, micro in enumerate(mine, start=1):
                parallel.accumulate(model, group, last=number == len(mine))
                batch = packing.collate([pairs[i] for i in micro.pairs], pad_id)
                tensors = {name: tensor.to(group.device) for name, tensor in vars(batch).items()}
                rewards, token_loss = model(**tensors, with_lm=options.uses_lm)
                loss, part = step_loss(
                    rewards,
                    token_loss,
                    pairs=len(members),
                    tokens=tokens,
                    lm_weight=options.lm_weight,
                    magnitude_weight=options.magnitude_weight if options.uses_magnitude else 0.0,
                    magnitude=options.magnitude,
                )
                # FSDP takes the mean over the processes; the step's loss is a sum over them.
                (loss * micro.weight * group.size).backward()
                sums += part * micro.weight

            rate = learning_rate(
                step, steps, warmup=options.warmup, peak=options.learning_rate, final=options.final_learning_rate
            )
            norm = optimizer.clip(model, options.clip)
            if not math.isfinite(norm):
                raise Agreed(f"step {step + 1} of {options.stage}: the gradient is not finite; lower the learning rate")
            optimizer.set_rate(adamw, rate, head_ratio)
            adamw.step()
            adamw.zero_grad(set_to_none=True)

            row = _row(options, parallel.total(sums).tolist(), pairs=len(members), tokens=tokens)
            metrics.append({**row, "lr": rate, "grad_norm": norm})
            seen += sum(lengths[i] for i in members)
            if shown is not None:
                speed = seen / (time.perf_counter() - began)
                shown.set_postfix_str(
                    f"loss {row['loss']:.4f}, accuracy {row['accuracy']:.3f}, {speed:.0f} tokens/s", refresh=False
                )
                shown.update()
            yield step + 1


def _row(options: Options, sums: list[float], *, pairs: int, tokens: int) -> dict[str, float]:
    """The step's means; a term that was not computed has no row."""
    preference, language, spread, won = sums
    row = {"loss": preference / pairs, "bt": preference / pairs}
    if options.uses_lm:
        row["lm"] = language / tokens
        row["loss"] += options.lm_weight * row["lm"]
    if options.uses_magnitude:
        row["magnitude"] = spread / pairs
        row["loss"] += options.magnitude_weight * row["magnitude"]
    return {**row, "accuracy": won / pairs}


def _model(options: Options) -> RewardModel:
    model = skeleton(options.base, max_tokens=options.max_tokens, with_lm=options.uses_lm)
    model.freeze(options.frozen_layers, with_lm=options.uses_lm)
    return model


def _prepare(options: Options, stack: ExitStack) -> tuple[str, Checkpoint | None]:
    """What only the first process does before training: check, lock, tokenise, look for a checkpoint."""
    if not options.preferences.is_file():
        raise Problem(f"{options.preferences}: no such file; the step that writes it has not run")
    export.blueprint(options.base, _model(options))  # an export that cannot be written is known before the training
    options.checkpoints.mkdir(parents=True, exist_ok=True)
    stack.enter_context(_locked(options.checkpoints))
    data.write_cache(options.preferences, options.base, options.max_tokens, options.checkpoints / _TOKENS)
    fingerprint = _fingerprint(options)
    return fingerprint, checkpoint.newest(options.checkpoints, fingerprint)


def _conclude(options: Options, pairs: TokenizedPairs, metrics: list[dict[str, float]]) -> None:
    """What only the first process does after the export is complete: metrics, ledger, and no checkpoints any more."""
    rows = [(name, step, value) for step, row in enumerate(metrics, start=1) for name, value in row.items()]
    names, steps, values = zip(*rows, strict=True)
    table = pa.table(
        {
            "stage": [f"train-{options.stage}"] * len(rows),
            "subject": [options.name] * len(rows),
            "metric": names,
            "step": pa.array(steps, pa.int64()),
            "value": values,
        }
    )
    records.write(table, options.metrics, "metrics", inputs=[options.preferences], seed=options.seed)
    pairs.ledger(f"train-{options.stage}").write(options.ledger, inputs=[options.preferences])
    checkpoint.clear(options.checkpoints)
    (options.checkpoints / _TOKENS).unlink()


def _fingerprint(options: Options) -> str:
    """A hash of everything that decides the result: values, pairs, the base's files, the version of this code."""
    files = [path for path in sorted(options.base.rglob("*")) if path.suffix in {".json", ".jinja", ".safetensors"}]
    base = {str(path.relative_to(options.base)): records.file_digest(path) for path in files}
    parts = [__version__, options.deciding(), records.file_digest(options.preferences), base]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this run; the lock goes with the process, however it ends. Raises Problem if it is held."""
    with (folder / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Problem(f"{folder}: another process is training here; wait for it or stop it") from None
        yield


@contextmanager
def _deterministic(seed: int) -> Iterator[None]:
    """Torch's deterministic algorithms and a seeded generator, as they were afterwards."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filling = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # every buffer is written before it is read
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
            torch.utils.deterministic.fill_uninitialized_memory = filling
