"""Ask hosts over the network: few requests at a time, again after a pause, and never for ever."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import BoundedSemaphore, Event, Lock
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_attempt,
    stop_when_event_set,
)

from themis import chance
from themis.errors import Problem
from themis.repositories.git import GitProblem
from themis.repositories.urls import host_of, protocols

REFUSED, SILENT, ABSENT = "host refused", "host did not answer", "repository not found"

_STATUS = re.compile(r"returned error: (\d{3})|HTTP (\d{3})")
_ABSENT = re.compile(
    r"not found|does not exist|does not appear to be a git repository|not exported|no such file or directory"
    r"|could not read (username|password)|authentication failed|permission denied \(publickey",
    re.IGNORECASE,
)
_OURS = re.compile(r"no space left|quota exceeded|read-only file system|unable to create|too many open", re.IGNORECASE)
_MOST_WAIT_S = 120.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Limits:
    """How hosts are asked; contents.network of the study."""

    tries: int = 8  # requests until one is given up
    wait_s: float = 2.0  # after the first failure, about; twice as long after each further one, two minutes at most
    stall_s: int = 60  # seconds at less than 1,000 bytes a second, after which a request is cut off
    request_s: float = 1800.0  # seconds that one request may take
    per_host: int = 4  # requests to one host at a time
    chunk: int = 2000  # objects asked for in one request
    scratch_mb: int = 2000  # disk that one request may fill
    whole_clones: bool = True  # clone a repository of which single files are not given out
    given_up: int = 10  # requests to one host given up in a row, after which it is not asked any more


class Unreached(Problem):
    """A repository was not reached; `reason` is one of REFUSED, SILENT and ABSENT."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Network:
    """The hosts asked in one run. `requests` counts by URL how often git was started to ask it."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.requests: Counter[str] = Counter()
        self.stopped = Event()  # set by `stop`
        self._lock = Lock()
        self._slots: dict[str, BoundedSemaphore] = {}
        self._given_up: dict[str, list[str]] = {}  # by host, the reasons since it last answered

    def stop(self) -> None:
        """End what goes on, and ask nothing any more."""
        self.stopped.set()

    def watch(self) -> None:
        """For `git.run`: end the request when stopped."""
        if self.stopped.is_set():
            raise Problem("stopped")

    def environment(self, url: str) -> dict[str, str]:
        """What git is told about the network when it asks `url`."""
        return {
            "GIT_ALLOW_PROTOCOL": protocols(url),
            "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
            "GIT_HTTP_LOW_SPEED_TIME": str(self.limits.stall_s),
        }

    def ask(self, url: str, request: Callable[[], Answer]) -> Answer:
        """What `request` returns, tried again while the host refuses (403, 429) or does not answer.

        git does not tell how long a host asks to be left alone (Retry-After), so that the pauses are our own: doubled
        each time, half to three halves of that by a hash of the URL. The host's place is kept during a pause, so that
        it has fewer requests the more it refuses. Raises Unreached when given up, or when the host was given up before.
        """
        host = host_of(url)
        with self._lock:
            slot = self._slots.setdefault(host, BoundedSemaphore(self.limits.per_host))

        def once() -> Answer:
            with self._lock:
                self.requests[url] += 1
            try:
                return request()
            except GitProblem as problem:
                raise _unreached(problem) from problem

        def pause(state: RetryCallState) -> float:
            wait = min(_MOST_WAIT_S, self.limits.wait_s * 2 ** (state.attempt_number - 1))
            return wait * (0.5 + chance.uniform(0, f"pause {state.attempt_number}", url))

        with slot:
            failures = self._given_up.setdefault(host, [])
            if len(failures) >= self.limits.given_up:
                raise Unreached(f"{url}: not asked, {host} failed {len(failures)} times in a row", failures[-1])
            try:
                answer = Retrying(
                    stop=stop_after_attempt(self.limits.tries) | stop_when_event_set(self.stopped),
                    wait=pause,
                    sleep=sleep_using_event(self.stopped),
                    retry=retry_if_exception(lambda error: isinstance(error, Unreached) and error.reason != ABSENT),
                    reraise=True,
                )(once)
            except Unreached as problem:
                if problem.reason != ABSENT:
                    failures.append(problem.reason)
                raise
            failures.clear()
            return answer


def _unreached(problem: GitProblem) -> Problem:
    """What a failed request says of the host; the problem itself where it is this machine's own."""
    said = problem.said
    status = next((one or other for one, other in _STATUS.findall(said)), "")
    if status in ("401", "404", "410", "451"):
        return Unreached(str(problem), ABSENT)
    if status in ("403", "429"):
        return Unreached(str(problem), REFUSED)
    if _OURS.search(said):
        return problem
    return Unreached(str(problem), ABSENT if not status and _ABSENT.search(said) else SILENT)
