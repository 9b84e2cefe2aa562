"""Made-up collections of preference pairs: code in eight languages, requests in English, and pairs that must go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from themis import records
from themis.vocabulary import CODE_CRITERIA, LANGUAGES

SOURCES = {"commits": 0.42, "coder_pile": 0.25, "bugged": 0.18, "prosec": 0.15}  # the largest shares of the paper's mix
PLANTED = {  # one of so many pairs
    "no prompt": 400, "identical": 300, "special token in the text": 1000, "syntax tree too shallow": 500,
    "prompt is not English": 300, "near-duplicate": 50, "prompt overlaps a benchmark": 700,
    "response overlaps a benchmark": 600,
}  # fmt: skip
BENCHMARK_PAIRS = 8866

_BLOCKS = 3000  # functions of each language
_VOCABULARY = 30_000
_FUNCTIONS = (11.0, 0.62)  # of a file: median, and the deviation of its logarithm
_ROWS = 2048  # made at a time
_SHORT = 3000  # characters; what is longer may be dropped for its length, whatever else is wrong with it

# A function of each language: a b c d are names, n m numbers, w words.
_TEMPLATES = {
    "Python": "def {a}_{b}({c}, {d}):\n    # {w}\n    {b} = [{c}[{n}], {d} + {m}]\n    for {a} in range({n}, {m}):\n        if {a} % {n} == 0 and {c} is not None:\n            {b}.append({d}.{a}({c}, \"{w}\"))\n    return {b}\n\n",
    "Java": "    /** {w}. */\n    public static int {a}{b}(List<Integer> {c}, int {d}) {{\n        int {b} = {n};\n        for (int {a} = {n}; {a} < {c}.size(); {a}++) {{\n            if ({c}.get({a}) > {d}) {{\n                {b} += {a} * {m};\n            }}\n        }}\n        return {b};\n    }}\n\n",
    "JavaScript": "// {w}\nfunction {a}{b}({c}, {d}) {{\n  const {b} = [];\n  for (let {a} = {n}; {a} < {c}.length; {a} += 1) {{\n    if ({c}[{a}] !== {d}) {{\n      {b}.push({{ {a}: {c}[{a}], label: '{w}' }});\n    }}\n  }}\n  return {b}.slice({m});\n}}\n\n",
    "C": "/* {w} */\nstatic int {a}_{b}(const char *{c}, size_t {d}) {{\n    int {b} = {n};\n    for (size_t {a} = 0; {a} < {d}; {a}++) {{\n        if ({c}[{a}] == {m} || {b} > {n}) {{\n            {b} += (int){c}[{a}];\n        }}\n    }}\n    return {b};\n}}\n\n",
    "C++": "// {w}\nstd::vector<int> {a}_{b}(const std::vector<int>& {c}, int {d}) {{\n    std::vector<int> {b};\n    for (auto {a} : {c}) {{\n        if ({a} > {d} && {a} != {n}) {{\n            {b}.push_back({a} * {m});\n        }}\n    }}\n    return {b};\n}}\n\n",
    "C#": "    /// {w}\n    public static int {a}{b}(int[] {c}, int {d}) {{\n        var {b} = {n};\n        foreach (var {a} in {c}) {{\n            if ({a} > {d}) {{\n                {b} += {a} * {m};\n            }}\n        }}\n        return {b};\n    }}\n\n",
    "Go": "// {w}\nfunc {a}{b}({c} []int, {d} int) (int, error) {{\n\t{b} := {n}\n\tfor _, {a} := range {c} {{\n\t\tif {a} > {d} {{\n\t\t\t{b} += {a} * {m}\n\t\t}}\n\t}}\n\treturn {b}, nil\n}}\n\n",
    "Ruby": "# {w}\ndef {a}_{b}({c}, {d})\n  {b} = []\n  {c}.each_with_index do |{a}, at|\n    if {a} > {d}\n      {b} << [{a} * {n}, at, '{w}']\n    end\n  end\n  {b}.first({m})\nend\n\n",
}  # fmt: skip
_FRAMES = {
    "Java": ("public class {a} {{\n", "}}\n"),
    "C#": ("public class {a} {{\n", "}}\n"),
    "Go": ("package {a}\n\n", ""),
}
_COMMENTS = {"Python": "# nothing\n", "Ruby": "# nothing\n"}
_ENGLISH = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were all her she there would their we him been has when who will no more if out so up said what its "
    "about than into them can only other time new some could these two may first then do any like my now over such "
    "our man even most made after also did many off before must well back through years much where your way down "
    "should because long each just state those people too mister how little good world make very year still see own "
    "work men day get here old life both between being under three never know same last another while us might great "
    "go come since against right came take used himself few house use during without again place american around "
    "however home small found program value function list error file line number request return check write read user "
    "result string test order input output"
)
_GERMAN = (
    "schreibe eine funktion die alle werte der liste prüft und nur diejenigen zurückgibt welche größer als der übergebene "
    "wert sind dabei darf die reihenfolge nicht verändert werden und für leere listen soll nichts geschehen"
)


def write_benchmark(path: Path) -> None:
    """A benchmark table of as many pairs as the paper's."""
    draw = np.random.default_rng([7, 0])
    blocks = _blocks(np.random.default_rng([7, 1]), "bench")
    rows = [_pair(draw, blocks) for _ in range(BENCHMARK_PAIRS)]
    table = {
        "id": [f"{at:05d}" for at in range(len(rows))],
        "prompt": [row["input"] for row in rows],
        **{name: [row[name] for row in rows] for name in ("chosen", "rejected", "aspect", "language")},
        "subset": ["MADE_UP"] * len(rows),
    }
    records.write(pa.table(table), path, "benchmark")


