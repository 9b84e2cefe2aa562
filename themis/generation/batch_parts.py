"""A folder of batch files: its parts, how far each is, and what reading their answers needs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from themis.errors import Problem
from themis.records import file_digest
from themis.study.models import OpenAI


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Kind = TypeVar("_Kind", bound=_Line)


class Asked(_Line):
    """A request of a part: the digest of its answer, and what is to be read out of it."""

    request: str
    options: tuple[str, ...] = ()
    logprobs: int = 0


class State(_Line):
    """How far a part is: its batch at the server, once there is one, and whether its answers were read."""

    sha256: str
    requests: int
    batch: str | None = None
    read: bool = False


class Batch(_Line):
    """What a folder of batch files says of itself: who is asked, and which cache the answers go to."""

    settings: OpenAI
    cache: str


class Part:
    """One input file. It counts from when its state is on the disk, which is written last."""

    def __init__(self, folder: Path, number: int) -> None:
        self.input = folder / f"part-{number:04}.jsonl"
        self.unfinished = self.input.with_suffix(".jsonl.part")
        self.output = self.input.with_suffix(".output.jsonl")
        self.errors = self.input.with_suffix(".errors.jsonl")
        self._asked = self.input.with_suffix(".requests.jsonl")
        self._state = self.input.with_suffix(".state.json")

    @property
    def state(self) -> State:
        """Read anew each time: commands run between."""
        return _parsed(State, self._state.read_text(), self._state)

    def asked(self) -> Iterator[Asked]:
        """Its requests, in the order of the input file."""
        with self._asked.open() as lines:
            for line in lines:
                yield _parsed(Asked, line, self._asked)

    def complete(self, asked: Sequence[Asked]) -> None:
        """Let the unfinished file be the part."""
        _replace(self._asked, "".join(line.model_dump_json() + "\n" for line in asked))
        self.unfinished.replace(self.input)
        self.update(State(sha256=file_digest(self.input), requests=len(asked)))

    def update(self, state: State) -> None:
        """Keep how far it is."""
        _replace(self._state, state.model_dump_json() + "\n")


def create(folder: Path, batch: Batch) -> Batch:
    """Make or go on with a folder. Raises Problem where it has parts of another model or cache that were not read."""
    about = Path(folder) / "batch.json"
    if about.exists():
        found = load(folder)
        same = (found.settings.base_url, found.settings.model, found.cache) == (
            batch.settings.base_url, batch.settings.model, batch.cache,
        )  # fmt: skip
        if not same and any(not part.state.read for part in parts(folder)):
            raise Problem(f"{folder}: its batch files are of another model or cache; read them or delete the folder")
    Path(folder).mkdir(parents=True, exist_ok=True)
    _replace(about, batch.model_dump_json(indent=1) + "\n")
    return batch


def load(folder: Path) -> Batch:
    """What the folder says of itself. Raises Problem where it is none of batch files."""
    about = Path(folder) / "batch.json"
    if not about.is_file():
        raise Problem(f"{folder}: no folder of batch files; a step with the setting openai.batch makes it")
    return _parsed(Batch, about.read_text(), about)


def parts(folder: Path) -> list[Part]:
    """The complete parts of a folder, in order."""
    states = sorted(Path(folder).glob("part-*.state.json"))
    return [Part(Path(folder), int(state.name[5:].split(".")[0])) for state in states]


def next_part(folder: Path) -> Part:
    """The part after the last one."""
    found = sorted(Path(folder).glob("part-*.state.json"))
    return Part(Path(folder), int(found[-1].name[5:].split(".")[0]) + 1 if found else 0)


def _parsed(kind: type[_Kind], text: str, path: Path) -> _Kind:
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        raise Problem(f"{path}: not what themis wrote there; delete the folder to write its requests anew") from None


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".part")
    with fresh.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
