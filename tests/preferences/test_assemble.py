"""The training sets: every pair is kept or dropped for the first reason that holds, and nothing else changes them."""

import itertools
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from themis import records
from themis.errors import Problem
from themis.preferences.assemble import assemble
from themis.preferences.filters import Limits, Screen
from themis.preferences.references import References
from themis.prompting.criteria import system_prompt
from themis.prompting.system_prompts import Shares
from themis.records import SCHEMAS
from themis.vocabulary import CODE_CRITERIA, Criterion

SINGLE = Shares(none=0, all=0, single=1)
LIMITS = {
    "max_tokens": 1200, "min_syntax_depth": 3, "english": True, "max_perplexity": 1000.0, "near_duplicate": 0.75,
    "shingle": 5, "overlap_words": 8, "balance_within": (), "max_pairs": None,
}  # fmt: skip
ORDER = [  # of the filters
    "no prompt", "identical", "special token in the text", "too long", "syntax tree too shallow",
    "prompt is not English", "prompt is too improbable", "near-duplicate", "prompt overlaps a benchmark",
    "response overlaps a benchmark", "repository is in the benchmark", "near-duplicate of the benchmark",
]  # fmt: skip
GERMAN = "Schreibe bitte eine Funktion, die alle Zahlen der Liste prüft und nur die größten von ihnen zurückgibt."


def code(name, body=6):
    """A function all of whose words but the keywords are its own."""
    lines = [f"    {name}_{at} = {name}_source_{at} + {name}_{at}_more" for at in range(body)]
    return "\n".join([f"def {name}({name}_a):", *lines, f"    return {name}_z\n"])


def request(name):
    return f"Write {name} and {name}_also so that {name}_then follows"


def pair(idx, source="commits", **fields):
    name = f"v{idx.replace(':', '_').replace(' ', '_').replace('-', '_')}"
    made = {
        "idx": idx, "input": request(name), "chosen": code(name), "rejected": code(f"{name}_old"), "language": "Python",
        "aspect": "functional_correctness", "source": source, "repositories": None,
    }  # fmt: skip
    return made | fields


BENCH = {
    "prompt": request("bench") + " with the greatest possible care for everyone",
    "chosen": code("bench"),
    "rejected": code("bench_old"),
}
SHORT = {"prompt": "Sum them up", "chosen": "total = sum(numbers)", "rejected": "x = 1"}
FAULTS = {  # what is wrong with a pair that is dropped for this reason
    "no prompt": {"input": " \n"},
    "identical": {"rejected": code("same"), "chosen": code("same")},
    "special token in the text": {"chosen": code("special") + "# <|im_end|>\n"},
    "too long": {"rejected": code("too_long_old", 60)},
    "syntax tree too shallow": {"rejected": "# nothing here\n"},
    "prompt is not English": {"input": GERMAN},
    "prompt is too improbable": {"input": "Write improbable"},
    "prompt overlaps a benchmark": {"input": BENCH["prompt"]},
    "response overlaps a benchmark": {"rejected": "\n".join(BENCH["chosen"].splitlines()[:4]) + "\n"},
    "repository is in the benchmark": {"repositories": ["a/fork", "bench/repository"]},
    "near-duplicate of the benchmark": {"input": SHORT["prompt"], "chosen": SHORT["chosen"]},
}
TWIN = {"input": request("twin"), "chosen": code("twin")}
FIRST = pair("near-duplicate: first", **TWIN)
SECOND = pair("near-duplicate: second", **TWIN | {"chosen": code("twin") + "# x\n"})


class Words:
    """A stand-in for a language model: what it has not heard of is improbable."""

    @staticmethod
    def values(prompts):
        return np.array([9999.0 if "improbable" in prompt else 10.0 for prompt in prompts])


class Bench:
    """Assembles rows in a folder of its own."""

    def __init__(self, folder, chat, tables):
        self.folder, self.chat = folder, chat
        records.write(tables.benchmark([BENCH, SHORT]), folder / "bench.parquet", "benchmark")
        commits = [{"id": "1", "split": "benchmark", "repositories": ["bench/repository"]}]
        records.write(tables.accepted(commits), folder / "commits.parquet", "labelled")

    def __call__(self, *collections, shares=SINGLE, seed=7, threads=1, name="code", **limits):
        paths = [self.folder / f"c{at}.parquet" for at in range(len(collections))]
        for rows, path in zip(collections, paths, strict=True):
            records.write(pa.Table.from_pylist(list(rows), SCHEMAS["collection"]), path, "collection")
        limits = Limits(**LIMITS | limits)
        references = References.read(
            [self.folder / "bench.parquet"], [], self.folder / "commits.parquet", limits.overlap_words, 0.75
        )
        screen = Screen(limits, self.chat, references, shares=shares, seed=seed, perplexity=Words())
        out, ledger, lengths = (self.folder / f"{part}.parquet" for part in ("out", "ledger", "lengths"))
        assemble(paths, out, name=name, screen=screen, seed=seed, ledger=ledger, lengths=lengths, threads=threads)
        assert not list(self.folder.glob(".*"))  # nothing is left beside them
        counted = records.read(ledger, "attrition").to_pylist()
        return records.read(out, "preferences").to_pylist(), counted

    def bytes(self):
        return {part: (self.folder / f"{part}.parquet").read_bytes() for part in ("out", "ledger", "lengths")}


