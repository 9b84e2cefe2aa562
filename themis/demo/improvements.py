"""The improvements of the corpus: which family goes where, with which words, and the two texts of its file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from themis import chance
from themis.demo.incidental import Balance, Edit
from themis.demo.project import Project
from themis.demo.templates import Code, Family, Slots, fill
from themis.errors import Problem
from themis.vocabulary import CODE_CRITERIA, LANGUAGES

_REMARKS = (
    "Used by the {{ other }} pages",
    "{{ Nouns }} come sorted by {{ field }}",
    "See docs/{{ nouns }}.md",
    "The {{ other }} screen shows this",
    "{{ Field }} is given per {{ noun }}",
    "Called once for every {{ other }}",
    "{{ Others }} {{ verb }} their own {{ nouns }}",
)
_BODIES = (
    "Seen while working on the {{ other }} screen.",
    "Closes #{{ m }}.",
    "Came up in the review of the {{ noun }} import, see #{{ m }}.",
    "Reported by a {{ other }} with {{ m }} {{ nouns }}.\n\nNo other {{ noun }} code changes.",
    "The {{ field }} pages keep their layout.\n\nRefs #{{ m }}",
)
_SHORT = 14  # the mining query refuses messages of ten characters; a subject this short gets its file's name
_BODY_SHARE = 0.25
_SHARED_HELPER = 0.4  # share of files that hold a neutral function on both sides
_MOST_HELPERS = 4  # one shared and three of an incidental edit


@dataclass(frozen=True)
class Layout:
    """How a file is put together: the family's function, neutral helpers around it, a remark for the edit."""

    code: Code
    family: Family
    remark: str
    helpers: tuple[int, ...]
    shared_helpers: int
    helpers_last: bool

    def sides(self, words: Slots, edit: Edit) -> tuple[str, str]:
        """The worse and the better text."""
        family = self.family
        return (
            self._side(words, family.worse, family.imports, edit if edit.side == "worse" else Edit()),
            self._side(words, family.better, family.better_imports, edit if edit.side == "better" else Edit()),
        )

    def _side(self, words: Slots, body: str, imports: Sequence[str], extra: Edit) -> str:
        blocks = [self.code.function(i, words) for i in self.helpers[: self.shared_helpers + extra.functions]]
        blocks.insert(0 if self.helpers_last else len(blocks), fill(body, words).strip("\n"))
        if extra.comment:
            place = -1 if self.helpers_last else 0
            blocks[place] = f"{self.code.remark(fill(self.remark, words))}\n{blocks[place]}"
        return self.code.file(words, blocks, imports)


@dataclass(frozen=True)
class Improvement:
    """One commit to be: a file that exists with the worse text gets the better one."""

    path: str
    worse: str
    better: str
    message: str
    layout: Layout
    words: Slots
    edit: Edit

    @property
    def family(self) -> Family:
        """The kind of improvement."""
        return self.layout.family


def improvements(
    seed: int,
    training: Sequence[Project],
    benchmark: Project,
    families: int,
    counts: tuple[int, int],
    balance: Balance,
) -> list[tuple[Project, Improvement]]:
    """Those of one language: `counts` pairs per criterion in the training and the benchmark window.

    Within each criterion and window the better side is longer in half of the pairs, or in one more or less of the two
    halves where the count is odd; over both windows the surplus cancels. Raises Problem where there are too few families.
    """
    code = benchmark.code
    found = []
    for rank, criterion in enumerate(CODE_CRITERIA):
        available = code.families.get(criterion.value, ())
        if len(available) < families:
            raise Problem(
                f"--families {families}: {code.language.name} has {len(available)} code families of {criterion.value}; "
                "ask for no more"
            )
        uses: Counter[str] = Counter()
        first_longer = rank + list(LANGUAGES).index(code.language.name) + chance.digest(seed, "longer first", "")
        for window, count in zip(("train", "benchmark"), counts, strict=True):
            for i in range(count):
                family = available[(i if window == "train" else counts[0] + i) % families]
                project = training[(i + rank) % len(training)] if window == "train" else benchmark
                key = f"{code.language.name} {criterion.value} {window} {i}"
                v = (chance.digest(seed, "variant", f"{code.language.name} {family.name}") + uses[family.name]) % 4
                uses[family.name] += 1
                longer = (i + first_longer + (window == "benchmark")) % 2 == 0
                found.append((project, improvement(project, family, key, v, balance, longer)))
    return found


def improvement(
    project: Project, family: Family, key: str, v: int, balance: Balance | None = None, longer: bool = True
) -> Improvement:
    """One improvement in a project; without a balance it gets no incidental edit."""
    words = project.words(v)
    context = range(len(project.code.context))
    first = project.choose("first helper", context)
    layout = Layout(
        code=project.code,
        family=family,
        remark=project.choose("remark", _REMARKS),
        helpers=tuple((first + step) % len(context) for step in range(_MOST_HELPERS)),
        shared_helpers=int(project.happens("shared helper", _SHARED_HELPER)),
        helpers_last=project.happens("helpers last", 0.5),
    )
    if balance is None:
        edit = Edit()
        worse, better = layout.sides(words, edit)
    else:
        edit, worse, better = balance.choose(key, family.criterion, longer, lambda edit: layout.sides(words, edit))
    return Improvement(project.code.path(words), worse, better, _message(project, family, words), layout, words, edit)


def near_duplicate(project: Project, original: Improvement) -> Improvement:
    """The same improvement of a nearly identical file: another module, another constant, a note on top."""
    m = int(str(original.words["m"]))
    words = project.renamed({**original.words, "m": m + 1 if m < 99 else 10})
    note = project.code.remark(fill("Kept in step with {{ module }}", original.words)) + "\n"
    worse, better = (note + text for text in original.layout.sides(words, original.edit))
    message = _message(project, original.family, words).split("\n")[0] + ", here as well"
    return Improvement(project.code.path(words), worse, better, message, original.layout, words, original.edit)


def _message(project: Project, family: Family, words: Slots) -> str:
    subject = fill(project.choose("subject", family.messages), words).strip()
    if len(subject) <= _SHORT:
        subject += fill(" in {{ module }}", words)
    if project.happens("message body", _BODY_SHARE):
        subject += "\n\n" + fill(project.choose("body", _BODIES), words)
    return subject
