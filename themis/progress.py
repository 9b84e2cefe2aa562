"""Progress that can be read on a terminal and in a log file alike."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


class _Lines:
    """A stream that ends each state of the bar with a newline instead of returning the carriage."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        text = text.strip("\r\n ")
        if text:
            self._stream.write(text + "\n")

    def flush(self) -> None:
        self._stream.flush()


def bar(label: str, total: int | None = None, unit: str = "row") -> tqdm:
    """A tqdm bar on stderr: live on a terminal, one line every ten seconds elsewhere."""
    live = sys.stderr.isatty()
    return tqdm(
        desc=label,
        total=total,
        unit=unit,
        file=sys.stderr if live else _Lines(sys.stderr),
        mininterval=0.2 if live else 10.0,
        maxinterval=10.0,
        miniters=1,
        ascii=not live,
        dynamic_ncols=live,
    )


def track(items: Iterable[Item], label: str, total: int | None = None, unit: str = "row") -> Iterator[Item]:
    """Yield the items and show how many have passed."""
    with bar(label, total if total is not None else getattr(items, "__len__", lambda: None)(), unit) as shown:
        for item in items:
            yield item
            shown.update()
