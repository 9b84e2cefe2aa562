"""What a step came to and where that goes: JSON lines beside the export, trackers, the progress bar, the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa

from themis import progress
from themis.train import parallel, trackers
from themis.train.options import Options
from themis.train.parallel import Group

LOG = "metrics.jsonl"  # beside the export

Row = dict[str, float]
Tell = Callable[[Row, Row], None]


@contextmanager
def watching(options: Options, group: Group, metrics: Sequence[Row], steps: int, identity: str) -> Iterator[Tell]:
    """A function to tell a finished step to, given what was learned (`means`, ...) and what it took (`work`).

    The first process writes both as one line of the log, sends them to the trackers and moves the bar; the others do
    nothing. `metrics` are the rows of the steps done so far, to which the log is cut back; `identity` names the run.
    Raises Agreed where a tracker cannot be opened.
    """
    with ExitStack() as stack:
        opened: list[trackers.Tracker] = []
        folder, run = options.export.parent, f"{options.name}.{options.stage}"

        def prepare() -> None:
            settings, done = options.deciding(), len(metrics)
            opened.extend(
                trackers.open_trackers(
                    options.trackers, folder, run=run, identity=identity, settings=settings, done=done
                )
            )
            cut_back(folder / LOG, metrics)

        parallel.first(group, prepare)
        if not group.leads:
            yield lambda row, work: None
            return
        for tracker in opened:
            stack.callback(tracker.close)
        log = stack.enter_context((folder / LOG).open("a", encoding="utf-8"))
        bar = stack.enter_context(progress.bar(f"train {options.stage}", steps, "step"))
        bar.update(len(metrics))

        def tell(row: Row, work: Row) -> None:
            log.write(json.dumps({**row, **work}, allow_nan=False) + "\n")
            log.flush()
            for tracker in opened:
                tracker.log(int(row["step"]), {name: value for name, value in (row | work).items() if name != "step"})
            bar.set_postfix_str(
                f"loss {row['loss']:.4f}, accuracy {row['accuracy']:.3f}, {work['tokens_per_second']:.0f} tokens/s",
                refresh=False,
            )
            bar.update()

        yield tell


def means(options: Options, sums: Sequence[float], *, pairs: int, tokens: int) -> Row:
    """The numbers of `pairs` pairs with `tokens` completion tokens, from the sums of `step_loss` over all of them.

    loss and its terms (those computed), accuracy (a tie is half), mean margin, mean and variance of all rewards.
    """
    preference, language, spread, won, margin, reward, square = sums
    row = {"loss": preference / pairs, "bt": preference / pairs}
    if options.uses_lm:
        row["lm"] = language / tokens
        row["loss"] += options.lm_weight * row["lm"]
    if options.uses_magnitude:
        row["magnitude"] = spread / pairs
        row["loss"] += options.magnitude_weight * row["magnitude"]
    mean = reward / (2 * pairs)
    variance = max(square / (2 * pairs) - mean**2, 0.0)
    return row | {
        "accuracy": won / pairs,
        "margin": margin / pairs,
        "reward_mean": mean,
        "reward_variance": variance,
    }


def work(*, tokens: int, slots: float, flops: float, seconds: float, peak: float) -> Row:
    """What a step took: its tokens, the share of padding in all `slots` computed, seconds, tokens/s, and MFU, the share
    of `peak` FLOP/s that its `flops` make."""
    return {
        "tokens": tokens,
        "padding": 1 - tokens / slots,
        "seconds": seconds,
        "tokens_per_second": tokens / seconds,
        "mfu": flops / seconds / peak,
    }


def cut_back(path: Path, metrics: Sequence[Row]) -> None:
    """Leave one line in the log for every step of `metrics`, with what it took where the log still says so."""
    said = dict(_lines(path))
    kept = []
    for row in metrics:
        line = said.get(row["step"], {})
        known = all(line.get(name) == value for name, value in row.items())
        kept.append(json.dumps(line if known else row))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
    part.replace(path)


def table(options: Options, metrics: Sequence[Row], totals: Mapping[str, float]) -> pa.Table:
    """Schema "metrics": what was learned in every step, then `totals` without a step; the same for the same inputs."""
    rows = [(name, int(row["step"]), float(value)) for row in metrics for name, value in row.items() if name != "step"]
    rows += [(name, None, float(value)) for name, value in totals.items()]
    names, steps, values = zip(*rows, strict=True)
    return pa.table(
        {
            "stage": [f"train-{options.stage}"] * len(rows),
            "subject": [options.name] * len(rows),
            "metric": names,
            "step": pa.array(steps, pa.int64()),
            "value": values,
        }
    )


def _lines(path: Path) -> Iterator[tuple[int, Row]]:
    """The lines that can be read, by step."""
    if not path.is_file():
        return
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
            yield line["step"], line
        except (ValueError, TypeError, KeyError):
            continue  # cut off by a kill
