"""Keys of the user's accounts are in no log, table, manifest or command line, whatever a server does with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from tests.canaries import CANARY, KEYS, secrets, told
from themis import records

THEMIS = [sys.executable, "-c", "from themis.cli import main; main()"]


@pytest.fixture
def environment(tmp_path_factory) -> dict[str, str]:
    """A user's environment, every secret in it a canary."""
    home = str(tmp_path_factory.mktemp("home"))
    return {**os.environ, **secrets(tmp_path_factory.mktemp("account")), "HOME": home, "XDG_CACHE_HOME": home}


class Parrot(ThreadingHTTPServer):
    """A server that refuses every request and repeats the key it was shown, and looks at the command lines meanwhile."""

    def __init__(self, status: int) -> None:
        self.shown: list[str] = []
        self.words: set[str] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                key = self.headers.get("Authorization", "")
                server.shown.append(key)
                for process in psutil.process_iter(["cmdline"]):
                    server.words.update(process.info["cmdline"] or ())
                body = json.dumps({"error": {"message": f"no luck with {key}", "code": key}}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Key", key)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Parrot:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


@pytest.mark.parametrize("status", [401, 402, 400, 500])
def test_a_server_that_repeats_the_key_does_not_get_it_into_what_is_said_or_kept(environment, tmp_path, status):
    pairs = {name: ["x = 1"] for name in ("chosen", "rejected")}
    table = {"idx": ["a"], "input": [None], **pairs, "language": ["Python"], "aspect": ["security_hardness"]}
    columns = {**table, "source": ["s"], "repositories": [None]}
    schema = records.SCHEMAS["collection"]
    records.write(pa.table(columns, schema=schema), tmp_path / "pairs.parquet", "collection")
    with Parrot(status) as server:
        settings = {
            "model": "m", "base_url": f"http://127.0.0.1:{server.server_port}/v1", "key_variable": "OPENAI_API_KEY",
            "tries": 2, "first_wait_s": 0.01,
        }  # fmt: skip
        done = subprocess.run(
            [*THEMIS, "recover", "pairs.parquet", "out.parquet", "--backend", "openai",
             "--settings", json.dumps(settings), "--cache", "cache.jsonl", "--metrics", "metrics.parquet"],
            cwd=tmp_path, env=environment, capture_output=True, text=True,
        )  # fmt: skip
    assert server.shown and set(server.shown) == {f"Bearer {KEYS['OPENAI_API_KEY']}"}, done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert told(tmp_path) == []
    assert server.words and not [word for word in server.words if CANARY in word]


def test_a_hub_that_cannot_be_reached_is_named_without_the_token(environment, tmp_path):
    reached = {"HF_HUB_OFFLINE": "0", "HTTPS_PROXY": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hub")}
    done = subprocess.run(
        [*THEMIS, "prepare-model", "out", "--hub", "someone/private"],
        cwd=tmp_path, env={**environment, **reached}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "someone/private" in done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert told(tmp_path) == []


def test_a_run_of_the_workflow_keeps_no_key(root, environment, tmp_path):
    for name in ("Snakefile", "rules", "profiles", "notebooks"):
        (tmp_path / name).symlink_to(root / name)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    call = [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--cores", "1"]
    small = [
        "--config",
        "demo={repositories_per_language: 3, families: 1, training_pairs: 1, benchmark_pairs: 1, commits: 100}",
    ]
    said = ""
    for more in (["results/demo/demo.parquet", *small], ["-n", *small]):
        done = subprocess.run(
            [*call, *more],
            cwd=tmp_path, env={**environment, "PATH": path}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        said += done.stdout + done.stderr
    done = subprocess.run([*THEMIS, "status"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert CANARY not in said + done.stdout + done.stderr
    assert told(tmp_path) == []
    # A log begins with the command that makes its step again, and Snakemake knows what is meant by it.
    first = (tmp_path / "results/logs/demo_corpus.log").read_text().splitlines()[0]
    assert first.startswith("# again: snakemake --profile profiles/local --cores 1 --config 'demo={")
    assert first.endswith(" --force results/logs/demo_corpus.log")
