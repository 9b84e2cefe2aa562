"""Every number of the leaderboard in a browser is Python's."""

import polars as pl
import pytest
from scipy import stats

from tests.browser.page import EXACT, PARTS, choose, compared, credits, filtered, macro, micro, paired, rows, show

pytestmark = pytest.mark.browser


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
