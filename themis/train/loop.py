"""The optimiser steps of a stage: which pairs, forward and backward, the update, and what is written down of each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import torch

from themis.prompting import packing
from themis.train import flops, health, optimizer, parallel, plan, precision
from themis.train.data import TokenizedPairs
from themis.train.evaluation import evaluate
from themis.train.loss import step_loss
from themis.train.model import RewardModel
from themis.train.options import Options
from themis.train.parallel import Group
from themis.train.schedule import learning_rate
from themis.train.watch import Row, means, watching, work


def steps(
    options: Options,
    pairs: TokenizedPairs,
    held_out: TokenizedPairs,
    group: Group,
    model: RewardModel,
    adamw: torch.optim.AdamW,
    metrics: list[Row],
    identity: str,
) -> Iterator[int]:
    """Do the optimiser steps that `metrics` does not have yet; yield the number done after each.

    Every so often, and at the end, the row of a step also says what the model makes of the pairs held out. `identity`
    names the run to trackers. Raises Agreed where training goes wrong.
    """
    lengths = pairs.lengths(options.share_prefix)
    per_epoch = plan.steps_per_epoch(len(pairs), options.batch_pairs)
    total = options.epochs * per_epoch
    order: tuple[int, list[list[int]]] = (-1, [])
    needed = flops.pair_flops(model, pairs, share_prefix=options.share_prefix, with_lm=options.uses_lm)
    peak = flops.peak_rate(group.device, precision.resolve(options.precision, group.device))
    peak = parallel.total(torch.tensor([peak], dtype=torch.float64, device=group.device)).item()
    with watching(options, group, metrics, total, identity) as tell:
        for step in range(len(metrics), total):
            began = time.perf_counter()
            label = f"step {step + 1} of {options.stage}"
            epoch, place = divmod(step, per_epoch)
            if order[0] != epoch:
                order = (epoch, plan.epoch_steps(pairs.rows, options.batch_pairs, epoch, options.seed))
            members = order[1][place]
            tokens = int(pairs.completions[members].sum())
            share = gradient(options, pairs, lengths, members, tokens, group, model)
            *sums, slots = parallel.total(share).tolist()
            row = {"step": step + 1, "epoch": (step + 1) / per_epoch}
            row |= means(options, sums, pairs=len(members), tokens=tokens)
            health.check_finite(label, row)
            row |= update(options, model, adamw, step, total)
            took = work(
                tokens=sum(lengths[i] for i in members),
                slots=slots,
                flops=needed[members].sum(),
                seconds=time.perf_counter() - began,
                peak=peak,
            )
            if len(held_out) and ((step + 1) % options.evaluate_every == 0 or step + 1 == total):
                row |= evaluate(options, model, group, held_out)
                health.check_finite(label, row)
            metrics.append(row)
            tell(row, took)
            health.check_converging(options.stage, metrics)
            yield step + 1


def gradient(
    options: Options,
    pairs: TokenizedPairs,
    lengths: Sequence[int],
    members: Sequence[int],
    tokens: int,
    group: Group,
    model: RewardModel,
) -> torch.Tensor:
    """Add up the gradient of a step's pairs over all processes; return this process's share of `step_loss`'s sums, and
    behind them the number of tokens it computed.

    `lengths` are the tokens of every packed pair, `tokens` those of the chosen responses of all `members`.
    """
    sums = 0
    mine = plan.deal(members, lengths, group.size, options.batch_tokens)[group.rank]
    for number, micro in enumerate(mine, start=1):
        parallel.accumulate(model, group, last=number == len(mine))
        batch = packing.collate([pairs.packed(i, options.share_prefix) for i in micro.pairs]).to(group.device)
        loss, part = step_loss(
            *model(batch, with_lm=options.uses_lm),
            pairs=len(members),
            tokens=tokens,
            **options.loss,
        )
        # FSDP takes the mean over the processes; the step's loss is a sum over them.
        (loss * micro.weight * group.size).backward()
        sums = sums + torch.cat([part * micro.weight, part.new_tensor([batch.input_ids.numel()])])
    return sums


def update(options: Options, model: RewardModel, adamw: torch.optim.AdamW, step: int, steps: int) -> Row:
    """One clipped step of the optimiser with the gradient at hand; the rates and the gradient's norm before clipping."""
    head_ratio = (options.head_learning_rate or options.learning_rate) / options.learning_rate
    rate = learning_rate(
        step,
        steps,
        warmup=options.warmup,
        peak=options.learning_rate,
        final=options.final_learning_rate,
        schedule=options.schedule,
        stable=options.stable,
    )
    norm = optimizer.clip(model, options.clip)
    health.check_finite(f"step {step + 1} of {options.stage}", {"gradient": norm})
    optimizer.set_rate(adamw, rate, head_ratio)
    adamw.step()
    adamw.zero_grad(set_to_none=True)
    return {"lr": rate, "head_lr": rate * head_ratio, "grad_norm": norm}
