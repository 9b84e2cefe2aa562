"""A stage's files are removed, those of others and those outside results/ never."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from themis.errors import Problem
from themis.upkeep.clean import clean
from themis.upkeep.sizes import size
from themis.upkeep.stages import STAGES

FILES = (
    "contents/retrieved.parquet", "contents/shards/1-of-2.parquet", "contents/deduplicated.parquet", "aspects/a/b.bin",
    "aspects/labelled.parquet", "contents/accepted.parquet", "cache/review.tiny.jsonl", "README.md", "crb.parquet",
)  # fmt: skip


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / "here/results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1000)
    return tmp_path / "here/results"


def left(results: Path) -> set[str]:
    return {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}


def test_one_stage_goes_and_the_others_stay(results):
    said: list[str] = []
    taken = size(2 * (results / "crb.parquet").stat().st_blocks * 512)
    assert clean(results.parent, ["aspects"], say=said.append) == 2
    assert said == [f"aspects: 2 files, {taken}"]
    assert left(results) == set(FILES) - {"aspects/a/b.bin", "aspects/labelled.parquet"}
    assert not (results / "aspects").exists()


def test_later_stages_go_too_but_for_the_answers_of_models(results):
    clean(results.parent, ["dedup"], after=True)
    kept = {"contents/retrieved.parquet", "contents/shards/1-of-2.parquet", "README.md"}
    assert left(results) == kept | {"cache/review.tiny.jsonl"}
    clean(results.parent, ["llm"], cache=True)
    assert left(results) == kept


def test_who_says_no_keeps_everything(results):
    asked: list[str] = []
    assert clean(results.parent, ["aspects"], agree=lambda question: bool(asked.append(question))) == 0
    assert asked == [f"Remove 2 files below {results}?"]
    assert left(results) == set(FILES)


def test_links_go_and_what_they_lead_to_stays(results, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "labelled.parquet").write_text("precious")
    (results / "aspects/linked").symlink_to(outside)
    (results / "aspects/file").symlink_to(outside / "labelled.parquet")
    clean(results.parent, [stage.name for stage in STAGES], cache=True)
    assert (outside / "labelled.parquet").read_text() == "precious"
    assert left(results) == {"README.md"}
    assert not (results / "aspects").exists()


def test_an_unknown_stage_is_named_with_the_known_ones(results):
    with pytest.raises(Problem, match="aspect: no such stage; the stages are mine, contents"):
        clean(results.parent, ["aspect"])


def test_nothing_goes_while_a_run_goes_on(results, tmp_path):
    script = tmp_path / "snakemake"
    script.write_text("print('up', flush=True)\ninput()\n")
    with subprocess.Popen(
        [sys.executable, str(script)], cwd=results.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        try:
            with pytest.raises(Problem, match="a run goes on here"):
                clean(results.parent, ["aspects"])
        finally:
            process.communicate(b"\n")
    assert left(results) == set(FILES)
