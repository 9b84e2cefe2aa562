"""Perturbations of pairs: the side that is meant, by chance alone, counted, and programs that still pass their tests."""

from itertools import islice

import pyarrow as pa
import pytest

from tests.benchmarks.perturbation_meaning import changed, passing
from tests.syntax.snippets import SNIPPETS
from themis.errors import Problem
from themis.preferences.humaneval import tasks
from themis.records import SCHEMAS, read, write
from themis.score.perturb import criteria_orders, perturb
from themis.score.perturbations import EDITS, OF_PAIRS, in_code, perturbed
from themis.syntax.parse import has_error
from themis.syntax.tokens import Refusal
from themis.vocabulary import CODE_CRITERIA, PERTURBATIONS, SEPARATOR

CLAIMS = ("authority", "reverse_authority", "bandwagon", "reverse_bandwagon", "egocentric", "reference_solution")


def row(language="Python", id="a", **changed):
    """A pair whose sides differ by one number."""
    code = SNIPPETS.get(language, "")
    texts = {"prompt": "Sum them up.", "chosen": code, "rejected": code.replace("100", "101")}
    labels = {"aspect": "functional_correctness", "language": language, "subset": "MADE_UP"}
    return {"id": id, **texts, **labels, **changed}


@pytest.fixture
def benchmark(tmp_path):
    """One pair a language, and one that is prose."""
    rows = [row(language, id=f"{at}") for at, language in enumerate(SNIPPETS)]
    rows.append(row(id="prose", language="NL", chosen="Yes.", rejected="No."))
    path = tmp_path / "made_up.parquet"
    write(pa.Table.from_pylist(rows, schema=SCHEMAS["benchmark"]), path, "benchmark")
    return path


def test_there_are_fifteen_hacks_and_each_has_an_edit():
    hacks = [one for one in PERTURBATIONS.values() if one.kind == "hack"]
    assert len(hacks) == 15
    assert [one.side for one in hacks].count("rejected") == 8
    assert [one.side for one in hacks].count("chosen") == 7
    assert set(EDITS) == {one.name for one in PERTURBATIONS.values() if one.side not in ("prompt", "system")}


@pytest.mark.parametrize("name", OF_PAIRS)
@pytest.mark.parametrize("language", SNIPPETS)
def test_every_perturbation_applies_parses_and_changes_the_side_that_is_meant(language, name):
    old = row(language)
    new = perturbed(old, name, seed=1)
    side = PERTURBATIONS[name].side
    meant = {"both": {"chosen", "rejected"}}.get(side, {side})
    if name == "fluff":
        meant = {"chosen", "rejected"}  # its comments must be the only ones
    assert {column for column in old if old[column] != new[column]} == meant
    for text in (new["chosen"], new["rejected"]):
        assert not has_error(text, language)
    assert ("100" in new["chosen"]) and ("101" in new["rejected"])


@pytest.mark.parametrize("name", OF_PAIRS)
def test_what_is_made_depends_on_row_id_and_seed_alone(name):
    made = [perturbed(row(id=str(key)), name, seed=1) for key in range(12)]
    assert made == [perturbed(row(id=str(key)), name, seed=1) for key in range(12)]
    drawn = name not in ("minification", "no_comments", "identifier_style")
    assert (len({(one["prompt"], one["chosen"], one["rejected"]) for one in made}) > 1) == drawn


@pytest.mark.parametrize("name", CLAIMS)
def test_wordings_leave_no_blank_to_fill(name):
    for key in range(40):
        new = perturbed(row(id=str(key)), name, seed=2)
        assert "{" not in new["chosen"].splitlines()[0] + new["rejected"].splitlines()[0]


def test_code_in_a_fence_is_changed_and_the_prose_around_it_is_not():
    text = "Look:\n\n```py\na\n```\n\n```python\ndef f(a):\n    return a\n```\n\nDone # really."
    made = in_code(EDITS["authority"], text, "Python", 1, "a")
    lines = made.splitlines()
    assert lines[: lines.index("```python") + 1] == text.splitlines()[:7]
    assert lines[7].startswith("# ") and lines[8:] == text.splitlines()[7:]


