"""What was mined and selected, counted in batches, is what a plain count of the same commits gives."""

import datetime
import math
import random
import re
from collections import Counter

import polars as pl
import pytest

from themis import records
from themis.analysis import attrition, commit_figures, commits

PATHS = {
    "a/b.py": "Python", "x.GO": "Go", "src/main.h": "C", "README": commits.NO_EXTENSION, "README.md": ".md",
    ".bashrc": commits.NO_EXTENSION, "d.x/file": commits.NO_EXTENSION, "two.tar.gz": ".gz",
}  # fmt: skip
SUBJECTS = {
    "Fix the parser (#12)": "fix", "fix: null": "fix", "[core] Add it": "core", "日本語 を直す": "日本語",
    "123 things": commits.NO_WORD, "  Überarbeite alles": "überarbeite", "Revert \"x\"": "revert", "foo_bar baz": commits.NO_WORD,
}  # fmt: skip
WINDOWS = {"train": ("", "2019-03-01"), "benchmark": ("2019-06-01", "")}


def made_up(number, seed):
    source = random.Random(seed)
    rows = []
    for i in range(number):
        subject = source.choice(list(SUBJECTS))
        body = source.choice(
            ["", "\n", "\n\nlonger " * source.randrange(1, 40), "\n\nSigned-off-by: a", "\n\nSee a&#39;"]
        )
        rows.append(
            {
                "id": f"{i:05d}", "commit": f"{i:040x}", "repository": f"o/r{int(source.paretovariate(1)) % 40}",
                "repositories": ["o/r"], "license": source.choice(["mit", "isc"]), "path": source.choice(list(PATHS)),
                "old_mode": 33188, "new_mode": 33188, "old_blob": "", "new_blob": "", "subject": subject,
                "message": subject + body, "committed_at": source.randrange(1_400_000_000, 1_600_000_000),
            }
        )  # fmt: skip
    return rows


@pytest.fixture
def tables(tmp_path):
    """3,000 mined commits, every third of them selected, and where they lie."""
    mined = made_up(3000, 1)
    selected = [
        row | {"language": PATHS[row["path"]], "split": ("train", "benchmark")[i % 2]}
        for i, row in enumerate(mined[::3])
    ]
    for name, rows in (("mined", mined), ("selected", selected)):
        records.write(pl.DataFrame(rows).to_arrow(), tmp_path / f"{name}.parquet", name)
    return mined, selected, (tmp_path / "mined.parquet", tmp_path / "selected.parquet")


def expected(rows):
    """Every property of every row, found one row at a time."""
    for row in rows:
        message, subject = row["message"], row["subject"]
        day = datetime.datetime.fromtimestamp(row["committed_at"], datetime.UTC)
        column = row.get("split", "mined")
        yield "all", "", column
        yield "license", row["license"], column
        yield "repository", row["repository"], column
        yield "language", PATHS[row["path"]], column
        yield "month", f"{day:%Y-%m}", column
        yield "length", str(math.floor(2 * math.log2(len(message)))), column
        yield "first_word", SUBJECTS[subject], column
        if "\n" not in message.strip():
            yield "pattern", "one line only", column
        if "Signed-off-by" in message:
            yield "pattern", "signed off", column
        if re.match("Revert", subject):
            yield "pattern", "says that it reverts", column
        if "#12" in message:
            yield "pattern", "names an issue or a pull request (#123)", column
        if subject == "fix: null":
            yield "pattern", "conventional (fix: or fix(parser):)", column
        if subject in ("fix: null", "[core] Add it"):
            yield "pattern", "begins with a tag ([parser] or parser:)", column


@pytest.mark.parametrize("rows", [1 << 16, 77])
def test_counts_in_batches_are_those_of_a_plain_count(tables, monkeypatch, rows):
    monkeypatch.setattr(commits, "_ROWS", rows)
    monkeypatch.setattr(commits, "_MERGE", 50)
    mined, selected, paths = tables
    counted = Counter(expected(mined + selected))
    survey = commits.survey(*paths)
    found = {
        (row["by"], row["value"], column): row[column]
        for row in survey.iter_rows(named=True)
        for column in ("mined", "train", "benchmark")
        if row[column]
    }
    assert found == counted


def test_the_most_frequent_values_and_the_rest_are_all(tables):
    mined, _, paths = tables
    survey = commits.survey(*paths)
    top = commits.top(survey, "repository", 5)
    counts = Counter(row["repository"] for row in mined)
    assert [n for n, rest in top.select("mined", "rest").iter_rows() if not rest] == [
        n for _, n in counts.most_common(5)
    ]
    assert top["value"][-1] == f"{len(counts) - 5} others" and top["mined"].sum() == 3000
    sizes = commits.repository_sizes(survey)
    bins = Counter(n.bit_length() - 1 for n in counts.values())
    assert {low.bit_length() - 1: n for low, n in sizes.select("fewest", "repositories").iter_rows()} == bins
    assert sizes["commits"].sum() == 3000
    lengths = commits.lengths(survey)
    for low, high, number in lengths.select("shortest", "longest", "mined").iter_rows():
        assert number == sum(low <= len(row["message"]) < high for row in mined)