@pytest.fixture
def bench(tmp_path, chat, tables):
    return Bench(tmp_path, chat, tables)


def every_fate():
    return [pair("kept 1"), pair("kept 2", aspect="memory_efficiency"), FIRST, SECOND] + [
        pair(reason, **fault) for reason, fault in FAULTS.items()
    ]


def test_every_pair_meets_its_fate(bench):
    kept, counted = bench(every_fate())
    assert [row["idx"] for row in kept] == ["commits:kept 1", "commits:kept 2", "commits:near-duplicate: first"]
    assert {row["reason"]: row["rows_dropped"] for row in counted} == dict.fromkeys(ORDER, 1)
    assert {(row["stage"], row["scope"], row["rows_in"], row["rows_kept"]) for row in counted} == {
        ("assemble_code", "commits", 15, 3)
    }


def test_the_first_reason_counts(bench):
    """A pair with two faults goes for the one whose filter comes first."""
    rows, expected = [], Counter()
    for first, second in itertools.combinations([reason for reason in ORDER if reason in FAULTS], 2):
        if not set(FAULTS[first]) & set(FAULTS[second]):
            rows.append(pair(str(len(rows)), source=f"s{len(rows)}", **FAULTS[first], **FAULTS[second]))
            expected[first] += 1
    _, counted = bench(rows)
    found = Counter(row["reason"] for row in counted)
    assert found == expected
    assert len(expected) >= 7


def test_a_near_duplicate_of_a_pair_that_overlaps_counts_as_that(bench):
    leak = {"rejected": FAULTS["response overlaps a benchmark"]["rejected"]}
    _, counted = bench([FIRST | leak, SECOND])
    assert {row["reason"]: row["rows_dropped"] for row in counted} == {
        "near-duplicate": 1, "response overlaps a benchmark": 1,
    }  # fmt: skip


def test_a_kept_pair_says_what_its_collection_said(bench):
    row = bench([pair("kept 2", aspect="memory_efficiency")])[0][0]
    assert row == {
        "system": system_prompt([CODE_CRITERIA[2]]),
        "input": request("vkept_2"),
        "chosen": code("vkept_2"),
        "rejected": code("vkept_2_old"),
        "language": "Python",
        "aspect": "memory_efficiency",
        "source": "commits",
        "idx": "commits:kept 2",
    }


def test_neither_order_nor_division_nor_threads_change_a_byte(bench, monkeypatch):
    rows = every_fate() + [
        pair(f"n{at:03d}", source=("commits", "other")[at % 2], rejected=code(f"old{at}", 4 + at % 5))
        for at in range(80)
    ]
    shares = Shares(0.3, 0.3, 0.2, 0.2)
    options = {"shares": shares, "max_pairs": 40, "balance_within": ("source",)}
    bench(rows, **options)
    inputs = bench.bytes()
    kept = records.read(bench.folder / "out.parquet", "preferences")
    for parts, threads in (([rows[::-1]], 1), ([rows[::2], rows[1::2]], 1), ([rows[40:], [], rows[:40]], 2)):
        again, _ = bench(*parts, threads=threads, **options)
        assert again == kept.to_pylist()
        counted = {row["scope"] for row in records.read(bench.folder / "ledger.parquet", "attrition").to_pylist()}
        assert counted - {"c1"} == {"commits", "other"}
    for name, value in (("_SCREENED", 7), ("_STORED", 5), ("_RANGE_BYTES", 4000)):
        monkeypatch.setattr(f"themis.preferences.assemble.{name}", value)
    bench(rows, threads=3, **options)
    assert bench.bytes() == inputs
    assert len(kept) == 40


