"""One question about each of two responses: asked, answered in any order, and put together as a pair's score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from themis.errors import Problem
from themis.generation.batch_files import finish
from themis.generation.protocol import Completion, Generator, Request
from themis.prompting.replies import Reading
from themis.score.options import ScorerOptions
from themis.score.protocol import Pair, PairScore

# From a request's key, a pair and one of its responses.
Asker = Callable[[str, Pair, str], Request]
Reader = Callable[[Completion], Reading[float]]

_SIDES = ("chosen", "rejected")


class GenerativeScorer:
    """A language model that is asked one thing about each response."""

    def __init__(self, generator: Generator, ask: Asker, read: Reader) -> None:
        self.generator = generator
        self.ask = ask
        self.read = read

    def score(self, pairs: Sequence[Pair]) -> Iterator[tuple[str, PairScore]]:
        """Ask about both responses of every pair; see `score_responses`."""
        return score_responses(self.generator, pairs, self.ask, self.read)


def score_responses(
    generator: Generator, pairs: Iterable[Pair], ask: Asker, read: Reader
) -> Iterator[tuple[str, PairScore]]:
    """The score of every pair once both its answers are there; missing, for the first side's reason, where one is none.

    Two responses that are the same text are asked about once, so that they tie.
    """
    asked: dict[str, tuple[str, tuple[str, ...]]] = {}  # key: the pair, and the sides that the answer is for
    read_of: dict[str, dict[str, Reading[float]]] = {}

    def requests() -> Iterator[Request]:
        for pair in pairs:
            same = pair.chosen == pair.rejected
            for sides in (_SIDES,) if same else ((side,) for side in _SIDES):
                request = ask(f"{pair.id}\x1f{sides[0]}", pair, getattr(pair, sides[0]))
                asked[request.key] = (pair.id, sides)
                yield request

    for completion in generator.generate(requests()):
        row, sides = asked.pop(completion.key)
        readings = read_of.setdefault(row, {})
        readings |= dict.fromkeys(sides, read(completion))
        if len(readings) == len(_SIDES):
            del read_of[row]
            yield row, _scored(*(readings[side] for side in _SIDES))
    finish(generator)


def generator_of(options: ScorerOptions) -> Generator:
    """The language model of a model's line. Raises Problem where there is none."""
    from themis.generation.backends import generator_for

    return generator_for(
        options.checkpoint if options.backend == "openai" else options.folder,
        backend=options.backend,
        settings=options.settings,
        dtype=options.dtype,
        threads=options.threads,
        batch_tokens=options.batch_tokens,
        cache=options.cache,
    )


def by_expected_value(options: ScorerOptions, *, otherwise: bool = False) -> bool:
    """Whether scores are expected values; `otherwise` where the model's line does not say. Raises Problem."""
    if options.scoring not in (None, "parsed", "expected"):
        raise Problem(f"model {options.name}: scoring {options.scoring} is neither parsed nor expected")
    return otherwise if options.scoring is None else options.scoring == "expected"


def _scored(chosen: Reading[float], rejected: Reading[float]) -> PairScore:
    if chosen.value is None or rejected.value is None:
        return PairScore(missing_reason=chosen.why or rejected.why)
    return PairScore.of(chosen.value, rejected.value)
