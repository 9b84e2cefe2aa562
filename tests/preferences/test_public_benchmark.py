"""Public benchmarks: each format's rows become the pairs its rule compares, and what is left out is counted."""

import hashlib
import json
import threading
from collections import Counter
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis.errors import Problem
from themis.preferences.benchmarks.build import print_counts, public_benchmark
from themis.preferences.benchmarks.fetch import fetch_benchmark
from themis.preferences.benchmarks.formats import FORMATS
from themis.preferences.benchmarks.source import Place, columns_of
from themis.records import metadata, read
from themis.study import Study, validate
from themis.study.public_benchmark import PublicBenchmark


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def build(tmp_path):
    def run(form, path, **options):
        out, ledger = tmp_path / "out" / f"{form}.parquet", tmp_path / "out" / "ledger.parquet"
        place = Place(path, columns=options.pop("columns", {}))
        settings = {"name": "mine", "aspect": "helpfulness", "seed": 7} | options
        table = public_benchmark(place, out, format_name=form, ledger=ledger, **settings)
        assert table.equals(read(out, "benchmark"))
        run.reasons = Counter()
        for row in read(ledger, "attrition").to_pylist():
            run.reasons[row["reason"]] += row["rows_dropped"]
        run.notes = metadata(out)
        return {row["id"]: row for row in table.to_pylist()}

    return run


def style(name, side):
    return [f"{side} {name} {at}" for at in range(3)]


def test_an_rmbench_row_is_nine_pairs(build, tmp_path):
    rows = [{"id": 4, "prompt": "p", "chosen": style("a", "good"), "rejected": style("a", "bad"), "language": "cpp"}]
    folder = tmp_path / "rm"
    folder.mkdir()
    (folder / "code_filtered.json").write_text(json.dumps(rows))
    (folder / "safety-refuse_filtered.json").write_text(json.dumps([{**rows[0], "language": None}]))
    made = build("rmbench", folder)
    assert len(made) == 18
    assert {name: (made[name]["chosen"], made[name]["rejected"]) for name in ("code/4#0.2", "code/4#2.1")} == {
        "code/4#0.2": ("good a 0", "bad a 2"),
        "code/4#2.1": ("good a 2", "bad a 1"),
    }
    assert (made["code/4#0.0"]["language"], made["code/4#0.0"]["aspect"]) == ("C++", "functional_correctness")
    assert made["safety-refuse/4#0.0"]["aspect"] == "harmlessness"
    assert build.notes["rule"] == "rmbench"
    # The whole data set names its domain itself; a row of two styles is not RM-Bench.
    assert "chat/1#0.0" in build("rmbench", lines(tmp_path / "all.jsonl", [{**rows[0], "id": 1, "domain": "chat"}]))
    with pytest.raises(Problem, match="not three each"):
        build("rmbench", lines(tmp_path / "two.jsonl", [{**rows[0], "chosen": ["a", "b"]}]))


def test_rewardbench2_compares_one_with_three_and_ties_show_every_response(build, tmp_path):
    plain = {"id": "9", "prompt": "p", "chosen": ["yes"], "rejected": ["a", "b", "c"], "subset": "Math"}
    tied = {**plain, "id": "tied:0", "chosen": ["r1", "r2"], "rejected": ["w1", "w2", "w3"], "subset": "Ties"}
    ref = {**tied, "id": "ref:0", "chosen": ["r1"]}
    path = lines(tmp_path / "rb2.jsonl", [plain, tied, ref, {**plain, "id": "8", "chosen": []}])
    made = build("rewardbench2", path)
    assert sorted(name for name in made if "Math" in name) == ["Math/9#0.0", "Math/9#0.1", "Math/9#0.2"]
    shown = [row for name, row in made.items() if "tied" in name]
    assert {row["chosen"] for row in shown} == {"r1", "r2"}
    assert {row["rejected"] for row in shown} == {"w1", "w2", "w3"}
    assert len(shown) == 3
    assert build.reasons == {"no response": 1, None: 0}
    # A sample has all pairs of a prompt or none, and both rows of a question of Ties.
    for most in range(6, 10):
        rows = Counter(name.rpartition("#")[0] for name in build("rewardbench2", path, sample=most))
        assert set(rows.values()) <= {3}
        assert ("Ties/tied:0" in rows) == ("Ties/ref:0" in rows)
        assert sum(rows.values()) <= most


def test_judgebench_and_rewardbench_say_which_is_better(build, tmp_path):
    row = {
        "pair_id": "x", "source": "livecodebench", "question": "q", "response_A": "first", "response_B": "second",
        "response_model": "gpt",
    }  # fmt: skip
    rows = [{**row, "label": "A>B"}, {**row, "pair_id": "y", "label": "B>A"}, {**row, "pair_id": "z", "label": "A=B"}]
    rows.append({**row, "pair_id": "same", "label": "A>B", "response_B": "first"})
    made = build("judgebench", lines(tmp_path / "j.jsonl", rows))
    assert {name: row["chosen"] for name, row in made.items()} == {
        "gpt/x": "first", "gpt/y": "second", "gpt/same": "first",
    }  # fmt: skip  # equal responses count in the benchmark's own rule
    assert build.reasons["no preference"] == 1
    pairs = [
        {"id": at, "prompt": "p", "chosen": "a", "rejected": "b", "subset": subset}
        for at, subset in enumerate(["hep-js", "donotanswer", "math-prm"])
    ]
    pq.write_table(pa.Table.from_pylist(pairs), tmp_path / "filtered.parquet")
    made = build("rewardbench", tmp_path / "filtered.parquet")
    assert {row["subset"]: (row["language"], row["aspect"]) for row in made.values()} == {
        "hep-js": ("JavaScript", "functional_correctness"),
        "donotanswer": ("NL", "harmlessness"),
        "math-prm": ("NL", "helpfulness"),
    }


