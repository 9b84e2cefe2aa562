"""The leaderboard in a browser: its numbers are Python's, it needs no mouse and no network, and it fits the page."""

import json
import math
from itertools import product

import numpy as np
import polars as pl
import pytest
from scipy import stats

from themis.analysis.intervals import clustered_wilson
from themis.registry import reference_model

pytestmark = pytest.mark.browser

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


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"criterion": "functional_correctness"},
        {"criterion": "security_hardness", "language": "Go"},
        {"language": "C++", "subset": "S1"},
    ],
)
def test_every_number_is_the_one_python_computes(driver, shared, wanted):
    show(driver, shared)
    choose(driver, **wanted)
    part = filtered(shared.scores, wanted)
    for ties in ("half", "strict"):
        for mean, estimate in (("micro", micro), ("macro", macro)):
            choose(driver, ties=ties, mean=mean)
            shown = rows(driver)
            assert set(shown) == set(part["model"])
            for model, row in shown.items():
                own = part.filter(pl.col("model") == model)
                told = (row["value"], row["low"], row["high"])
                assert told == pytest.approx(tuple(estimate(own, ties)), abs=EXACT, nan_ok=True), (model, ties, mean)
                counts = [own["outcome"].eq(name).sum() for name in ("tie", "missing")]
                assert [row["ties"], row["missing"], row["n"]] == [*counts, own.height]


def test_with_a_prompt_each_pairs_count_in_full(driver, single):
    show(driver, single, "#ties=strict")
    for model, row in rows(driver).items():
        own = single.scores.filter(pl.col("model") == model)
        expected = stats.binomtest(int(own["outcome"].eq("win").sum()), own.height).proportion_ci(method="wilson")
        assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), abs=EXACT)


def test_a_profile_tells_the_same_by_criterion_and_language(driver, shared):
    show(driver, shared, "#model=LMUnit-qwen2.5-72b&subset=S2")
    told = dict(driver.execute_script(PARTS, ".profile"))
    part = filtered(shared.scores, {"subset": "S2"}).filter(pl.col("model") == "LMUnit-qwen2.5-72b")
    assert set(told) == set(part["aspect"]) | set(part["language"])
    for group, row in told.items():
        own = part.filter((pl.col("aspect") == group) | (pl.col("language") == group))
        assert [float(row[name]) for name in ("value", "low", "high")] == pytest.approx(
            tuple(micro(own, "half")), abs=EXACT
        )
        counts = [own["outcome"].eq("tie").sum(), own["outcome"].eq("missing").sum(), own.height]
        assert [int(value) for value in row["numbers"]] == counts
    text = driver.execute_script("return document.querySelector('.profile').textContent")
    assert "72 billion" in text
    assert "Generative" in text


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


def test_two_models_are_compared_as_python_compares_them(driver, shared):
    show(driver, shared)
    for model in ("AceCodeRM-7B", "LMUnit-qwen2.5-72b"):
        driver.find_element("css selector", f'[aria-label="Compare {model}"]').click()
    for ties in ("half", "strict"):
        choose(driver, ties=ties)
        told = compared(driver)
        first, second = (
            shared.scores.filter(pl.col("model") == model).sort("id")
            for model in ("AceCodeRM-7B", "LMUnit-qwen2.5-72b")
        )
        assert set(told) == {"overall", *first["aspect"]}
        for group, row in told.items():
            here = (first["aspect"] == group) | (group == "overall")
            assert row[:4] == pytest.approx(paired(first.filter(here), second.filter(here), ties), abs=EXACT)


@pytest.mark.parametrize("ties", ["half", "strict"])
def test_with_a_prompt_each_a_comparison_is_the_paired_t_test(driver, single, ties):
    show(driver, single, f"#ties={ties}&compare=Themis-RM-8B&compare=my-judge")
    told = compared(driver)
    first, second = (
        single.scores.filter(pl.col("model") == model).sort("id") for model in ("Themis-RM-8B", "my-judge")
    )
    for group, (difference, low, high, p, only_first, only_second, n) in told.items():
        here = (first["aspect"] == group) | (group == "overall")
        a, b = first.filter(here), second.filter(here)
        test = stats.ttest_1samp(credits(a, ties) - credits(b, ties), 0)
        ends = test.confidence_interval()
        mean = (credits(a, ties) - credits(b, ties)).mean()
        assert (difference, low, high, p) == pytest.approx((mean, ends.low, ends.high, test.pvalue), abs=EXACT)
        right, other = a["outcome"].eq("win").to_numpy(), b["outcome"].eq("win").to_numpy()
        assert (only_first, only_second, n) == ((right & ~other).sum(), (other & ~right).sum(), a.height)