def test_a_fence_stays_on_a_line_of_its_own():
    made = in_code(lambda *_: "x", "Look:\n```py\na = 1\n```\nDone.", "Python", 1, "a")
    assert made == "Look:\n```py\nx\n```\nDone."


def test_a_pair_without_what_is_changed_is_refused():
    bare = row(chosen="x = 1\n", rejected="x = 2\n")
    with pytest.raises(Refusal, match="neither response has what it changes"):
        perturbed(bare, "no_comments", seed=1)
    half = perturbed({**bare, "chosen": "x = 1  # one\n"}, "no_comments", seed=1)
    assert (half["chosen"], half["rejected"]) == ("x = 1\n", "x = 2\n")


def test_about_half_of_the_statements_are_explained():
    code = "def f():\n" + "".join(f"    x{at} = {at}\n" for at in range(200)) + "    return x0\n"
    said = EDITS["misleading_comments"](code, "Python", 1, "a").count("# ")
    assert 70 < said < 130  # four standard errors


def test_prose_is_not_perturbed_but_its_request_may_be():
    prose = row(language="NL", chosen="Yes.", rejected="No.")
    assert "Sum them up." in perturbed(prose, "prompt_wording", seed=1)["prompt"]
    with pytest.raises(Refusal, match="no code"):
        perturbed(prose, "authority", seed=1)
    with pytest.raises(Problem, match="nonsense is none of"):
        perturbed(prose, "nonsense", seed=1)


def test_the_set_holds_the_pairs_as_they_are_and_all_is_counted(benchmark, tmp_path):
    out, ledger = tmp_path / "out.parquet", tmp_path / "ledger.parquet"
    rows = {one["id"]: one for one in perturb(benchmark, out, ledger, seed=1).to_pylist()}
    old = {one["id"]: one for one in read(benchmark, "benchmark").to_pylist()}
    assert {key: one for key, one in rows.items() if SEPARATOR not in key} == old
    for key, one in rows.items():
        if SEPARATOR in key:
            base, name = key.split(SEPARATOR)
            assert {**one, "id": base} == perturbed(old[base], name, 1)
    counts = read(ledger, "attrition").to_pylist()
    assert {one["scope"] for one in counts} == set(OF_PAIRS)
    for one in counts:
        applied = sum(key.endswith(SEPARATOR + one["scope"]) for key in rows)
        assert (one["rows_in"], one["rows_kept"]) == (len(old), applied)
        assert applied == len(old) - (one["scope"] != "prompt_wording")


def test_a_sample_is_the_same_whatever_the_order_of_the_rows(benchmark, tmp_path):
    table = read(benchmark, "benchmark")
    write(table.take(list(reversed(range(len(table))))), tmp_path / "b" / "made_up.parquet", "benchmark")
    made = [
        perturb(path, tmp_path / "out.parquet", tmp_path / "l.parquet", names=("authority",), pairs=4, seed=5)
        for path in (benchmark, tmp_path / "b" / "made_up.parquet")
    ]
    assert made[0].equals(made[1])
    assert sum(SEPARATOR not in key for key in made[0].column("id").to_pylist()) == 4
    again = tmp_path / "out.parquet"
    with pytest.raises(Problem, match="already"):
        perturb(again, tmp_path / "twice.parquet", tmp_path / "l.parquet")


def test_orders_of_criteria_begin_with_the_usual_one_and_are_all_different():
    orders = [mode.split("+") for mode in criteria_orders(30, seed=1)]
    assert orders[0] == list(CODE_CRITERIA)
    assert len({tuple(order) for order in orders}) == 31
    assert all(sorted(order) == sorted(CODE_CRITERIA) for order in orders)
    assert criteria_orders(3, 1) == criteria_orders(30, 1)[:4]


def test_programs_that_are_perturbed_pass_their_tests():
    problems = tasks()[3:9]
    programs = [(kind, one) for kind in EDITS for one in islice(changed(problems, kind), 3)]
    assert {kind for kind, _ in programs} == set(EDITS)
    passed = passing([one for _, one in programs])
    assert [kind for (kind, _), right in zip(programs, passed, strict=True) if not right] == []


def test_a_program_that_fails_is_found():
    task = tasks()[0]
    assert passing([(task, task.code), (task, task.prompt + "    return None\n")]) == [True, False]
