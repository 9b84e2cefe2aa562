"""What became of each step of a run, by its log, its benchmark file and Snakemake's own logs; no lock is taken."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

_BLOCK = re.compile(r"^(?P<error>Error in )?(?:local)?rule (?P<rule>\w+):\n(?P<body>(?: {4}.*\n)+)", re.MULTILINE)
_LOG = re.compile(r"^ {4}log: (\S+?)(?:,| |$)", re.MULTILINE)
_WRITTEN = 120  # seconds: a step that shows progress writes to its log every ten


@dataclass(frozen=True)
class Step:
    """A job of the workflow that was started: its rule, its log below the working folder, and what became of it."""

    rule: str
    log: Path
    state: Literal["done", "running", "failed", "stopped"]


def steps(folder: Path) -> list[Step]:
    """The steps that were started in a working folder, by their logs in results/logs, ordered by name.

    A step is done once Snakemake wrote its benchmark file after the log. One that Snakemake last said was in error has
    failed; of the others those run that a run is going on for, here or (by their log of late) on another machine.
    """
    said = _last_said(folder)
    rules = _rules(folder)
    going = run_going_on(folder) is not None
    found = []
    for log in sorted((folder / "results/logs").glob("*.log")):
        place = log.relative_to(folder).as_posix()
        rule, failed = said.get(place, (rules.get(place, log.name.split(".")[0]), False))
        found.append(Step(rules.get(place, rule), log, _state(log, failed, going)))
    return found


def run_going_on(folder: Path) -> int | None:
    """The process of a Snakemake that works in this folder, on this machine; None where there is none."""
    here = str(folder.resolve())
    for process in psutil.process_iter(["pid", "cwd", "cmdline"]):
        words = process.info["cmdline"] or []
        called = any(Path(word).name == "snakemake" for word in words[:3]) or words[1:3] == ["-m", "snakemake"]
        if called and process.info["cwd"] == here and not {"-n", "--dry-run", "--dryrun"} & set(words):
            return process.info["pid"]
    return None


def _state(log: Path, failed: bool, going: bool) -> Literal["done", "running", "failed", "stopped"]:
    benchmark = log.with_suffix(".tsv")
    written = log.stat().st_mtime
    if benchmark.exists() and benchmark.stat().st_mtime >= written:
        return "done"
    if failed:
        return "failed"
    return "running" if going or time.time() - written < _WRITTEN else "stopped"


def _last_said(folder: Path) -> dict[str, tuple[str, bool]]:
    """Of each step's log, its rule and whether the last thing Snakemake said of it was an error."""
    said: dict[str, tuple[str, bool]] = {}
    for path in sorted((folder / ".snakemake/log").glob("*.snakemake.log")):
        for block in _BLOCK.finditer(path.read_text(encoding="utf-8", errors="replace")):
            if log := _LOG.search(block["body"]):
                said[log[1]] = (block["rule"], block["error"] is not None)
    return said


def _rules(folder: Path) -> dict[str, str]:
    """The rule of each finished step's log, by Snakemake's metadata of its outputs."""
    return {log: record["rule"] for record in _metadata(folder) for log in record.get("log") or () if "rule" in record}


def _metadata(folder: Path) -> Iterator[dict]:
    for path in sorted((folder / ".snakemake/metadata").rglob("*")):
        if path.is_file():
            try:
                yield json.loads(path.read_bytes())
            except ValueError:  # half-written by a run that goes on
                continue