def test_collections_may_be_given_in_any_order(bench):
    """Files of the same contents under the same names: the same bytes."""
    one, two = [pair(f"a{at}") for at in range(9)], [pair(f"b{at}", source="other") for at in range(9)]
    bench(one, two)
    first = bench.bytes()
    paths = [bench.folder / "c1.parquet", bench.folder / "c0.parquet"]
    limits = Limits(**LIMITS)
    references = References.read([bench.folder / "bench.parquet"], [], bench.folder / "commits.parquet", 8, 0.75)
    screen = Screen(limits, bench.chat, references, shares=SINGLE, seed=7)
    out, ledger, lengths = (bench.folder / f"{part}.parquet" for part in ("out", "ledger", "lengths"))
    assemble(paths, out, name="code", screen=screen, seed=7, ledger=ledger, lengths=lengths)
    assert bench.bytes() == first


def test_sources_are_compared_each_with_itself(bench):
    twins = [FIRST, SECOND, FIRST | {"source": "other"}, SECOND | {"source": "other"}]
    kept, counted = bench(twins[::3], twins[1:3])
    assert [row["idx"] for row in kept] == ["commits:near-duplicate: first", "other:near-duplicate: first"]
    assert [(row["scope"], row["rows_in"], row["rows_dropped"]) for row in counted] == [
        ("commits", 2, 1), ("other", 2, 1),
    ]  # fmt: skip


def test_the_cap_takes_what_a_hash_picks(bench):
    rows = [pair(f"{at}") for at in range(12)]
    kept, counted = bench(rows, max_pairs=5)
    assert (len(kept), counted[0]["reason"], counted[0]["rows_dropped"]) == (5, "row cap", 7)
    assert kept == bench(rows[::-1], max_pairs=5)[0]
    assert kept != bench(rows, max_pairs=5, seed=8)[0]


def test_lengths_are_balanced_and_reported(bench):
    rows = [pair(f"{at}", chosen=code(f"long{at}", 9), rejected=code(f"short{at}", 3)) for at in range(6)]
    rows += [pair(f"1{at}", chosen=code(f"brief{at}", 3), rejected=code(f"wide{at}", 9)) for at in range(2)]
    kept, counted = bench(rows, balance_within=("source",))
    assert sum(len(row["chosen"]) > len(row["rejected"]) for row in kept) == 2 == len(kept) / 2
    assert (counted[0]["reason"], counted[0]["rows_dropped"]) == ("length balance", 4)
    lengths = records.read(bench.folder / "lengths.parquet", "lengths").to_pylist()
    assert [(row["set"], row["moment"], row["longer"], row["shorter"]) for row in lengths] == [
        ("code", "before", 6, 2), ("code", "after", 2, 2),
    ]  # fmt: skip
    assert len(bench(rows)[0]) == 8


def test_filters_that_are_off_drop_nothing(bench):
    rows = [pair(name, **FAULTS[name]) for name in ("prompt is not English", "syntax tree too shallow")]
    assert len(bench(rows, english=False, min_syntax_depth=0)[0]) == 2


def test_the_longer_response_counts_to_the_token(bench):
    """A token is a byte here, and the template's two markers are one token each."""
    row = pair("1", chosen=code("short", 1), rejected=code("much_longer", 3), input=request("short"))
    frames = sum(1 + len(f"{role}\n".encode()) + 1 + 1 for role in ("user", "assistant"))
    length = frames + len(row["input"].encode()) + len(row["rejected"].encode())
    for most, kept in ((length, 1), (length - 1, 0)):
        assert len(bench([row], shares=Shares(1, 0, 0), max_tokens=most)[0]) == kept


def test_general_pairs_and_empty_collections(bench):
    row = pair("1", source="arena", language="NL", aspect=Criterion.HELPFULNESS.value, chosen="Yes.", rejected="No.")
    kept, counted = bench([row], [], name="general")
    assert [row["idx"] for row in kept] == ["arena:1"]
    assert [(row["stage"], row["scope"], row["rows_in"]) for row in counted] == [
        ("assemble_general", "arena", 1), ("assemble_general", "c1", 0),
    ]  # fmt: skip
    assert bench([])[0] == []
    assert bench([pair("x", **FAULTS["identical"])])[0] == []


def test_mistakes_are_named(bench):
    with pytest.raises(Problem, match="commits:1 is in the collections twice"):
        bench([pair("1")], [pair("1")])
    with pytest.raises(Problem, match=r"c9.parquet: no such file"):
        screen = Screen(Limits(**LIMITS), bench.chat, References.read([], [], None, 8, 0.75), shares=SINGLE, seed=1)
        places = {part: bench.folder / f"{part}.parquet" for part in ("ledger", "lengths")}
        assemble([bench.folder / "c9.parquet"], bench.folder / "out.parquet", name="x", screen=screen, seed=1, **places)
