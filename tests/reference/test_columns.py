"""Every table and column on disk has a meaning, and nothing else has."""

from importlib.resources import files

import yaml

from themis.records import SCHEMAS
from themis.records.columns import about, meaning


def _meanings():
    return yaml.safe_load(files("themis.records").joinpath("columns.yaml").read_text(encoding="utf-8"))


def test_every_table_and_column_has_a_meaning():
    said = _meanings()
    assert set(SCHEMAS) - set(said["tables"]) == set()
    nameless = [
        f"{name}.{column}"
        for name, schema in SCHEMAS.items()
        for column in schema.names
        if column not in said["own"].get(name, {}) and column not in said["columns"]
    ]
    assert nameless == [], "say in themis/records/columns.yaml what they mean"


def test_what_is_said_is_about_a_column_that_exists():
    said = _meanings()
    assert set(said["tables"]) <= set(SCHEMAS)
    assert {f"{name}.{column}" for name, own in said["own"].items() for column in own} <= {
        f"{name}.{column}" for name, schema in SCHEMAS.items() for column in schema.names
    }
    used = {
        column for name, schema in SCHEMAS.items() for column in schema.names if column not in said["own"].get(name, {})
    }
    assert set(said["columns"]) - used == set(), "no table takes these"


def test_a_tables_own_meaning_goes_first():
    assert meaning("commits", "repo_name") == "Every repository that holds the commit."
    assert meaning("licenses", "repo_name") == "Repository, owner/name."
    assert about("preferences") == "A training set of preference pairs."


def test_a_meaning_is_a_sentence_of_plain_text():
    texts = [
        text
        for name, schema in SCHEMAS.items()
        for text in (about(name), *(meaning(name, column) for column in schema.names))
    ]
    assert [text for text in texts if not isinstance(text, str) or not text.endswith(".") or "\n" in text] == []
