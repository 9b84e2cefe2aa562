"""The collections a study names exist, and what is misspelt is answered with the nearest name."""

import pytest

from themis.errors import Problem
from themis.study import validate


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"code": ["commit"]}, "code: commit is no collection; did you mean commits?"),
        ({"general": ["sky_work"]}, "general: sky_work is no collection; did you mean skywork?"),
        ({"code": ["oss_instruct"]}, "did you mean bugged_oss_instruct?"),
        ({"code": ["themis_benchmark"]}, "themis_benchmark is no collection"),
        ({"code": ["commits", "commits"]}, "code: a collection is named twice"),
        ({"places": {"commits": {"path": "x"}}}, "places: commits is no collection"),
        ({"places": {"venus": {"columns": {"promt": "x"}}}}, "places.venus.columns: promt is none of prompt"),
        ({"places": {"venus": {"pth": "x"}}}, "no such key; did you mean path?"),
        ({"missing": "ignore"}, "stop"),
    ],
)
def test_a_wrong_name_is_named(given, says):
    with pytest.raises(Problem) as caught:
        validate({"collections": given})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_own_and_public_collections_can_be_mixed():
    named = ["commits", "mutants", "bugs", "bugged_mceval_instruct", "venus", "themis_code"]
    places = {"themis_benchmark": {"path": "x"}}
    given = {"collections": {"code": named, "places": places, "missing": "skip"}, "bugs": {"writer": "smollm2"}}
    study = validate(given)
    assert study.collections.code == named
