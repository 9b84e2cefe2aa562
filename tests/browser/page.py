"""What the leaderboard shows, read off the page, and the same figures as Python computes them."""

import math

import numpy as np
import polars as pl
from scipy import stats

from themis.analysis.intervals import clustered_wilson

HOSTILE = "<img src=x onerror=alert(1)>"
EXACT = 1e-9
WORTH = {"half": {"win": 1.0, "tie": 0.5}, "strict": {"win": 1.0}}
COLUMN = {"criterion": "aspect", "language": "language", "subset": "subset"}

ROWS = """return [...document.querySelectorAll("tr.entry")].map((row) => ({
  model: row.querySelector(".opener").textContent,
  rank: row.querySelector(".rank").dataset.value,
  ...row.querySelector(".accuracy").dataset,
  ties: row.children[6].dataset.value, missing: row.children[7].dataset.value, n: row.children[8].dataset.value,
}))"""
PARTS = """return [...document.querySelectorAll(arguments[0] + " tr[data-group]")].map((row) => [
  row.dataset.group, {...row.querySelector(".estimate").dataset,
  numbers: [...row.querySelectorAll(".number")].map((cell) => cell.dataset.value)},
])"""


def show(driver, board, fragment="", width=1280):
    """Load the page anew."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get("about:blank")
    driver.get(board.address + fragment)


def choose(driver, **wanted):
    """Set controls as a reader would."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    for name, value in wanted.items():
        if name in ("ties", "mean"):
            driver.find_element(By.ID, f"{name}-{value}").click()
        else:
            Select(driver.find_element(By.ID, f"filter-{name}")).select_by_value(value)


def rows(driver):
    return {
        row.pop("model"): {name: number(row[name]) for name in row if name != "title"}
        for row in driver.execute_script(ROWS)
    }


def number(text):
    return math.nan if text in ("NaN", "undefined", None) else float(text)


def press(driver, *keys):
    from selenium.webdriver import ActionChains

    for key in keys:
        ActionChains(driver).send_keys(key).perform()


def filtered(scores, wanted):
    for name, value in wanted.items():
        scores = scores.filter(pl.col(COLUMN[name]) == value)
    return scores


def credits(part, ties):
    return np.array([WORTH[ties].get(name, 0.0) for name in part["outcome"]])


def micro(part, ties):
    return clustered_wilson(credits(part, ties), part["cluster"].to_numpy())


def macro(part, ties):
    """The formula written out: the mean over criteria; its errors are those of the criteria, added up as squares."""
    found = [micro(group, ties) for _, group in part.group_by("aspect", maintain_order=True)]
    mean = sum(estimate.value for estimate in found) / len(found)
    below = math.hypot(*(estimate.value - estimate.low for estimate in found)) / len(found)
    above = math.hypot(*(estimate.high - estimate.value for estimate in found)) / len(found)
    return mean, mean - below, mean + above


def compared(driver):
    return {
        group: [number(row[name]) for name in ("value", "low", "high")] + [number(value) for value in row["numbers"]]
        for group, row in driver.execute_script(PARTS, "#comparison")
    }


def paired(first, second, ties):
    """The cluster-robust paired t test written out: mean difference, ends of its interval, p."""
    joined = first.with_columns(difference=credits(first, ties) - credits(second, ties))
    totals = joined.group_by("cluster").agg(pl.col("difference").sum(), size=pl.len())
    prompts, mean = totals.height, joined["difference"].mean()
    residuals = (totals["difference"] - totals["size"] * mean).to_numpy()
    error = math.sqrt(prompts / (prompts - 1) * (residuals**2).sum()) / first.height
    reach = stats.t.ppf(0.975, prompts - 1) * error
    return mean, mean - reach, mean + reach, 2 * stats.t.sf(abs(mean / error), prompts - 1)
