"""Being asked to stop: by SIGTERM or SIGUSR1 (what a scheduler sends), or by a file another process made."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Interrupt:
    """Whether a stop was asked for; read between optimiser steps."""

    def __init__(self, stop_file: Path | None = None) -> None:
        self._asked = threading.Event()
        self._stop_file = stop_file

    def __bool__(self) -> bool:
        return self._asked.is_set() or (self._stop_file is not None and self._stop_file.exists())

    def ask(self, *_: object) -> None:
        """Ask for a stop; a signal handler."""
        self._asked.set()


@contextmanager
def listening(stop_file: Path | None = None) -> Iterator[Interrupt]:
    """An Interrupt that hears the two signals while the block runs (the main thread's only, as Python has it)."""
    interrupt = Interrupt(stop_file)
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.signal(number, interrupt.ask) for number in _SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