def test_a_clock_that_was_wrong_takes_no_room_and_loses_no_commit(tmp_path):
    odd = [-(10**17), -1, 0, 4_000_000_000, 10**15]
    rows = [row | {"committed_at": 1_550_000_000 + 86400 * (i % 90)} for i, row in enumerate(made_up(9000, 2))]
    rows[:5] = [row | {"committed_at": at} for row, at in zip(rows, odd, strict=False)]
    records.write(pl.DataFrame(rows).to_arrow(), tmp_path / "mined.parquet", "mined")
    nothing = records.SCHEMAS["selected"].empty_table()
    records.write(nothing, tmp_path / "selected.parquet", "selected")
    months = commits.months(commits.survey(tmp_path / "mined.parquet", tmp_path / "selected.parquet"))
    assert [f"{month:%Y-%m}" for month in months["month"]] == ["2019-02", "2019-03", "2019-04", "2019-05"]
    assert months["mined"].sum() == 9000
    assert commits.years(months).select("value", "mined").rows() == [("2019", 9000)]


def figures_of(survey):
    months = commits.months(survey)
    yield commit_figures.bars({name: commits.top(survey, by, 9) for name, by in (("A", "language"), ("B", "license"))})
    yield commit_figures.times(months, commits.years(months), WINDOWS)
    words, patterns = commits.top(survey, "first_word", 5), commits.top(survey, "pattern")
    yield commit_figures.messages(commits.lengths(survey), words, patterns)
    yield commit_figures.repositories(commits.top(survey, "repository", 8), commits.repository_sizes(survey))


def test_figures_are_legible_whatever_the_repositories_hold(tables, faults_of, tmp_path):
    survey = commits.survey(*tables[2])
    assert not [fault for figure in figures_of(survey) for fault in faults_of(figure)]
    one = made_up(1, 3)[0] | {"repository": "$\\frac{/" + "x" * 300, "path": "a.$x^$", "subject": "\u202e\U0001f600 x"}
    records.write(pl.DataFrame([one]).to_arrow(), tmp_path / "mined.parquet", "mined")
    records.write(records.SCHEMAS["selected"].empty_table(), tmp_path / "selected.parquet", "selected")
    survey = commits.survey(tmp_path / "mined.parquet", tmp_path / "selected.parquet")
    assert not [fault for figure in figures_of(survey) for fault in faults_of(figure)]


def test_no_commit_at_all_is_said(tmp_path, faults_of):
    for name in ("mined", "selected"):
        records.write(records.SCHEMAS[name].empty_table(), tmp_path / f"{name}.parquet", name)
    survey = commits.survey(tmp_path / "mined.parquet", tmp_path / "selected.parquet")
    assert survey.is_empty() and commits.total(survey) == 0
    assert all(commit_figures.NOTHING in figure.texts[0].get_text() for figure in figures_of(survey))
    flow = attrition.flow(pl.from_arrow(records.SCHEMAS["attrition"].empty_table()))
    assert commits.answer(flow, survey).startswith("Of 0 commits 0 were mined, and of these 0 selected")


def test_the_answer_names_the_chief_reasons_and_what_was_taken_back(tables, tmp_path):
    paths = []
    for stage, kept, dropped in (
        ("mine", 3000, {"bot": 5, "merge commit": 900, "licence": 70}),
        ("select", 1000, {"reverted": 40, "not merged": 60, "language not chosen": 1900}),
    ):
        ledger = records.Ledger(stage)
        ledger.keep(rows=kept)
        for reason, rows in dropped.items():
            ledger.drop(reason, rows=rows)
        paths.append(tmp_path / f"{stage}.ledger.parquet")
        ledger.write(paths[-1])
    flow = attrition.flow(pl.from_arrow(records.gather(paths, tmp_path / "all.parquet")))
    said = commits.answer(flow, commits.survey(*tables[2]))
    assert said == (
        "Of 3,975 commits 3,000 (75.5%) were mined, and of these 1,000 (33.3%) selected: 500 for training, 500 for the "
        "benchmark. The chief reasons for leaving one out: language not chosen (1,900), merge commit (900), licence (70)."
    )
    assert commits.merge_answer(flow) == "Not selected: 60 not merged, 40 reverted."
