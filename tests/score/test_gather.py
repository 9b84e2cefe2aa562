"""A folder of score tables is gathered in the registry's order, whatever order its files are written in."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest

from themis.errors import Problem
from themis.records import SCHEMAS, read, write
from themis.score.gather import gather_scores

# As table 2 of the paper has them, and names that it has not.
KNOWN = ("Qwen2.5-Math-RM-72B", "Themis-RM-8B", "R3-Qwen3-4B-14k", "SkyworkV2-Qwen-0.6B")
UNKNOWN = ("aaa", "my.model-7B", "zzz")


def put(path, model):
    rows = [
        {"model": model, "benchmark": "crb", "id": name, "chosen_score": 1.0, "rejected_score": 0.0, "outcome": "win",
         "missing_reason": None, "truncated": None, "prompt_mode": "imported", "aspect": "security_hardness", "language": "Go",
         "subset": "S"}
        for name in ("b", "a")
    ]  # fmt: skip
    write(pa.Table.from_pylist(rows, schema=SCHEMAS["scores"]), path, "scores")
    return path


def gathered(sources, tmp_path):
    gather_scores(sources, tmp_path / "crb.parquet")
    table = read(tmp_path / "crb.parquet", "scores").select(["model", "id"]).to_pylist()
    models = [model for model, _ in itertools.groupby(row["model"] for row in table)]
    assert [tuple(row.values()) for row in table] == [(model, name) for model in models for name in ("a", "b")]
    return models


@pytest.mark.parametrize("step", [1, -1])
def test_models_of_a_folder_are_in_the_registrys_order_then_by_name(tmp_path, step):
    for model in (*UNKNOWN, *KNOWN)[::step]:
        put(tmp_path / "imported" / f"{model}.parquet", model)
    (tmp_path / "imported/notes.txt").write_text("no table")
    (tmp_path / "imported/.aaa.parquet.x.part").write_text("half a table")
    assert gathered([tmp_path / "imported"], tmp_path) == [*KNOWN, *UNKNOWN]


def test_single_tables_stay_where_they_are_given_beside_a_folder(tmp_path):
    for model in KNOWN[::-1]:
        put(tmp_path / "imported" / f"{model}.parquet", model)
    own = [put(tmp_path / f"{model}.parquet", model) for model in ("zzz", "Themis-RM-32B", "aaa")]
    sources = [own[0], tmp_path / "imported", *own[1:]]
    assert gathered(sources, tmp_path) == ["zzz", *KNOWN, "Themis-RM-32B", "aaa"]
    with pytest.raises(Problem, match="zzz is in"):
        gathered([tmp_path / "imported", own[0], own[0]], tmp_path)


def test_a_folder_without_tables_is_one_line(tmp_path):
    (tmp_path / "imported").mkdir()
    own = put(tmp_path / "own.parquet", "own")
    for sources in ([tmp_path / "imported"], [own, tmp_path / "imported"]):
        with pytest.raises(Problem, match="imported: holds no table of scores"):
            gather_scores(sources, tmp_path / "crb.parquet")
    assert not (tmp_path / "crb.parquet").exists()


def test_a_pair_that_comes_twice_is_refused(tmp_path):
    path = put(tmp_path / "own.parquet", "own")
    table = read(path, "scores")
    write(pa.concat_tables([table, table.slice(0, 1)]), path, "scores")
    with pytest.raises(Problem, match=r"own\.parquet: an id comes twice"):
        gather_scores([path], tmp_path / "crb.parquet")
