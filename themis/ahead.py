"""Work in threads, a few items ahead of whoever takes the results in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Item, Made = TypeVar("Item"), TypeVar("Made")


def ahead(pool: Executor, work: Callable[[Item], Made], items: Iterable[Item], waiting: int = 1) -> Iterator[Made]:
    """What `work` makes of the items, in their order; up to `waiting` of them are worked on ahead.

    The items themselves are made in the thread that takes the results.
    """
    running: deque[Future[Made]] = deque()
    for item in items:
        running.append(pool.submit(work, item))
        if len(running) > waiting:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()
