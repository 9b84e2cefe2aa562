"""A public source as a whole: counted, in an order of its own, capped by chance, missed where the study says so."""

import gzip
import json
import random

import pytest

from themis.errors import Problem
from themis.preferences.collections.public import Place, line_of
from themis.vocabulary import LANGUAGES


def rows(count=40):
    return [{"prompt": f"q{at}", "system": "", "chosen": f"good {at}", "rejected": f"bad {at}"} for at in range(count)]


def test_order_and_repetition_do_not_matter(collect):
    given = rows()
    mixed = given[:20] + given
    random.Random(3).shuffle(mixed)
    one, other = collect("truthy_dpo", given), collect("truthy_dpo", mixed)
    assert one.content == other.content
    assert [row["idx"] for row in one.rows] == sorted(row["idx"] for row in one.rows)
    assert other.dropped == {"repetition": 20}
    assert {row["source"] for row in one.rows} == {"truthy_dpo"}


def test_a_cap_takes_what_a_hash_picks(collect):
    given = rows(200)
    taken = {seed: collect("truthy_dpo", given[::-1] + given, most=50, seed=seed) for seed in (7, 8)}
    assert [len(one.rows) for one in taken.values()] == [50, 50]
    assert taken[7].dropped == {"repetition": 200, "row cap": 150}
    assert taken[7].content == collect("truthy_dpo", given, most=50).content
    chosen = [{row["input"] for row in one.rows} for one in taken.values()]
    assert chosen[0] != chosen[1]
    fewer = {row["input"] for row in collect("truthy_dpo", given, most=20).rows}
    assert fewer < chosen[0]
    assert len(collect("truthy_dpo", given, most=200).rows) == 200


def test_rows_are_compared_with_those_known(collect, capsys):
    assert collect("truthy_dpo", rows(1016)).metrics == {
        "rows": 1016, "expected_rows": 1016, "pairs": 1016, "paper_pairs": 377,
    }  # fmt: skip
    assert "known" not in capsys.readouterr().err
    collect("truthy_dpo", rows(3))
    assert "truthy_dpo: 3 rows, not the 1,016 known" in capsys.readouterr().err


def test_a_source_that_is_not_there_stops_the_run_or_is_counted(collect, tmp_path, capsys):
    nowhere = tmp_path / "nowhere"
    with pytest.raises(Problem, match=r"skywork: .*nowhere: no such file.*collections\.places\.skywork\.path"):
        collect("skywork", nowhere)
    found = collect("skywork", nowhere, missing="skip")
    assert (found.rows, found.dropped) == ([], {"not available": 30146})
    assert found.metrics["pairs"] == found.metrics["rows"] == 0
    assert "the mix goes on without it" in capsys.readouterr().err
    assert collect("codenet", None, missing="skip").dropped == {"not available": 16819}


@pytest.mark.parametrize(
    "content", ['{"prompt": "q"}\n', "junk\n", '{"prompt": 1, "system": "", "chosen": "", "rejected": ""}\n']
)
def test_a_source_that_is_wrong_is_never_skipped(collect, tmp_path, content):
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(Problem) as caught:
        collect("truthy_dpo", tmp_path / "a.jsonl", missing="skip")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "row", "says"),
    [
        ("truthy_dpo", {"prompt": "q", "system": "", "chosen": ["a"], "rejected": "b"}, "chosen is list, not text"),
        ("stack_exchange", {"question": "q", "answers": "one"}, "answers is str, not a list"),
        ("venus", {"question_content": "q", "rt_list": "x", "mm_list": []}, "rt_list is str, not a list"),
    ],
)
def test_a_column_of_another_type_is_named(collect, name, row, says):
    with pytest.raises(Problem, match=says):
        collect(name, [row])


def test_text_that_is_no_unicode_is_dropped(collect):
    found = collect("truthy_dpo", [*rows(1), {**rows(1)[0], "chosen": "\ud800"}])
    assert (len(found.rows), found.dropped) == (1, {"not valid Unicode": 1})


def test_hard_negatives_by_language(collect, tmp_path):
    keys = {name: "cplusplus" if name == "C++" else language.key for name, language in LANGUAGES.items()}
    folder = tmp_path / "pile/text2code/en/algorithm_desc_retrieval"
    folder.mkdir(parents=True)
    (tmp_path / "pile/text2code/en/bug_desc_retrieval").mkdir()
    for name, key in keys.items():
        given = [
            {"query": f"{name} {at}", "pos": [f"right {at}", "other"], "neg": [f"wrong {rank}" for rank in range(15)]}
            for at in range(30)
        ]
        text = "".join(json.dumps(row) + "\n" for row in [*given, {"query": "q", "pos": ["x"], "neg": []}])
        (folder / f"en-{key}-triplets.jsonl").write_text(text)
        (tmp_path / f"pile/text2code/en/bug_desc_retrieval/en-{key}-triplets.jsonl").write_text(text)
    found = collect("coder_pile_general", tmp_path / "pile")
    assert found.dropped == {"no response": 8}
    assert found.metrics["rows"] == 8 * 31
    for row in found.rows:
        assert row["input"].startswith(f"{row['language']} ")
        assert row["chosen"].startswith("right")
        assert 0 <= int(row["rejected"].split()[1]) < 10
    assert len({row["rejected"] for row in found.rows}) == 10
    with pytest.raises(Problem, match="no file hybrid/en"):
        collect("coder_pile_code", tmp_path / "pile")
    (folder / "en-ruby-triplets.jsonl").unlink()
    assert {row["language"] for row in collect("coder_pile_general", tmp_path / "pile").rows} == set(LANGUAGES) - {
        "Ruby"
    }


def test_a_column_of_another_name_can_be_given(collect):
    given = [{"question": "q", "system": "", "chosen": "a", "rejected": "b"}]
    assert collect("truthy_dpo", given, columns=["prompt=question"]).rows[0]["input"] == "q"
    for wrong in ("question", "nothing=x", "prompt="):
        with pytest.raises(Problem, match="the parts of truthy_dpo are"):
            line_of("truthy_dpo", [wrong])
    with pytest.raises(Problem, match="did you mean skywork"):
        line_of("skyworks")


@pytest.fixture
def on_the_hub(tmp_path, monkeypatch):
    """A folder that the hub's library takes for a data set of the hub."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "owner/name"
    (folder / "data").mkdir(parents=True)
    text = "".join(json.dumps(row) + "\n" for row in rows())
    (folder / "data/train.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "data/test.jsonl.gz").write_bytes(gzip.compress(b'{"prompt": "of the test split"}\n'))
    return folder


def test_the_hub_gives_the_same_rows_as_a_folder(collect, on_the_hub):
    from_hub = collect("truthy_dpo", Place(hub=str(on_the_hub)))
    assert from_hub.content == collect("truthy_dpo", on_the_hub).content
    with pytest.raises(Problem, match=r"hub data set .*: no column answer; it has"):
        collect("truthy_dpo", Place(hub=str(on_the_hub)), columns=["prompt=answer"])
    with pytest.raises(Problem, match=r"hub data set themis/nothing-at-all.*collections\.missing to skip"):
        collect("truthy_dpo", Place(hub="themis/nothing-at-all"))


def test_a_loading_script_on_the_hub_is_refused(collect, on_the_hub, tmp_path):
    (on_the_hub / "name.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(Problem, match="scripts are no longer supported"):
        collect("truthy_dpo", Place(hub=str(on_the_hub)))
    assert len(collect("truthy_dpo", on_the_hub).rows) == 40
    assert not (tmp_path / "ran").exists()
