"""One training stage, from its inputs to its export."""

from __future__ import annotations

import fcntl
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import torch

from themis import __version__, records
from themis.errors import Problem
from themis.train import (
    best,
    card,
    checkpoint,
    data,
    export,
    health,
    kernels,
    loop,
    optimizer,
    parallel,
    plan,
    precision,
    watch,
)
from themis.train.checkpoint import Checkpoint
from themis.train.data import TokenizedPairs
from themis.train.interrupt import listening
from themis.train.model import RewardModel, is_export, load_weights, skeleton
from themis.train.options import Options
from themis.train.parallel import Group
from themis.train.watch import Row

_TOKENS = "tokens.arrow"  # beside the checkpoints


def train(options: Options, stop_file: Path | None = None) -> bool:
    """Train one stage and write its export, metrics and ledger; false where it was asked to stop and has saved itself.

    Goes on from the last checkpoint of the same run, to the same bytes as without a stop. Raises Problem for bad input.
    """
    with ExitStack() as stack:
        interrupt = stack.enter_context(listening(stop_file))
        stack.enter_context(_deterministic(options.seed))
        group = stack.enter_context(
            parallel.process_group(
                processes=options.nodes * options.processes,
                replicas=options.replicas,
                threads=options.threads,
                offload=options.offload,
            )
        )
        fingerprint, found = parallel.first(group, lambda: _prepare(options, stack))
        pairs, held_out = (data.open_cache(options.checkpoints / _TOKENS, held_out=held) for held in (False, True))

        model = _model(options)
        if group.device.type == "cuda":
            kernels.fuse(model.lm, tell=group.leads)
        parallel.shard(
            model,
            group,
            compute=precision.resolve(options.precision, group.device),
            checkpointing=options.activation_checkpointing,
            compile_blocks=options.compile,
        )
        weights: dict[str, torch.Tensor] = {}
        parallel.first(group, lambda: weights.update(load_weights(options.base)))
        parallel.fill(model, group, weights)
        weights.clear()
        if is_export(options.base):
            health.check_head(options.base, parallel.whole(model.head.weight))
        adamw = optimizer.build(
            model,
            weight_decay=options.weight_decay,
            betas=(options.beta1, options.beta2),
            epsilon=options.epsilon,
        )
        if found is not None:
            checkpoint.restore(found, model, adamw)
            _say(group, f"{options.stage}: goes on from step {found.step}")

        metrics = [] if found is None else found.metrics
        steps = stack.enter_context(
            closing(loop.steps(options, pairs, held_out, group, model, adamw, metrics, fingerprint))
        )
        for step in steps:
            if options.keep_best and best.best_step(metrics) == step:
                best.save(options.checkpoints, group, model, step=step, fingerprint=fingerprint)
                if group.leads:
                    _forget_worse(options, fingerprint, metrics)
            if step == options.epochs * plan.steps_per_epoch(len(pairs), options.batch_pairs):
                break
            stop = parallel.total(torch.tensor([float(bool(interrupt))], device=group.device)).item() > 0
            if stop or step % options.checkpoint_every == 0:
                checkpoint.save(
                    options.checkpoints,
                    group,
                    model,
                    adamw,
                    step=step,
                    fingerprint=fingerprint,
                    metrics=metrics,
                    keep=options.keep_checkpoints,
                )
                if group.leads:
                    _forget_worse(options, fingerprint, metrics)
            if stop:
                _say(group, f"{options.stage}: was asked to stop and has saved itself after step {step}")
                return False

        totals = {"exported_step": float(len(metrics))}
        if len(held_out):
            totals["held_out_pairs"] = float(len(held_out))
        if options.keep_best:
            totals["exported_step"] = float(_take_best(options, fingerprint, group, model, metrics))
        texts: dict[str, str] = {}
        parallel.first(group, lambda: texts.update(card.documents(options, pairs, metrics, totals)))
        export.export(options.export, options.base, model, group, texts=texts)
        parallel.first(group, lambda: _conclude(options, pairs, metrics, totals))
    return True


def _say(group: Group, line: str) -> None:
    """Once for all processes."""
    if group.leads:
        print(line, file=sys.stderr)


def _model(options: Options) -> RewardModel:
    model = skeleton(options.base)
    model.freeze(options.frozen_layers, with_lm=options.uses_lm)
    return model


def _prepare(options: Options, stack: ExitStack) -> tuple[str, Checkpoint | None]:
    """What only the first process does before training: check, lock, tokenise, look for a checkpoint."""
    if not options.preferences.is_file():
        raise Problem(f"{options.preferences}: no such file; the step that writes it has not run")
    export.blueprint(options.base, _model(options))  # an export that cannot be written is known before the training
    options.checkpoints.mkdir(parents=True, exist_ok=True)
    stack.enter_context(_locked(options.checkpoints))
    data.write_cache(
        options.preferences, options.base, options.max_tokens, options.checkpoints / _TOKENS, options.selection
    )
    fingerprint = _fingerprint(options)
    found = checkpoint.newest(options.checkpoints, fingerprint)
    step = best.best_step(found.metrics) if found is not None and options.keep_best else None
    if step is not None:
        best.require(options.checkpoints, step=step, fingerprint=fingerprint)
    return fingerprint, found


def _forget_worse(options: Options, fingerprint: str, metrics: list[Row]) -> None:
    """Keep only the weights that were the best now, or when one of the kept checkpoints was saved."""
    known = [metrics, *(one.metrics for one in checkpoint.kept(options.checkpoints, fingerprint))]
    best.prune(options.checkpoints, fingerprint, map(best.best_step, known))


def _take_best(options: Options, fingerprint: str, group: Group, model: RewardModel, metrics: list[Row]) -> int:
    """Put the weights of the best evaluation into the model; return its step."""
    step = best.best_step(metrics)
    if step != len(metrics):
        folder = options.checkpoints
        path = parallel.first(group, lambda: best.require(folder, step=step, fingerprint=fingerprint))
        best.restore(path, model)
    return step


def _conclude(options: Options, pairs: TokenizedPairs, metrics: list[Row], totals: Row) -> None:
    """What only the first process does after the export is complete: metrics, ledger, and no checkpoints any more."""
    table = watch.table(options, metrics, totals)
    records.write(table, options.metrics, "metrics", inputs=[options.preferences], seed=options.seed)
    pairs.ledger(f"train-{options.stage}", options.name).write(options.ledger, inputs=[options.preferences])
    checkpoint.clear(options.checkpoints)
    best.clear(options.checkpoints)
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
