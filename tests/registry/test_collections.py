"""The registry of public data sets: the paper's two mixtures, complete, and no fact that is not of its form."""

import re

import pytest
from pydantic import ValidationError

from themis.registry.collections import FORM_PARTS, PublicCollection, public_collections

LINES = public_collections()
COMMITS, BUGGED = 126_586, 54_969  # the study's own commits, and what faults are put into


def of(mixture):
    return [line for line in LINES.values() if line.mixture == mixture]


def test_the_mixtures_add_up_to_the_papers():
    general, code = of("general"), [line for line in of("code") if line.paired]
    assert (len(general), sum(line.pairs for line in general)) == (9, 110_717)
    assert len(code) + 2 == 11
    assert sum(line.pairs for line in code) + COMMITS + BUGGED == 354_010
    assert [line.name for line in of("code") if not line.paired] == [
        "oss_instruct", "inverse_instruct", "mceval_instruct", "package_instruct",
    ]  # fmt: skip


def test_what_the_paper_publishes_is_there():
    published = [line for line in LINES.values() if (line.hub or "").startswith("project-themis/")]
    assert sorted(line.makes for line in published) == [
        "benchmark",
        "collection",
        "collection",
        "retrieved",
        "retrieved",
    ]
    assert {line.name: line.rows for line in published if line.rows} == {
        "themis_code": 354_010, "themis_general": 110_717, "themis_benchmark": 8_866,
    }  # fmt: skip


def test_hubs_revisions_and_citations_are_of_their_form():
    for line in LINES.values():
        assert line.hub is None or re.fullmatch(r"[\w.-]+/[\w.-]+", line.hub), line.name
        assert line.revision is None or re.fullmatch(r"[0-9a-f]{40}", line.revision), line.name
        assert line.citation is None or re.fullmatch(r"\d{4}\.\d{5}", line.citation), line.name
        assert line.recipe.endswith("."), line.name
        assert line.verified or line.form in FORM_PARTS
    assert [line.name for line in LINES.values() if line.hub is None] == ["codenet"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"form": "magic"}, "form magic is none of"),
        ({"columns": {"chosen": "a"}}, "no column for rejected"),
        ({"language": "Cobol"}, "language Cobol"),
        ({"aspect": None}, "no criterion"),
        ({"licence": "mit"}, "licence"),
        ({"name": "Skywork"}, "name"),
    ],
)
def test_a_line_that_is_wrong_is_refused(wrong, says):
    line = {
        "name": "x", "title": "X", "form": "pairs", "columns": {"chosen": "a", "rejected": "b"}, "language": "NL",
        "aspect": "helpfulness", "recipe": "All.", "verified": True,
    }  # fmt: skip
    assert PublicCollection.model_validate(line).reads == ["a", "b"]
    with pytest.raises(ValidationError, match=says):
        PublicCollection.model_validate(line | wrong)