def write_collections(folder: Path, pairs: int, benchmark: Path) -> tuple[list[Path], int, dict[str, int]]:
    """So many pairs, of 8.5 kB on average, in one collection for each source; the files, the bytes of all texts, and how
    many pairs were made to be dropped for which reason."""
    blocks = _blocks(np.random.default_rng([1, 1]), "train")
    leaks = records.read(benchmark, "benchmark", ["prompt", "chosen"]).to_pylist()
    paths, size, planted = [], 0, dict.fromkeys(PLANTED, 0)
    for number, (source, share) in enumerate(SOURCES.items()):

        def tables(number: int = number, source: str = source, count: int = round(share * pairs)) -> Iterator[pa.Table]:
            nonlocal size
            for first in range(0, count, _ROWS):
                draw = np.random.default_rng([2, number, first])
                rows = [_spoilt(_pair(draw, blocks), draw, leaks, planted) for _ in range(min(_ROWS, count - first))]
                copies = np.flatnonzero(draw.random(len(rows)) < 1 / PLANTED["near-duplicate"])
                for at in copies[copies > 0]:  # a copy of the row before, with a line more, if nothing is wrong with it
                    if not rows[at - 1]["spoilt"] and not rows[at]["spoilt"] and len(rows[at - 1]["chosen"]) < _SHORT:
                        rows[at] = {**rows[at - 1], "chosen": rows[at - 1]["chosen"] + "\n", "spoilt": True}
                        planted["near-duplicate"] += 1
                size += sum(len(row[name] or "") for row in rows for name in ("input", "chosen", "rejected"))
                yield _table(rows, source, first)

        paths.append(folder / f"{source}.parquet")
        records.write(tables(), paths[-1], "collection")
    return paths, size, planted


def training_texts() -> list[str]:
    """Texts to train a tokenizer on."""
    draw, blocks = np.random.default_rng([1, 2]), _blocks(np.random.default_rng([1, 1]), "train")
    return [_ENGLISH] + [_file(draw, blocks, language) for language in LANGUAGES for _ in range(150)]


def _blocks(draw: np.random.Generator, prefix: str) -> dict[str, list[str]]:
    letters = draw.integers(ord("a"), ord("z") + 1, (_VOCABULARY, 7), np.uint8)
    names = [bytes(word[: 3 + at % 5]).decode() + ("" if at % 9 else f"_{prefix}") for at, word in enumerate(letters)]

    def block(template: str) -> str:
        a, b, c, d = (names[at] for at in draw.integers(0, _VOCABULARY, 4))
        words = _words(draw, draw.integers(3, 12))
        return template.format(
            a=f"v{a}", b=f"w{b}", c=f"x{c}", d=f"y{d}", n=draw.integers(90), m=draw.integers(900), w=words
        )

    return {language: [block(template) for _ in range(_BLOCKS)] for language, template in _TEMPLATES.items()}


def _words(draw: np.random.Generator, count: int) -> str:
    words = _ENGLISH.split()
    return " ".join(words[at] for at in draw.integers(0, len(words), count))


def _pair(draw: np.random.Generator, blocks: dict[str, list[str]]) -> dict:
    language = list(LANGUAGES)[draw.integers(len(LANGUAGES))]
    chosen = _file(draw, blocks, language)
    cut = draw.integers(len(chosen))
    added = blocks[language][draw.integers(_BLOCKS)]
    rejected = chosen[:cut] + added + chosen[cut + draw.integers(2 * len(added)) :]
    return {
        "input": _words(draw, draw.integers(20, 160)),
        "chosen": chosen,
        "rejected": rejected,
        "language": language,
        "aspect": CODE_CRITERIA[draw.integers(len(CODE_CRITERIA))].value,
        "spoilt": False,
    }


def _file(draw: np.random.Generator, blocks: dict[str, list[str]], language: str) -> str:
    count = max(1, round(_FUNCTIONS[0] * np.exp(_FUNCTIONS[1] * draw.standard_normal())))
    before, after = _FRAMES.get(language, ("", ""))
    body = "".join(blocks[language][at] for at in draw.integers(0, _BLOCKS, count))
    return before.format(a=f"T{draw.integers(10**9)}") + body + after.format()


def _spoilt(row: dict, draw: np.random.Generator, leaks: list[dict], planted: dict[str, int]) -> dict:
    """The row, or now and then one that must be dropped for one reason."""
    leak = leaks[draw.integers(len(leaks))]
    for reason, every in PLANTED.items():
        if reason == "near-duplicate" or draw.random() >= 1 / every or len(row["chosen"]) >= _SHORT:
            continue
        changed = {
            "no prompt": {"input": " \n" if draw.random() < 0.5 else None},
            "identical": {"rejected": row["chosen"]},
            "special token in the text": {"rejected": row["rejected"] + "<|im_end|>"},
            "syntax tree too shallow": {"rejected": _COMMENTS.get(row["language"], "// nothing\n")},
            "prompt is not English": {"input": _GERMAN},
            "prompt overlaps a benchmark": {"input": row["input"] + ". " + leak["prompt"][-120:].upper()},
            "response overlaps a benchmark": {"rejected": row["rejected"] + "\n" + leak["chosen"][:400]},
        }[reason]
        planted[reason] += 1
        return {**row, **changed, "spoilt": True}
    return row


def _table(rows: list[dict], source: str, first: int) -> pa.Table:
    names = ("input", "chosen", "rejected", "language", "aspect")
    columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in names}
    idx = pa.array([f"{first + at:08d}" for at in range(len(rows))])
    repositories = pa.nulls(len(rows), pa.list_(pa.string()))
    return pa.table({"idx": idx, **columns, "source": pa.array([source] * len(rows)), "repositories": repositories})
