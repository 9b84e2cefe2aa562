"""The leaderboard in a browser needs no mouse and no network, and it fits the page."""

import json
from itertools import product

import polars as pl
import pytest

from tests.browser.page import HOSTILE, choose, press, rows, show
from themis.registry import reference_model

pytestmark = pytest.mark.browser


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