def test_models_that_never_differ_have_p_1_and_no_lead(driver, shared):
    show(driver, shared, "#compare=my-judge&compare=my-judge-again")
    assert all(row[:6] == [0, 0, 0, 1, 0, 0] for row in compared(driver).values())
    assert "equally often" in driver.execute_script("return document.querySelector('.verdict').textContent")


def test_a_column_sorts_both_ways_with_unknown_sizes_last(driver, shared):
    show(driver, shared)
    table = rows(driver)
    size = {model: reference_model(model).size for model in table}
    keys = {
        "Model": lambda model: model.lower(),
        "Accuracy, %": lambda model: table[model]["value"],
        "Ties": lambda model: table[model]["ties"],
        "Size": lambda model: size[model],
    }
    for title, key in keys.items():
        for _ in range(2):
            click = (
                "[...document.querySelectorAll('th button')].find((b) => b.firstChild.data === arguments[0]).click()"
            )
            driver.execute_script(click, title)
            order = driver.execute_script("return document.querySelector('[aria-sort]:not([aria-sort=none])').ariaSort")
            values = [key(model) for model in rows(driver)]
            known = [value for value in values if value is not None]
            assert known == sorted(known, reverse=order == "descending"), title
            assert values[: len(known)] == known
    assert driver.execute_script("return document.querySelectorAll('[aria-sort]:not([aria-sort=none])').length") == 1


def test_filters_of_models_leave_ranks_as_they_are(driver, shared):
    show(driver, shared)
    before = {model: row["rank"] for model, row in rows(driver).items()}
    values = {model: row["value"] for model, row in rows(driver).items()}
    assert before == {model: 1 + sum(other > value for other in values.values()) for model, value in values.items()}
    for wanted, expected in (
        ({"family": "Themis"}, {"Themis-RM-8B"}),
        ({"class": "generative"}, {"LMUnit-qwen2.5-72b"}),
        ({"from": "8"}, {"Themis-RM-8B", "LMUnit-qwen2.5-72b"}),
        ({"to": "8"}, {"Themis-RM-8B", "AceCodeRM-7B"}),
    ):
        show(driver, shared)
        choose(driver, **wanted)
        shown = rows(driver)
        assert set(shown) == expected, wanted
        assert all(row["rank"] == before[model] for model, row in shown.items())
    show(driver, shared)
    driver.find_element("id", "filter-search").send_keys("JUDGE")
    assert set(rows(driver)) == {"my-judge", "my-judge-again"}
    said = driver.find_element("id", "summary")
    assert said.get_attribute("aria-live") == "polite"
    assert said.text.startswith("2 of 6 models on 420 pairs")


def test_the_address_tells_the_view_and_brings_it_back(driver, shared):
    show(driver, shared)
    choose(driver, language="Java", ties="strict", mean="macro", **{"class": "unknown"})
    driver.execute_script("document.querySelectorAll('th button')[1].click()")
    driver.execute_script("document.querySelector('.opener').click()")
    driver.execute_script("for (const box of document.querySelectorAll('.choose input')) box.click()")
    seen = "return document.getElementById('interactive').innerText"
    view, address = driver.execute_script(seen), driver.current_url
    show(driver, shared, address.removeprefix(shared.address))
    assert driver.execute_script(seen) == view
    assert driver.execute_script("return document.querySelectorAll('.choose input:checked').length") == 2
    show(driver, shared, "#language=Klingon&sort=luck&model=nobody&compare=nobody")
    assert len(rows(driver)) == 6
    assert "420 pairs;" in driver.find_element("id", "summary").text


def test_where_no_pair_is_left_the_page_says_so(driver, shared):
    show(driver, shared)
    present = set(shared.scores.select("aspect", "language", "subset").unique().iter_rows())
    aspect, language, subset = next(
        wanted
        for wanted in product(*(sorted(set(shared.scores[by])) for by in ("aspect", "language", "subset")))
        if wanted not in present
    )
    choose(driver, criterion=aspect, language=language, subset=subset)
    assert "No pair matches" in driver.find_element("id", "summary").text
    text = driver.execute_script("return document.querySelector('main').innerText")
    assert "NaN" not in text
    assert "undefined" not in text


def test_no_mouse_is_needed(driver, shared):
    from selenium.webdriver.common.keys import Keys

    show(driver, shared)
    active = "const e = document.activeElement; return e.firstChild?.data ?? e.id"

    def tab_to(wanted):
        for _ in range(60):
            press(driver, Keys.TAB)
            outline = driver.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none"
            if driver.execute_script(active) == wanted:
                return
        raise AssertionError(f"{wanted} cannot be reached")

    tab_to("Family")
    press(driver, Keys.ENTER)
    families = driver.execute_script("return [...document.querySelectorAll('td.family')].map((c) => c.textContent)")
    assert families == sorted(families, key=str.lower)
    first = driver.execute_script("return document.querySelector('.opener').textContent")
    tab_to(first)
    press(driver, Keys.ENTER)
    assert driver.execute_script("return document.querySelector('.profile h3').textContent") == first
    assert driver.execute_script("return document.activeElement.ariaExpanded") == "true"
    tab_to("Close")
    press(driver, Keys.ENTER)
    assert not driver.execute_script("return document.querySelector('.profile')")
    assert driver.execute_script(active) == first
    press(driver, Keys.TAB, Keys.SPACE)
    assert "choose a second" in driver.find_element("id", "tray-said").text


