"""What the lists are said to be worth is what the labels say of them."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from statsmodels.stats.proportion import proportion_confint

from themis import records
from themis.aspects import term_quality
from themis.aspects.sample import HALVES, LabelledCommit, sample
from themis.aspects.term_quality import REFERENCE_FILES, measure_terms, substrings
from themis.errors import Problem
from themis.vocabulary import CODE_CRITERIA, LANGUAGES, Criterion

FAST = Criterion.RUNTIME_EFFICIENCY


def test_the_sample_is_whole() -> None:
    commits = sample()
    assert len(commits) == len({(one.commit, one.path) for one in commits}) >= 300
    assert len({one.repository for one in commits}) > 20
    for one in commits:
        assert len(one.commit) == 40 and one.subject and len(one.subject) <= 200 and one.language in LANGUAGES
        assert one.weight >= 1 and one.improves <= set(CODE_CRITERIA)
    for half in HALVES:
        here = [one for one in commits if one.half == half]
        assert len(here) > 150 and all(any(c in one.improves for one in here) for c in CODE_CRITERIA)


@pytest.fixture
def few(monkeypatch) -> list[LabelledCommit]:
    """Sixty commits, half of them with a term of runtime efficiency in the subject, some of them rightly."""
    made = [
        LabelledCommit(
            "o/n", f"{i:040x}", "a.py", "Python", "Speed up lookup" if i % 2 else "Bump it",
            frozenset([FAST]) if i % 3 else frozenset(), 1.0 + i % 4, "",
        )
        for i in range(60)
    ]  # fmt: skip
    monkeypatch.setattr(term_quality, "sample", lambda: tuple(made))
    return made


def rows(table: pa.Table, **wanted: str) -> list[dict]:
    return [row for row in table.to_pylist() if all(row[name] == value for name, value in wanted.items())]


def test_precision_and_recall_are_weighted_shares_with_intervals_of_the_effective_size(few, tmp_path) -> None:
    table = measure_terms(tmp_path / "out.parquet")
    assert records.read(tmp_path / "out.parquet", "term_quality").to_pylist() == table.to_pylist()
    for half in HALVES:
        here = [one for one in few if one.half == half]
        hit = [one for one in here if one.subject == "Speed up lookup"]
        improving = [one for one in here if FAST in one.improves]
        right = sum(one.weight for one in hit if FAST in one.improves)
        for measure, whole in (("precision", hit), ("recall", improving)):
            (row,) = rows(table, criterion=FAST, terms="ours", half=half, measure=measure)
            weights = [one.weight for one in whole]
            assert row["commits"] == len(whole) and row["value"] == pytest.approx(right / sum(weights))
            size = sum(weights) ** 2 / sum(weight**2 for weight in weights)
            expected = proportion_confint(row["value"] * size, size, method="wilson")
            assert (row["low"], row["high"]) == pytest.approx(expected)
    (nothing,) = rows(table, criterion="memory_efficiency", half="report", measure="precision")
    assert nothing["commits"] == 0 and nothing["value"] is None


def test_other_lists_are_compared_on_whole_messages(few, tmp_path) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    for criterion, name in REFERENCE_FILES.items():
        (folder / name).write_text("lookup\nhash\n" if criterion == FAST else "\n")
    bodies = [f"{one.subject}\n\nhash it" if i < 30 else one.subject for i, one in enumerate(few)]
    messages = [*bodies, "Use a hash", "Speed up the hash", "Nothing"]
    blank = {"repository": "o/n", "repositories": ["o/n"], "license": "mit", "old_mode": 1, "new_mode": 1}
    mined = [
        {
            "id": str(i), "commit": f"{i:040x}", "path": "a.py", "old_blob": "", "new_blob": "",
            "subject": message.split("\n")[0], "message": message, "committed_at": 0, **blank,
        }
        for i, message in enumerate(messages)
    ]  # fmt: skip
    records.write(pa.Table.from_pylist(mined, records.SCHEMAS["mined"]), tmp_path / "mined.parquet", "mined")
    table = measure_terms(tmp_path / "out.parquet", commits=tmp_path / "mined.parquet", reference=folder)
    theirs = [message for message in messages if "lookup" in message or "hash" in message]
    (shared,) = rows(table, criterion=FAST, measure="shared")
    assert (shared["commits"], shared["part"]) == (len(theirs), sum("Speed" in message for message in theirs))
    right = [i for i, one in enumerate(few) if bodies[i] in theirs and FAST in one.improves]
    (rightly,) = rows(table, criterion=FAST, measure="shared_right")
    assert (rightly["commits"], rightly["part"]) == (len(right), sum("Speed" in bodies[i] for i in right))
    assert not math.isclose(shared["value"], rightly["value"])


def test_published_lists_match_substrings_and_a_missing_one_is_named(tmp_path) -> None:
    for name in REFERENCE_FILES.values():
        (tmp_path / name).write_text("rce\n")
    assert substrings(tmp_path)("Update the SOURCE") == set(CODE_CRITERIA)
    (tmp_path / "sec_term_list.list").unlink()
    with pytest.raises(Problem, match=r"sec_term_list\.list: no such list"):
        substrings(tmp_path)
