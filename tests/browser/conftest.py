"""A headless browser, and a small board with its scores for it to show."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from themis import records
from themis.analysis.inputs import read_scores
from themis.analysis.report import write_report
from themis.vocabulary import CODE_CRITERIA, LANGUAGES

HOSTILE = "<img src=x onerror=alert(1)>"
MODELS = ("Themis-RM-8B", "LMUnit-qwen2.5-72b", "AceCodeRM-7B", "my-judge", "my-judge-again", HOSTILE)
PAIRS = 420
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Chromium through Selenium, in a profile of its own."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    chromedriver = shutil.which("chromedriver")
    if not browser or not chromedriver:
        pytest.skip(f"no {'chromedriver' if browser else 'chromium'} on the PATH")
    home = tmp_path_factory.mktemp("browser")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={home / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = Service(chromedriver, env={**os.environ, "HOME": str(home)})
    started = webdriver.Chrome(options=options, service=service)
    yield started
    started.quit()


def outcomes(source: np.random.Generator) -> dict[str, np.ndarray]:
    """Outcomes of every model; two of them never differ."""
    shares = {"Themis-RM-8B": (0.8, 0, 0.2, 0), "LMUnit-qwen2.5-72b": (0.3, 0.5, 0.1, 0.1)}
    drawn = {
        model: source.choice(["win", "tie", "loss", "missing"], PAIRS, p=shares.get(model, (0.6, 0.05, 0.3, 0.05)))
        for model in MODELS
    }
    return drawn | {"my-judge-again": drawn["my-judge"]}


def write_board(folder: Path, shared: bool) -> SimpleNamespace:
    """A page and its scores; with `shared`, prompts have one to five pairs, else one each."""
    source = np.random.default_rng(11)
    number = np.arange(PAIRS)
    pairs = pl.DataFrame(
        {
            "id": [f"{i:04d}" for i in number],
            "prompt": [f"p{p}" for p in (source.integers(0, 170, PAIRS) if shared else number)],
            "chosen": ["x"] * PAIRS,
            "rejected": ["y"] * PAIRS,
            "aspect": [CODE_CRITERIA[i].value for i in source.choice(5, PAIRS, p=[0.5, 0.2, 0.1, 0.1, 0.1])],
            "language": [list(LANGUAGES)[i] for i in source.integers(0, 7, PAIRS)],
            "subset": [f"S{i}" for i in source.integers(0, 3, PAIRS)],
        }
    )
    scores = {"win": (2.0, 1.0), "tie": (1.0, 1.0), "loss": (1.0, 2.0), "missing": (None, None)}
    frames = [
        pairs.select("id", "aspect", "language", "subset").with_columns(
            model=pl.lit(model),
            benchmark=pl.lit("b"),
            truncated=pl.lit(False),
            prompt_mode=pl.lit("criterion"),
            outcome=pl.Series(drawn),
            chosen_score=pl.Series([scores[name][0] for name in drawn]),
            rejected_score=pl.Series([scores[name][1] for name in drawn]),
            missing_reason=pl.Series(["too long" if name == "missing" else None for name in drawn], dtype=pl.String),
        )
        for model, drawn in outcomes(source).items()
    ]
    crb, benchmark = folder / "crb.parquet", folder / "benchmark.parquet"
    records.write(pl.concat(frames).to_arrow(), crb, "scores")
    records.write(pairs.to_arrow(), benchmark, "benchmark")
    (folder / "figures").mkdir()
    picture = '<svg xmlns="http://www.w3.org/2000/svg" width="1500" height="300"><style>a{}</style></svg>'
    (folder / "figures" / "margins.svg").write_text(picture)
    write_report(folder / "report.html", crb=crb, benchmark=benchmark, figures=folder / "figures")
    address = (folder / "report.html").as_uri()
    return SimpleNamespace(address=address, scores=read_scores(crb, benchmark))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A board whose pairs share prompts."""
    return write_board(tmp_path_factory.mktemp("shared"), shared=True)


@pytest.fixture(scope="session")
def single(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A board with a prompt per pair."""
    return write_board(tmp_path_factory.mktemp("single"), shared=False)