def test_a_click_anywhere_in_a_row_opens_its_profile(driver, shared):
    show(driver, shared)
    driver.find_element("css selector", "tr.entry td.family").click()
    opened = driver.execute_script("return document.querySelector('.profile h3').textContent")
    assert opened == next(iter(rows(driver)))


def test_every_control_says_what_it_is(driver, shared):
    show(driver, shared, "#model=my-judge&compare=my-judge&compare=Themis-RM-8B")
    unnamed = driver.execute_script(
        """return [...document.querySelectorAll("input, select, button")].filter((control) =>
        !(control.labels?.length || control.ariaLabel || control.textContent.trim())).map((c) => c.outerHTML)"""
    )
    assert unnamed == []
    named = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    controls = [
        node for node in named if node.get("role", {}).get("value") in ("combobox", "checkbox", "radio", "button")
    ]
    assert len(controls) > 30
    assert all(node["name"]["value"].strip() for node in controls if not node["ignored"])


@pytest.mark.parametrize("width", [1280, 800, 400])
def test_nothing_is_cut_off_or_lies_over_another(driver, shared, width):
    for fragment in ("", "#model=my-judge&ties=strict&mean=macro", "#compare=my-judge&compare=Themis-RM-8B"):
        show(driver, shared, fragment, width)
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        faults = driver.execute_script(
            """
            const faults = [];
            const shown = (e) => e.getClientRects().length && getComputedStyle(e).visibility !== "hidden";
            const box = (e) => e.getBoundingClientRect();
            const scrolled = (e) => e.closest("#board") && innerWidth >= 768 && innerWidth < 1024;
            const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
            for (const e of all("main select, main input, main button, .said, .number, figcaption")) {
              if (scrolled(e) || e.closest(".parts thead")) continue;
              if (box(e).left < 0 || box(e).right > innerWidth) faults.push("outside: " + e.outerHTML);
              if (e.matches("button, .said, .number") && e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
                faults.push("clipped: " + e.outerHTML);
            }
            const controls = all(".filters select, .filters input, .filters button, .filters label, .filters legend");
            const cells = all("tr.entry").map((row) => [...row.querySelectorAll(".opener, .bar, .said, .number, .family, input")]);
            const parts = all(".parts tbody tr").map((row) => [...row.querySelectorAll("th, .bar, .said, .number")]);
            for (const group of [controls, ...cells, ...parts]) {
              group.forEach((a, i) => group.slice(i + 1).forEach((b) => {
                const [p, q] = [box(a), box(b)];
                const apart = p.right <= q.left + 1 || q.right <= p.left + 1 || p.bottom <= q.top + 1 || q.bottom <= p.top + 1;
                if (!apart && !a.contains(b) && !b.contains(a)) faults.push(`${a.outerHTML} over ${b.outerHTML}`);
              }));
            }
            return faults.map((fault) => fault.slice(0, 300));
            """
        )
        assert faults == [], (width, fragment)


def test_a_hostile_name_stays_text(driver, shared):
    show(driver, shared, "#search=onerror")
    driver.execute_script("document.querySelector('.opener').click(); document.querySelector('.choose input').click()")
    assert driver.execute_script("return document.querySelector('.profile h3').textContent") == HOSTILE
    assert driver.execute_script("return document.querySelectorAll('#interactive img').length") == 0
    choose(driver, family=HOSTILE)
    assert HOSTILE in driver.find_element("id", "summary").text


def test_the_page_asks_nobody_for_anything_and_logs_no_error(driver, shared):
    driver.get("about:blank")
    driver.get_log("performance"), driver.get_log("browser")
    show(driver, shared, "#model=Themis-RM-8B&compare=my-judge&compare=Themis-RM-8B")
    choose(driver, language="Go", ties="strict", mean="macro")
    loaded = driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} <= {shared.address, "about:blank"}
    assert shared.address in asked
    assert driver.get_log("browser") == []
    assert driver.execute_script("return document.querySelector('figure img').naturalWidth") == 1500


def test_without_scripts_the_accuracies_are_still_there(driver, shared):
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(driver, shared)
        text = driver.find_element("tag name", "main").text
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    own = shared.scores.filter(pl.col("model") == "Themis-RM-8B")
    assert f"{own['outcome'].eq('win').mean():.1%}" in text
    assert "Size from" not in text
    assert HOSTILE in text
