"""How precise and how complete the search terms are, on commits read by eye and beside other lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from themis import records
from themis.aspects.sample import HALVES, LabelledCommit, sample
from themis.aspects.summary import full_message
from themis.aspects.terms import matches
from themis.errors import Problem
from themis.progress import track
from themis.vocabulary import CODE_CRITERIA, Criterion

# The published lists: one lower-case substring a line.
REFERENCE_FILES = {
    Criterion.FUNCTIONAL_CORRECTNESS: "functionality_term_list.list",
    Criterion.RUNTIME_EFFICIENCY: "runtime_eff_term_list.list",
    Criterion.MEMORY_EFFICIENCY: "memory_eff_term_list.list",
    Criterion.SECURITY_HARDNESS: "sec_term_list.list",
    Criterion.READABILITY_MAINTAINABILITY: "readability_term_list.list",
}
_COLUMNS = ("commit", "path", "subject", "message")

Reach = Callable[[str], frozenset[Criterion]]


def measure_terms(out: Path, *, commits: Path | None = None, reference: Path | None = None) -> pa.Table:
    """Write the `term_quality` table and return it: for each criterion, list and half of the sample

    - precision: of the labelled commits that the list reaches, the share that improves the criterion;
    - recall: of the labelled commits that improve it, the share that the list reaches;
    - shared, of the published lists in `reference`: of the messages in `commits`, a table with the columns of "mined",
      that they reach, the share that ours reach too; shared_right: the same of labelled commits reached rightly.

    Shares of labelled commits are estimates for the commits that the sample was drawn from: each counts by its weight,
    and the interval is Wilson's at the effective number n of Kish, (sum of weights)^2 / sum of squares. A commit's whole
    message is read where `commits` has it, else its subject alone. Raises Problem where a list is missing.
    """
    lists: dict[str, Reach] = {"ours": matches}
    if reference is not None:
        lists["reference"] = substrings(reference)
    messages = {(one.commit, one.path): one.subject for one in sample()}
    reached = dict.fromkeys(CODE_CRITERIA, 0)
    shared = dict.fromkeys(CODE_CRITERIA, 0)
    for key, message in track(_messages(commits), "messages") if commits else ():
        if key in messages:
            messages[key] = message
        if reference is not None:
            theirs = lists["reference"](message)
            both = theirs & matches(message) if theirs else frozenset()
            for criterion in theirs:
                reached[criterion] += 1
                shared[criterion] += criterion in both
    found = {name: {one: reach(messages[one.commit, one.path]) for one in sample()} for name, reach in lists.items()}
    rows = [row for half in HALVES for name in lists for row in _of_sample(half, name, found[name])]
    if reference is not None:
        rows += _rightly_shared(found["ours"], found["reference"])
        if commits is not None:
            rows += [
                _row(c, "reference", "all", "shared", [1.0] * shared[c], [1.0] * reached[c]) for c in CODE_CRITERIA
            ]
    table = pa.Table.from_pylist(rows, records.SCHEMAS["term_quality"])
    records.write(table, out, "term_quality", inputs=[commits] if commits else [])
    return table


def substrings(folder: Path) -> Reach:
    """The published lists as they are used: a criterion is reached where the message contains one of its substrings."""
    lists: dict[Criterion, list[str]] = {}
    for criterion, name in REFERENCE_FILES.items():
        try:
            lines = (folder / name).read_text(encoding="utf-8").splitlines()
        except OSError:
            raise Problem(f"{folder / name}: no such list; name the folder of the published term lists") from None
        lists[criterion] = [line.strip().lower() for line in lines if line.strip()]

    def reach(message: str) -> frozenset[Criterion]:
        text = message.lower()
        return frozenset(criterion for criterion, terms in lists.items() if any(term in text for term in terms))

    return reach


def _messages(commits: Path) -> Iterator[tuple[tuple[str, str], str]]:
    for table in records.stream(commits, "mined", _COLUMNS):
        for commit, path, subject, message in zip(*(table[name].to_pylist() for name in _COLUMNS), strict=True):
            yield (commit, path), full_message(subject, message)


def _of_sample(half: str, name: str, found: dict[LabelledCommit, frozenset[Criterion]]) -> Iterator[dict[str, object]]:
    here = [one for one in found if one.half == half]
    for criterion in CODE_CRITERIA:
        hit = [one for one in here if criterion in found[one]]
        improving = [one for one in here if criterion in one.improves]
        right = _weights(one for one in hit if criterion in one.improves)
        yield _row(criterion, name, half, "precision", right, _weights(hit))
        yield _row(criterion, name, half, "recall", right, _weights(improving))


def _rightly_shared(
    ours: dict[LabelledCommit, frozenset[Criterion]], theirs: dict[LabelledCommit, frozenset[Criterion]]
) -> Iterator[dict[str, object]]:
    for criterion in CODE_CRITERIA:
        right = [one for one in theirs if criterion in theirs[one] & one.improves]
        both = _weights(one for one in right if criterion in ours[one])
        yield _row(criterion, "reference", "all", "shared_right", both, _weights(right))


def _weights(commits: Iterable[LabelledCommit]) -> list[float]:
    return [one.weight for one in commits]


def _row(
    criterion: Criterion, terms: str, half: str, measure: str, part: Sequence[float], whole: Sequence[float]
) -> dict[str, object]:
    from statsmodels.stats.proportion import proportion_confint

    value = low = high = None
    if whole:
        value = sum(part) / sum(whole)
        size = sum(whole) ** 2 / sum(weight * weight for weight in whole)
        low, high = map(float, proportion_confint(value * size, size, method="wilson"))
    return {
        "criterion": criterion.value, "terms": terms, "half": half, "measure": measure, "commits": len(whole),
        "part": len(part), "value": value, "low": low, "high": high,
    }  # fmt: skip
