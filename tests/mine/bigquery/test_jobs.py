"""Mining on BigQuery through its own client: the rows of DuckDB, a price before the bill, and nothing paid twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from themis.errors import Problem
from themis.mine.mining import mine
from themis.records import read
from themis.vocabulary import LICENSES, MINED_LANGUAGES


def _mine(warehouse, folder: Path):
    ledger = mine(
        warehouse, folder / "mined.parquet", folder / "ledger.parquet", folder / "forks.parquet",
        licenses=list(LICENSES), languages=MINED_LANGUAGES, min_message=10, max_message=15000,
    )  # fmt: skip
    return read(folder / "mined.parquet", "mined"), read(folder / "forks.parquet", "forks"), ledger


def test_rows_are_those_of_duckdb(service, warehouse, local, tmp_path: Path):
    found = _mine(warehouse(part_rows=77), tmp_path / "far")
    expected = _mine(local, tmp_path / "near")
    assert found == expected
    assert expected[0].num_rows == 800
    assert {tuple(row.values()) for row in expected[1].to_pylist()} == {
        (f"owner{i}/tool", "owner9/fork") for i in range(7)
    }


def test_a_job_is_priced_first_then_labelled_and_capped(service, warehouse, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("THEMIS_STUDY_HASH", "ABC Def/9")
    _mine(warehouse(max_gib=8), tmp_path)
    asked = [body for method, path, _, body in service.asked if method == "POST"]
    dry = [bool(body["configuration"].get("dryRun")) for body in asked]
    assert dry == [True, False, True, False]
    assert [body["configuration"]["query"]["query"] for body in asked[::2]] == [
        body["configuration"]["query"]["query"] for body in asked[1::2]
    ]
    for job in service.paid:
        assert job["configuration"]["labels"] == {"tool": "themis", "stage": "mine", "study": "abc_def_9"}
        assert int(job["configuration"]["query"]["maximumBytesBilled"]) == 8 << 30
        assert job["jobReference"]["location"] == "US"
    assert "5.00 GiB, 0.03 USD at 6.25 USD per TiB" in capsys.readouterr().err


def test_too_dear_a_query_is_not_run(service, warehouse, tmp_path: Path):
    with pytest.raises(Problem, match=r"5\.00 GiB, 0\.01 USD .* mine\.max_gib: 4 allows; nothing was run: .* to 5 or"):
        _mine(warehouse(max_gib=4, usd_per_tib=2.5), tmp_path)
    assert service.paid == [] and service.jobs == {}
    service.bytes_processed = 4 << 30
    _mine(warehouse(max_gib=4), tmp_path)


def test_a_finished_job_is_found_again(service, warehouse, tmp_path: Path):
    first = _mine(warehouse(), tmp_path / "one")
    assert len(service.paid) == 2
    assert _mine(warehouse(), tmp_path / "two") == first  # nothing fetched yet there
    assert len(service.paid) == 2
    fetched = len(service.starts)
    service.results.clear()  # the day is over, but the parts are here
    assert _mine(warehouse(), tmp_path / "two") == first
    assert (len(service.paid), len(service.starts)) == (2, fetched)
    assert _mine(warehouse(), tmp_path / "three") == first  # neither parts nor result
    names = [job["jobReference"]["jobId"] for job in service.paid]
    assert len(set(names)) == 4 and {name[-2:] for name in names} == {"_0", "_1"}


def test_results_can_be_kept_in_a_data_set_of_ones_own(service, warehouse, tmp_path: Path):
    _mine(warehouse(results_dataset="mine.kept"), tmp_path)
    for job in service.paid:
        place = job["configuration"]["query"]["destinationTable"]
        assert (place["projectId"], place["datasetId"], place["tableId"]) == ("mine", "kept", job["jobReference"]["jobId"])  # fmt: skip


@pytest.mark.parametrize(
    ("where", "status", "reason"),
    [("/jobs", 429, "rateLimitExceeded"), ("/jobs", 503, "backendError"), ("/queries/", 503, "backendError"),
     ("/data", 429, "rateLimitExceeded"), ("/data", 500, "internalError"), ("/tables/", 503, "backendError")],
)  # fmt: skip
def test_passing_faults_are_met_with_another_attempt(service, warehouse, local, tmp_path: Path, where, status, reason):
    service.faults = [(where, status, reason)] * 3
    assert _mine(warehouse(part_rows=300), tmp_path / "far") == _mine(local, tmp_path / "near")
    assert service.faults == []


def test_a_refusal_is_one_line_and_can_be_tried_again(service, warehouse, tmp_path: Path):
    service.faults = [("/jobs", 403, "accessDenied")]
    with pytest.raises(Problem, match=r"^BigQuery: told so: accessDenied \(403\)$"):
        _mine(warehouse(), tmp_path)
    service.faults = [("/queries/", 403, "responseTooLarge")]
    with pytest.raises(Problem, match="told so"):
        _mine(warehouse(), tmp_path)
    (name,) = service.jobs
    service.jobs[name]["status"]["errorResult"] = {"reason": "stopped", "message": "by someone"}
    mined, *_ = _mine(warehouse(), tmp_path)
    assert mined.num_rows == 800
    assert name.endswith("_0") and name.replace("_0", "_1") in service.jobs


def test_a_failed_query_says_why(service, warehouse, tmp_path: Path):
    with (
        pytest.raises(Problem, match=r"BigQuery: .*nothing_there"),
        warehouse().run("SELECT * FROM nothing_there", tmp_path),
    ):
        pass


def test_without_credentials_it_says_how_to_get_some(tmp_path: Path, monkeypatch):
    from themis.mine.bigquery import BigQuery

    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "BIGQUERY_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(Problem, match="run `gcloud auth application-default login`"):
        BigQuery("payer")
