"""An exported data set is read by `datasets` without a network, holds every row once, and is text and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from themis.cli import app
from themis.errors import Problem
from themis.preferences.export import export
from themis.records import SCHEMAS, Ledger, write
from themis.vocabulary import CODE_CRITERIA, LANGUAGES

READ = """
import sys
from datasets import get_dataset_config_names, load_dataset
for name in get_dataset_config_names(sys.argv[1]):
    for split, rows in load_dataset(sys.argv[1], name).items():
        print(name, split, rows.column_names == sys.argv[2].split(","), *rows[sys.argv[3]], sep="\\t")
"""


@pytest.fixture
def loaded(tmp_path):
    """What a fresh process reads: (configuration, split) -> ids in their order."""

    def load(folder, schema):
        names = SCHEMAS[schema].names
        key = "id" if "id" in names else "idx"
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-c", READ, str(folder), ",".join(names), key]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, timeout=300)
        assert done.returncode == 0, done.stderr
        found = {}
        for line in done.stdout.splitlines():
            name, split, same_columns, *ids = line.split("\t")
            assert same_columns == "True"
            found[name, split] = ids
        return found

    return load


@pytest.fixture
def benchmark(tmp_path):
    rows = [
        {
            "id": f"S_{at:032x}", "prompt": "p", "chosen": "c", "rejected": "r", "subset": "COMMITPREFS_SECURITY",
            "aspect": CODE_CRITERIA[at % 3].value, "language": list(LANGUAGES)[at % 4],
        }
        for at in range(24)
    ]  # fmt: skip
    path = tmp_path / "crb.parquet"
    write(pa.Table.from_pylist(rows, SCHEMAS["benchmark"]), path, "benchmark", seed=5)
    return path, rows


@pytest.fixture
def sets(tmp_path):
    def write_set(name, count, **fields):
        rows = [
            {
                "system": None, "input": "ask", "chosen": "x" * 40_000, "rejected": "y", "language": "Go",
                "aspect": "security_hardness", "source": "commits", "idx": f"commits:{at:032x}", **fields,
            }
            for at in range(count)
        ]  # fmt: skip
        write(pa.Table.from_pylist(rows, SCHEMAS["preferences"]), tmp_path / f"{name}.parquet", "preferences")
        return tmp_path / f"{name}.parquet"

    return write_set


def test_every_configuration_of_a_benchmark_holds_its_rows(benchmark, loaded, tmp_path):
    path, rows = benchmark
    export([path], tmp_path / "bench", shard_bytes=1 << 20)
    found = loaded(tmp_path / "bench", "benchmark")
    assert {name for name, _ in found} == {"Full", "Aspect", "Language"}
    assert sorted(found["Full", "Full"]) == [row["id"] for row in rows]
    for key, name in (("aspect", "Aspect"), ("language", "Language")):
        splits = {split: ids for (configuration, split), ids in found.items() if configuration == name}
        said = {LANGUAGES[row[key]].key if key == "language" else row[key] for row in rows}
        assert set(splits) == said
        for split, ids in splits.items():
            own = [row["id"] for row in rows if split in (row[key], getattr(LANGUAGES.get(row[key]), "key", None))]
            assert sorted(ids) == own


def test_training_sets_are_configurations_of_shards_in_their_order(sets, loaded, tmp_path):
    code, general = sets("code", 90), sets("general", 3, language="NL", source="truthy_dpo", system="Be kind.")
    export([code, general], tmp_path / "sets", shard_bytes=1 << 20)
    found = loaded(tmp_path / "sets", "preferences")
    assert found == {
        ("code", "train"): [f"commits:{at:032x}" for at in range(90)],
        ("general", "train"): [f"commits:{at:032x}" for at in range(3)],
    }
    whole = sets("large", 5000, chosen="z" * 2000)
    export([whole], tmp_path / "large", shard_bytes=1 << 21)
    names = sorted(file.name for file in (tmp_path / "large" / "data" / "large").iterdir())
    assert names == [f"train-{at:05d}-of-{len(names):05d}.parquet" for at in range(len(names))]
    assert len(names) > 1
    tables = [pq.read_table(tmp_path / "large" / "data" / "large" / name) for name in names]
    assert pa.concat_tables(tables).equals(pq.read_table(whole).replace_schema_metadata(tables[0].schema.metadata))


def test_the_card_tells_counts_licences_lengths_and_yields(benchmark, tables, tmp_path):
    path, _ = benchmark
    ledger = Ledger("benchmark")
    ledger.keep("COMMITPREFS_SECURITY", 24)
    ledger.drop("too | long", "COMMITPREFS_SECURITY", 6)
    ledger.write(tmp_path / "ledger.parquet")
    row = {"set": "benchmark", "moment": "before", "source": "s", "aspect": "a", "language": "Go"}
    sizes = pa.Table.from_pylist([row | {"longer": 1234, "equal": 5, "shorter": 617}], SCHEMAS["lengths"])
    write(sizes, tmp_path / "lengths.parquet", "lengths")
    commits = [
        {"id": f"{at:032x}", "license": "mit" if at < 20 else "isc", "repository": f"r/{at % 3}"} for at in range(40)
    ]
    write(tables.accepted(commits), tmp_path / "commits.parquet", "labelled")
    options = ["--ledger", "ledger", "--lengths", "lengths", "--commits", "commits"]
    options = [one if one.startswith("--") else str(tmp_path / f"{one}.parquet") for one in options]
    for name in ("one", "two"):
        done = CliRunner().invoke(app, ["export", str(path), str(tmp_path / name / "crb"), *options])
        assert done.exit_code == 0, done.output
    text = (tmp_path / "one" / "crb" / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head)["configs"][0] | {"data_files": 0} == {
        "config_name": "Full",
        "data_files": 0,
        "default": True,
    }
    for line in (
        "24 pairs of code responses",
        "| Functional correctness | 2 | 2 | 2 | 2 |",
        "| mit | 20 | 3 |",
        "| isc | 4 | 3 |",
        "| benchmark | before | 1,234 | 5 | 617 | 66.7% |",
        "| benchmark | COMMITPREFS_SECURITY | 30 | 24 | too \\| long 6 |",
        "seed 5",
    ):
        assert line in body
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert {Path(name).suffix for name in contents(tmp_path / "one")} == {".md", ".parquet"}


def test_what_does_not_go_together_is_refused(benchmark, sets, tmp_path):
    path, _ = benchmark
    with pytest.raises(Problem, match="alone"):
        export([path, sets("code", 1)], tmp_path / "out", shard_bytes=1)
    with pytest.raises(Problem, match="nothing to export"):
        export([sets("empty", 0)], tmp_path / "out", shard_bytes=1)
    with pytest.raises(Problem, match="is no preferences or benchmark table"):
        export([tmp_path / "nowhere.parquet"], tmp_path / "out", shard_bytes=1)
    with pytest.raises(Problem, match="same name"):
        export([sets("code", 1), sets("code", 1)], tmp_path / "out", shard_bytes=1)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").touch()
    with pytest.raises(Problem, match="choose another place"):
        export([path], mine, shard_bytes=1)
    assert not (tmp_path / "out").exists()
    assert [file.name for file in mine.iterdir()] == ["thesis.tex"]
    export([sets("code", 2)], tmp_path / "out", shard_bytes=1)
    export([path], tmp_path / "out", shard_bytes=1)  # an older export gives way
    assert not (tmp_path / "out" / "data" / "code").exists()


def contents(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
