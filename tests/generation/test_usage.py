"""What a cache has cost is the sum over its answers at the prices given."""

from __future__ import annotations

import pytest

from themis.generation import Completion
from themis.generation.answer_file import AnswerFile
from themis.generation.usage import usage


def test_usage_is_the_sum_over_answers(tmp_path):
    files = [tmp_path / "judge.a.1-of-2.jsonl", tmp_path / "judge.a.2-of-2.jsonl"]
    AnswerFile(files[0]).add({f"{i:064}": Completion("", text="x", prompt_tokens=i, new_tokens=2) for i in range(100)})
    AnswerFile(files[1]).add({f"{1:064}": Completion("", text="x")})
    found = {(row["subject"], row["metric"]): row["value"] for row in usage(files, 1.5, 10.0).to_pylist()}
    first, second = (file.stem for file in files)
    assert found[first, "requests"] == 100
    assert found[first, "prompt_tokens"] == 4950
    assert found[first, "new_tokens"] == 200
    assert found[first, "untold"] == 0
    assert found[first, "usd"] == pytest.approx((4950 * 1.5 + 200 * 10) / 1e6)
    assert (found[second, "requests"], found[second, "untold"], found[second, "usd"]) == (1, 1, 0)
    assert len(found) == 10
