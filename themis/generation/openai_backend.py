"""The generator that asks a server of the OpenAI protocol: many requests at a time, within its limits, until answered."""

from __future__ import annotations

import contextlib
import email.utils
import itertools
import math
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from themis.errors import Problem
from themis.generation.openai_chat import body, completion, fingerprint, holds_markup, refusal
from themis.generation.openai_server import POOL, Server
from themis.generation.pacing import Pace
from themis.generation.protocol import Completion, Request
from themis.study.models import OpenAI

if TYPE_CHECKING:
    from anyio import CapacityLimiter
    from httpx2 import AsyncClient, Response
    from tenacity import RetryCallState

_TOKENS_PER_BYTE = 0.3  # of a prompt before the server has counted it
_LONGEST_WAIT_S = 600.0
_IN_VAIN = 20  # requests given up in a row end the run, as the next would be too


class _Again(Exception):
    """A try that brought no answer but may the next time; `down` where the server, not the request, seems the cause."""

    def __init__(self, reason: str, *, down: bool = False, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.down, self.after = reason, down, after


class OpenAIGenerator:
    """Answers requests as the server does; at most twice `concurrency` of them are held at a time.

    Busy servers, failures, timeouts and answers cut short are asked again, counted in `repeats` by reason. A request
    that fails each time while others are answered is missing; where none is answered at all, a Problem ends the run.
    """

    def __init__(self, settings: OpenAI) -> None:
        self._settings = settings
        self._server = Server(settings)
        self._requests, self._tokens = Pace(settings.requests_per_minute), Pace(settings.tokens_per_minute)
        self._answered = self._in_vain = 0
        self.repeats: Counter[str] = Counter()
        self.fingerprint = fingerprint(settings)

    def generate(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Answer every request once, in the order of the answers.

        Missing: a text with marks of a chat template, a prompt too long, what the server refuses or filters, options of
        which none is among the likeliest tokens. Raises Problem where the server takes no request at all.
        """
        import anyio
        from anyio.from_thread import start_blocking_portal

        done: SimpleQueue[Future[Completion]] = SimpleQueue()
        going: set[Future[Completion]] = set()
        before = self.repeats.copy()
        with (
            start_blocking_portal() as portal,
            portal.wrap_async_context_manager(self._clients()) as clients,
        ):
            slots = portal.call(anyio.CapacityLimiter, self._settings.concurrency)
            try:
                for request, client in zip(requests, itertools.cycle(clients), strict=False):
                    future = portal.start_task_soon(self._ask, client, slots, request)
                    going.add(future)
                    future.add_done_callback(done.put)
                    while len(going) >= 2 * self._settings.concurrency or not done.empty():
                        yield from next_answers(done, going)
                while going:
                    yield from next_answers(done, going)
            finally:
                for future in going:
                    future.cancel()
                _report(self.repeats - before)

    @contextlib.asynccontextmanager
    async def _clients(self) -> AsyncIterator[list[AsyncClient]]:
        import httpx2

        arguments = {"verify": httpx2.create_ssl_context(trust_env=False), **self._server.arguments()}
        async with contextlib.AsyncExitStack() as stack:
            count = math.ceil(self._settings.concurrency / POOL)
            yield [await stack.enter_async_context(httpx2.AsyncClient(**arguments)) for _ in range(count)]

    async def _ask(self, client: AsyncClient, slots: CapacityLimiter, request: Request) -> Completion:
        import anyio
        from tenacity import AsyncRetrying, retry_if_exception_type

        if holds_markup(request, self._settings):
            return Completion(request.key, missing_reason="special token in the text")
        patience = _Patience(self)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_Again),
            stop=patience,
            wait=self._wait,
            sleep=anyio.sleep,
            reraise=True,
        )
        content = body(request, self._settings)
        try:
            return await retrying(self._try, client, slots, request, content)
        except _Again as again:
            tries = f"{patience.tries} tries: {again.reason}"
            self._in_vain += 1
            if (again.down and not patience.others_answered) or self._in_vain == _IN_VAIN:
                address = self._server.address
                raise Problem(f"{address}: no answer to {tries}; the same command goes on from here later") from None
            return Completion(request.key, missing_reason=f"given up after {tries}")

    async def _try(
        self, client: AsyncClient, slots: CapacityLimiter, request: Request, content: dict[str, Any]
    ) -> Completion:
        import anyio
        import httpx2

        texts = (request.system or "", request.user, *(text for _, text in request.turns))
        read = _TOKENS_PER_BYTE * sum(len(text.encode()) for text in texts)
        async with slots:
            now = time.monotonic()
            turns = (self._requests.turn(1, now), self._tokens.turn(read + max(1, request.max_new_tokens), now))
            await anyio.sleep(max(turns))
            try:
                with anyio.fail_after(self._settings.timeout_s):
                    response = await client.post("chat/completions", json=content)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                raise self._again(f"no connection ({' '.join(str(error).split())[:80]})", down=True) from None
            except (TimeoutError, httpx2.TimeoutException):
                raise self._again("timeout") from None
            except httpx2.RequestError:
                raise self._again("connection cut") from None
        answer = self._read(request, response)
        self._answered, self._in_vain = self._answered + 1, 0
        if answer.prompt_tokens is not None:
            self._tokens.correct(answer.prompt_tokens - read)
        return answer

    def _read(self, request: Request, response: Response) -> Completion:
        self._server.check(response)
        status = response.status_code
        if status in (408, 409, 425, 429) or status >= 500:
            after = retry_after(response)
            if after and after > _LONGEST_WAIT_S:
                raise Problem(f"{self._server.address}: the server wants no request for {after:.0f} seconds; try later")
            if after and status in (429, 503):
                self._requests.pause(after, time.monotonic())
            raise self._again(f"HTTP {status}", down=status in (429, 502, 503, 504), after=after)
        if status != 200:
            said, code = self._server.error(response)
            return Completion(request.key, missing_reason=refusal(status, said, code))
        try:
            return completion(request.key, request.options, request.logprobs, response.json())
        except ValueError:  # no JSON, or no whole answer in it
            raise self._again("answer cut short") from None

    def _again(self, reason: str, *, down: bool = False, after: float | None = None) -> _Again:
        self.repeats[reason] += 1
        return _Again(reason, down=down, after=after)

    def _wait(self, state: RetryCallState) -> float:
        from tenacity import wait_random_exponential

        after = state.outcome.exception().after if state.outcome else None
        return after if after is not None else wait_random_exponential(self._settings.first_wait_s, 60.0)(state)


class _Patience:
    """When one request is given up: after so many failures, or so many tries in a row at a busy server that answers nobody.

    Waiting for its turn while others are answered is no failure, however long the line.
    """

    def __init__(self, generator: OpenAIGenerator) -> None:
        self._generator = generator
        self._first: int | None = None
        self._last = self._failures = self._idle = 0
        self.tries = 0

    def __call__(self, state: RetryCallState) -> bool:
        answered, most = self._generator._answered, self._generator._settings.tries
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Again) and error.reason == "HTTP 429":
            moving = self._first is not None and answered > self._last
            self._idle = 0 if moving else self._idle + 1
        else:
            self._failures += 1
        self._first = answered if self._first is None else self._first
        self._last, self.tries = answered, state.attempt_number
        return max(self._failures, self._idle) >= most

    @property
    def others_answered(self) -> bool:
        """Whether the server answered anything since this request failed first."""
        return self._first is not None and self._generator._answered > self._first


def next_answers(done: SimpleQueue[Future[Completion]], going: set[Future[Completion]]) -> Iterator[Completion]:
    """The next answer. Where it is an error, the answers that wait behind it come first: they are paid for."""
    errors = []
    while not errors or not done.empty():
        future = done.get()
        going.discard(future)
        if (error := future.exception()) is not None:
            errors.append(error)
            continue
        yield future.result()
        if not errors:
            return
    raise errors[0]


def retry_after(response: Response) -> float | None:
    """Seconds that the server asks to wait for, however it says it; None: it does not."""
    try:
        if "retry-after-ms" in response.headers:
            return max(0.0, float(response.headers["retry-after-ms"]) / 1000)
        given = response.headers.get("retry-after")
        if given is None:
            return None
        if given.strip().replace(".", "", 1).isdigit():
            return float(given)
        return max(0.0, email.utils.parsedate_to_datetime(given).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _report(repeats: Counter[str]) -> None:
    if repeats:
        counts = ", ".join(f"{count} times for {reason}" for reason, count in sorted(repeats.items()))
        print(f"themis: the server was asked again {counts}", file=sys.stderr)
