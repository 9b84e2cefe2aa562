"""Tokenised pairs: every row is accounted for, whatever order it came in."""

from __future__ import annotations

import pytest

from themis.errors import Problem
from themis.prompting import packing
from themis.prompting.chat import Chat
from themis.train import data


def test_rows_in_are_rows_kept_and_rows_dropped(tmp_path, make_base, make_preferences):
    base = make_base(tmp_path / "base")
    extra = (
        ("z1", None, "x" * 300, "a", "b"),
        ("a0", None, "hi", "a <|im_end|>", "b"),
        ("m5", "<|im_start|>", "u", "v", "w"),
    )
    preferences = make_preferences(tmp_path / "code.parquet", 5, extra)
    data.write_cache(preferences, base, 200, tmp_path / "work" / "tokens.arrow")
    pairs = data.open_cache(tmp_path / "work" / "tokens.arrow")
    rows = pairs.ledger("train-x", "m").table().to_pylist()
    assert {(r["reason"], r["rows_dropped"]) for r in rows} == {("too long", 1), ("special token in the text", 2)}
    assert {(r["stage"], r["scope"], r["rows_in"], r["rows_kept"]) for r in rows} == {("train-x", "m", 8, 5)}
    assert pairs.rows == [f"row{i:02}" for i in range(5)]
    expected = packing.pack(Chat.load(base), None, "Write 1", "ret abab", "ret " + "c" * 8)
    found = pairs.packed(1)
    assert found.ids.tolist() == expected.ids.tolist()
    assert (found.prompt, found.shared, found.chosen) == (expected.prompt, expected.shared, expected.chosen)
    assert pairs.lengths()[1] == len(expected) == len(pairs.packed(1, share_prefix=False)) - expected.shared
    assert pairs.lengths(share_prefix=False)[1] == len(expected) + expected.shared
    assert pairs.completions[1] == expected.chosen - expected.prompt


def test_the_cache_is_used_for_the_same_pairs_only(tmp_path, make_base, make_preferences, monkeypatch):
    base, path = make_base(tmp_path / "base"), tmp_path / "tokens.arrow"
    preferences = make_preferences(tmp_path / "code.parquet", 3)
    data.write_cache(preferences, base, 200, path)
    first = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(data, "tokenize", lambda *_: pytest.fail("tokenised twice"))
        data.write_cache(preferences, base, 200, path)
    data.write_cache(make_preferences(tmp_path / "code.parquet", 4), base, 200, path)
    assert len(data.open_cache(path)) == 4
    path.write_bytes(first[:-30])
    data.write_cache(preferences, base, 200, path)
    assert len(data.open_cache(path)) == 4


def test_pairs_that_training_could_not_tell_apart_are_refused(tmp_path, make_base, make_preferences):
    base = make_base(tmp_path / "base", ends_in_eos=True)
    twice = make_preferences(tmp_path / "twice.parquet", 3, (("row01", None, "a", "b", "c"),))
    with pytest.raises(Problem, match="row01 occurs twice"):
        data.tokenize(twice, Chat.load(base), 200)
    chat = Chat.load(base)
    chat.tokenizer.unk_token = chat.tokenizer.bos_token = chat.tokenizer.eos_token
    with pytest.raises(Problem, match="ends in the only token left to pad with"):
        data.tokenize(make_preferences(tmp_path / "code.parquet", 3), chat, 200)
