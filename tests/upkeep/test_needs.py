"""What a study takes is counted from its models and caps, and a machine that has less is refused in one line."""

from __future__ import annotations

import shutil

import pytest

from themis.errors import Problem
from themis.study import digest, validate
from themis.upkeep.needs import check_machine, disk_at_start, disk_needs, memory_at_start
from themis.upkeep.sizes import size

BASE = {"language_models": {"smollm2": {"hub": "someone/Small-2B-Instruct", "dtype": "bfloat16"}}}


def needs(**changes):
    return {need.what: need.bytes for need in disk_needs(validate({**BASE, **changes}))}


def test_weights_and_checkpoints_are_counted_by_parameters():
    found = needs(train={"name": "t", "keep_checkpoints": 1})
    assert found["language model smollm2"] == 2e9 * 2
    assert found["trained t, preference"] == found["trained t, pretraining"] == 2e9 * 4
    assert found["checkpoints"] == 2 * 12 * 2e9


def test_sets_are_counted_by_their_caps_and_named_where_there_is_none():
    found = needs(preferences={"max_code_pairs": 354_010})
    assert found["code set"] == pytest.approx(3 * 3.08e9)
    assert found["general set"] is None


def test_what_is_not_known_is_not_counted():
    study = validate({"language_models": {"smollm2": {"path": "folder"}}})
    found = {need.what: need.bytes for need in disk_needs(study)}
    assert found["language model smollm2"] is None
    assert disk_at_start(study) == sum(count for count in found.values() if count)


def test_settings_stand_in_for_the_estimate_and_change_no_result():
    study = validate({"machine": {"free_disk_gb": 3, "free_memory_gb": 0.5}})
    assert (disk_at_start(study), memory_at_start(study)) == (3e9, 5e8)
    assert digest(study) == digest(validate({})) != digest(validate({"seed": 5}))


def test_to_import_runs_takes_little():
    study = validate({"published_runs": "runs"})
    assert memory_at_start(study) == 1e9 < memory_at_start(validate({}))
    assert disk_at_start(study) < disk_at_start(validate({}))


def test_a_machine_with_less_is_refused_and_told_what_to_do(tmp_path):
    check_machine(tmp_path, 1, 1)
    with pytest.raises(Problem, match=r"of disk are free and the study needs 1,000.0 TB .*machine\.free_disk_gb"):
        check_machine(tmp_path, 1e15, 1)
    with pytest.raises(Problem, match=r"of memory are free and the study needs 1,000.0 TB.*machine\.free_memory_gb"):
        check_machine(tmp_path, 1, 1e15)


def test_what_results_hold_already_need_not_be_free(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/weights").write_bytes(b"x" * 50_000_000)
    asked = 2 * shutil.disk_usage(tmp_path).total
    held = (tmp_path / "results/weights").stat().st_blocks * 512
    with pytest.raises(Problem) as caught:
        check_machine(tmp_path, asked, 0)
    assert f"needs {size(asked - held)}" in str(caught.value)