def test_a_table_of_ones_own(build, tmp_path, capsys):
    rows = [
        {"question": "p", "chosen": f"a{at}", "rejected": "b", "aspect": aspect, "language": "Cpp"}
        for at, aspect in enumerate(["Security_Hardness", "memory_efficiency", None, "beauty"])
    ]
    rows += [{**rows[0], "chosen": "b"}, {**rows[0], "chosen": " "}, rows[0]]
    path = lines(tmp_path / "own.jsonl", rows)
    made = build("pairs", path, columns={"prompt": "question"}, aspect="runtime_efficiency")
    assert sorted(row["aspect"] for row in made.values()) == [
        "memory_efficiency", "runtime_efficiency", "security_hardness",
    ]  # fmt: skip
    assert {(row["language"], row["subset"]) for row in made.values()} == {("C++", "mine")}
    assert build.reasons == {"no criterion": 1, "identical": 1, "no response": 1, "duplicate id": 1}
    read_back = json.loads(build.notes["inputs"])
    assert read_back == {"own.jsonl": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert len(build.notes["source_digest"]) == 64
    first = build.notes["source_digest"]
    rows[0]["chosen"] = "other"
    build("pairs", lines(path, rows), columns={"prompt": "question"})
    assert build.notes["source_digest"] != first
    print_counts(pa.Table.from_pylist(list(made.values())))
    assert "mine    3    3" in capsys.readouterr().out
    with pytest.raises(Problem, match="no column prompt"):
        build("pairs", path)
    with pytest.raises(Problem, match="none that this format reads"):
        build("pairs", path, columns={"answer": "a"})
    with pytest.raises(Problem, match="no such file or folder"):
        build("pairs", tmp_path / "nowhere")
    with pytest.raises(Problem, match="PART=COLUMN"):
        columns_of(["prompt"])


def test_a_sample_depends_on_nothing_but_seed_and_ids(build, tmp_path):
    rows = [{"prompt": "p", "chosen": f"a{at}", "rejected": "b", "id": str(at)} for at in range(60)]
    path = lines(tmp_path / "own.jsonl", rows)
    small, large = (set(build("pairs", path, sample=most)) for most in (10, 30))
    assert len(small) == 10
    assert small < large
    assert build.reasons["not sampled"] == 30
    assert small == set(build("pairs", lines(path, rows[::-1]), sample=10))
    assert small != set(build("pairs", path, sample=10, seed=8))


def test_files_behind_urls_are_all_there_or_none(tmp_path):
    served = tmp_path / "served"
    served.mkdir()
    (served / "a").write_bytes(b"first")
    digest = hashlib.sha256(b"first").hexdigest()

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=served)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}/a#sha256="
            out = tmp_path / "out"
            for files, says in (
                ([f"one={url}{digest}", f"two={url}{'0' * 64}"], "its sha256 is"),
                ([f"one={url}{digest}", f"one={url}{digest}"], "each once"),
                ([f"../one={url}{digest}"], "plain names"),
                (["one=http://127.0.0.1/a"], "must end in #sha256="),
            ):
                with pytest.raises(Problem, match=says):
                    fetch_benchmark(files, out)
                assert not out.exists()
            fetch_benchmark([f"one={url}{digest}"], out)
            assert (out / "one").read_bytes() == b"first"
            with pytest.raises(Problem, match="is there already"):
                fetch_benchmark([f"one={url}{digest}"], out)
        finally:
            server.shutdown()
            thread.join()


def test_debugbench_is_read_with_the_columns_of_its_table_on_the_hub(build, tmp_path):
    bug = {"question": "Sum.", "examples": ["Input: 1"], "constraints": "n > 0", "solution": "a()", "buggy_code": "b()"}
    cpp = {**bug, "buggy_code": "c()"}
    path = lines(tmp_path / "eval.jsonl", [{**bug, "language": "python3"}, {**cpp, "language": "cpp"}, bug])
    made = build("debugbench", path, columns={"description": "question", "oracle_code": "solution"})
    assert sorted(row["language"] for row in made.values()) == ["C++", "Python"]
    assert {(row["prompt"], row["chosen"], row["rejected"]) for row in made.values()} == {
        ("Sum.\n\nInput: 1\n\nConstraints:\nn > 0", "a()\n", buggy) for buggy in ("b()\n", "c()\n")
    }
    assert sum(run for reason, run in build.reasons.items() if reason) == 1  # of no language


def test_the_study_knows_every_format_and_where_each_lies():
    assert set(get_args(PublicBenchmark.model_fields["format"].annotation)) == set(FORMATS)
    study = validate({"benchmarks": {"a": {"format": "rmbench"}, "b": {"format": "pairs", "path": "x"}}})
    assert [one.prompt_mode for one in study.benchmarks.values()] == ["none", None]
    assert validate(study.model_dump(mode="json")) == study
    for line, says in (
        ({"format": "pairs"}, "no hub id"),
        ({"format": "pairs", "path": "x", "hub": "y"}, "at most one of"),
        ({"format": "pairs", "urls": {"a": "https://host/a"}}, "end in #sha256="),
    ):
        with pytest.raises(Problem, match=says):
            validate({"benchmarks": {"a": line}})
    with pytest.raises(Problem, match="makes itself"):
        validate({"benchmarks": {Study().benchmark.name: {"format": "rmbench"}}})
