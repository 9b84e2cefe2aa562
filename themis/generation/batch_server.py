"""Batch files at the server: uploaded and begun once each, asked after, and their answers fetched."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from themis.errors import Problem
from themis.generation.batch_files import ENDPOINT
from themis.generation.batch_parts import Part, load, parts
from themis.generation.openai_server import Server

if TYPE_CHECKING:
    from httpx2 import Client, Response

_MARK = "themis"  # the name under which a batch carries the digest of its file
_ENDED = ("completed", "expired", "cancelled", "failed")


def submit(folder: Path) -> int:
    """Upload each part that was not and have it worked on; returns how many were begun.

    A batch of the same file that is already there, of a run killed in between, is taken over, not begun again.
    """
    server = Server(load(folder).settings)
    states = [(part, part.state) for part in parts(folder)]
    waiting = [part for part, state in states if state.batch is None and not state.read]
    if not waiting:
        return 0
    with _client(server) as client:
        there = _batches(server, client, known={state.batch for _, state in states})
        for part in waiting:
            state = part.state
            batch = there.get(state.sha256) or _begin(server, client, part, state.sha256)
            part.update(state.model_copy(update={"batch": batch}))
    return len(waiting)


def status(folder: Path) -> Iterator[tuple[str, str]]:
    """Each part's name and how far it is, in words."""
    server = Server(load(folder).settings)
    with _client(server) as client:
        for part in parts(folder):
            state = part.state
            if state.read:
                said = "read"
            elif state.batch is None:
                said = "not submitted"
            else:
                batch = _get(server, client, f"batches/{state.batch}")
                counts = batch.get("request_counts") or {}
                done, failed = counts.get("completed", 0), counts.get("failed", 0)
                said = f"{batch.get('status')}: {done} of {state.requests} done, {failed} failed"
            yield part.input.name, said


def fetch(folder: Path) -> None:
    """Fetch the answers and errors of every batch that has ended and was not read; a killed fetch is begun anew."""
    out = [part for part in parts(folder) if part.state.batch and not part.state.read and not part.output.exists()]
    if not out:
        return
    server = Server(load(folder).settings)
    with _client(server) as client:
        for part in out:
            batch = _get(server, client, f"batches/{part.state.batch}")
            if batch.get("status") not in _ENDED:
                continue
            # Errors first: the output's being there says that both are.
            for name, path in (("error_file_id", part.errors), ("output_file_id", part.output)):
                _download(server, client, batch.get(name), path)


def _begin(server: Server, client: Client, part: Part, digest: str) -> str:
    with part.input.open("rb") as stream:
        files = {"file": (part.input.name, stream, "application/jsonl")}
        uploaded = _json(server, client.post("files", data={"purpose": "batch"}, files=files))
    fields = {
        "input_file_id": uploaded["id"],
        "endpoint": ENDPOINT,
        "completion_window": "24h",
        "metadata": {_MARK: digest},
    }
    return _json(server, client.post("batches", json=fields))["id"]


def _batches(server: Server, client: Client, known: Collection[str | None]) -> dict[str, str]:
    """Batches at the server, other than the known, that are ours and did not fail, by the digest of their file."""
    found: dict[str, str] = {}
    after: dict[str, Any] = {}
    while True:
        page = _get(server, client, "batches", {"limit": 100, **after})
        for batch in page["data"]:
            digest = (batch.get("metadata") or {}).get(_MARK)
            failed = batch.get("status") in ("failed", "cancelling", "cancelled", "expired")
            if digest and not failed and batch["id"] not in known:
                found.setdefault(digest, batch["id"])
        if not page.get("has_more") or not page["data"]:
            return found
        after = {"after": page["data"][-1]["id"]}


def _download(server: Server, client: Client, file: str | None, path: Path) -> None:
    fresh = path.with_name(path.name + ".part")
    with fresh.open("wb") as stream:
        if file:
            with client.stream("GET", f"files/{file}/content") as response:
                if response.status_code != 200:
                    response.read()
                    _json(server, response)
                for chunk in response.iter_bytes():
                    stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


@contextlib.contextmanager
def _client(server: Server) -> Iterator[Client]:
    import httpx2

    try:
        with httpx2.Client(**server.arguments()) as client:
            yield client
    except httpx2.RequestError as error:
        said = " ".join(str(error).split())[:80] or type(error).__name__
        raise Problem(f"{server.address}: no answer ({said}); the same command goes on from here later") from None


def _get(server: Server, client: Client, path: str, params: dict[str, Any] | None = None) -> Any:
    return _json(server, client.get(path, params=params or {}))


def _json(server: Server, response: Response) -> Any:
    server.check(response)
    if response.status_code != 200:
        said, _ = server.error(response)
        raise Problem(f"{server.address}: {response.status_code} {said or 'without a word'}; try again later")
    try:
        return response.json()
    except ValueError:
        raise Problem(f"{server.address}: an answer that is no JSON; is it the address of the API?") from None
