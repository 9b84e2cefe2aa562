"""The back end that runs the mining query on BigQuery: priced before it runs, capped, and never paid for twice."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from themis.errors import Problem
from themis.mine.download import complete, download
from themis.records.tables import STUDY_VARIABLE
from themis.vocabulary import PUBLIC_DATASET

if TYPE_CHECKING:
    from google.cloud import bigquery
    from google.cloud.bigquery_storage import BigQueryReadClient

_EMULATOR = "BIGQUERY_EMULATOR_HOST"
_GIB = 1 << 30


class BigQuery:
    """The public data set, or one of the same form, through the `google-cloud-bigquery` client.

    `client` and `reader` (of the Storage API) are made from the application default credentials where none is given.
    Where BIGQUERY_EMULATOR_HOST is set, which the client library takes for its endpoint, no credentials are sent and
    the Storage API is not used: so the whole path can be run against a local server.
    """

    def __init__(
        self,
        project: str | None = None,
        dataset: str = PUBLIC_DATASET,
        *,
        location: str = "US",
        results_dataset: str | None = None,
        max_gib: int = 2000,
        usd_per_tib: float = 6.25,
        part_rows: int = 100_000,
        client: bigquery.Client | None = None,
        reader: BigQueryReadClient | None = None,
    ) -> None:
        self.dataset = dataset
        self._results_dataset = results_dataset
        self._max_gib = max_gib
        self._usd_per_tib = usd_per_tib
        self._part_rows = part_rows
        self._client, self._reader = (client, reader) if client else _clients(project, location)

    @contextmanager
    def run(self, sql: str, work: Path) -> Iterator[list[Path]]:
        """The result in Parquet files of `part_rows` rows in a folder of `work`/parts named after the job; they stay there.

        The job's name is a hash of the query and of where it runs, so that a second run finds the job of the first one,
        running or done, and the parts that were fetched. BigQuery keeps a result for a day, or in `results_dataset`
        until it is deleted there; after that the query is priced and run again.
        Raises Problem where the query would process more than `max_gib`, and for anything that BigQuery refuses.
        """
        with _told():
            job, folder = self._job(sql, Path(work) / "parts")
            parts = complete(folder, self._part_rows)
            if parts is None:
                table = self._client.get_table(job.destination)
                parts = download(self._client, self._reader, table, folder, self._part_rows)
        yield parts

    def _job(self, sql: str, parts: Path) -> tuple[bigquery.QueryJob, Path]:
        """The finished job of the query, found or run, and the folder of its parts."""
        from google.api_core.exceptions import NotFound

        place = (self._client.project, self._client.location, self._results_dataset)
        digest = hashlib.sha256("\0".join(map(str, (sql, *place))).encode()).hexdigest()[:32]
        for attempt in count():
            name = f"themis_mine_{digest}_{attempt}"
            try:
                job = self._client.get_job(name)
            except NotFound:
                job = self._start(sql, name)
                job.result()
            else:
                if job.done() and job.error_result:
                    continue
                _say(f"job {name} was started before; nothing is paid again")
                if not job.done():
                    job.result()
            if complete(parts / name, self._part_rows) is not None or self._kept(job):
                return job, parts / name
            _say(f"the result of job {name} is no longer kept; the query runs again")
        raise AssertionError("unreachable")

    def _start(self, sql: str, name: str) -> bigquery.QueryJob:
        from google.api_core.exceptions import Conflict
        from google.cloud.bigquery import QueryJobConfig

        priced = self._client.query(sql, job_config=QueryJobConfig(dry_run=True, use_query_cache=False))
        self._check_price(priced.total_bytes_processed or 0)
        config = QueryJobConfig(
            labels={"tool": "themis", "stage": "mine", "study": _label(os.environ.get(STUDY_VARIABLE) or "none")},
            maximum_bytes_billed=self._max_gib * _GIB,
        )
        if self._results_dataset:
            config.destination = f"{self._results_dataset}.{name}"
            config.write_disposition = "WRITE_TRUNCATE"
        try:
            return self._client.query(sql, job_config=config, job_id=name, job_retry=None)
        except Conflict:  # the answer to the first request was lost, or another run was quicker
            return self._client.get_job(name)

    def _check_price(self, size: int) -> None:
        gib, usd = size / _GIB, size / _GIB / 1024 * self._usd_per_tib
        told = f"{gib:,.2f} GiB, {usd:,.2f} USD at {self._usd_per_tib:g} USD per TiB"
        if size > self._max_gib * _GIB:
            raise Problem(
                f"the query would process {told}, more than mine.max_gib: {self._max_gib} allows; nothing was run: "
                f"raise mine.max_gib to {-(-size // _GIB)} or more"
            )
        _say(f"the query processes {told}; at most {self._max_gib} GiB are allowed")

    def _kept(self, job: bigquery.QueryJob) -> bool:
        from google.api_core.exceptions import NotFound

        try:
            self._client.get_table(job.destination)
        except NotFound:
            return False
        return True


def _clients(project: str | None, location: str) -> tuple[bigquery.Client, BigQueryReadClient | None]:
    from google.auth import default
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery
    from google.cloud.bigquery_storage import BigQueryReadClient

    if os.environ.get(_EMULATOR):
        anonymous = AnonymousCredentials()
        return bigquery.Client(project=project or "local", credentials=anonymous, location=location), None
    with _told():
        credentials, own = default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
        if not (project or own):
            raise Problem("BigQuery: no project to bill; give mine.project")
        client = bigquery.Client(project=project or own, credentials=credentials, location=location)
        return client, BigQueryReadClient(credentials=credentials)


@contextmanager
def _told() -> Iterator[None]:
    """Every error of the client libraries as one line."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except GoogleAuthError as error:
        raise Problem(
            f"BigQuery: no usable credentials ({_line(error)}); run `gcloud auth application-default login`"
        ) from None
    except GoogleAPICallError as error:
        first = error.errors[0] if error.errors else None
        # The message proper; the exception's own has the request's address before it.
        told = _line(first["message"] if isinstance(first, dict) and first.get("message") else error.message)
        if "too large to return" in told.lower():
            told += "; name a data set of yours that keeps the result: mine.results_dataset"
        raise Problem(f"BigQuery: {told} ({error.code or type(error).__name__})") from None
    except RetryError as error:
        raise Problem(f"BigQuery: given up after many attempts: {_line(error.cause)}; run the step again") from None
    except RequestException as error:
        raise Problem(f"BigQuery: not reached: {type(error).__name__}; run the step again") from None


def _line(told: object) -> str:
    return " ".join(str(told).split())[:300]


def _label(text: str) -> str:
    """The text as the value of a label: lower-case letters, digits, _ and -, 63 at most."""
    return re.sub(r"[^a-z0-9_-]", "_", text.lower())[:63]


def _say(text: str) -> None:
    print(f"BigQuery: {text}", file=sys.stderr)
