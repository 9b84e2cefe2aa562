"""A licence is recognised by its text, with additions that do not change it, or by the address of a short notice."""

import pytest
from identify.vendor.licenses import LICENSES

from themis.repositories.license_text import license_of
from themis.vocabulary import LICENSES as CLASSES

TEXTS = dict(LICENSES)
MIT = TEXTS["MIT"]
NOTE = "\nNOTE: this software depends on another library, whose licence you have to keep as well.\n"


@pytest.mark.parametrize("name", TEXTS)
def test_every_known_text_is_itself(name):
    assert license_of(TEXTS[name]) == name.lower()


@pytest.mark.parametrize("name", TEXTS)
def test_a_title_a_year_other_line_breaks_and_a_note_change_nothing(name):
    rest = TEXTS[name].strip().partition("\n")[2]
    text = f"The licence\n\nCopyright (c) 2016 Ann Other.   \n{'  '.join(rest.split(' '))}".replace("\n", "\r\n")
    assert license_of(text + NOTE) == name.lower()


def test_all_licences_of_the_query_have_a_text():
    assert {key for keys in CLASSES.values() for key in keys} <= {name.lower() for name in TEXTS}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n \n",
        "All rights reserved.",
        MIT.replace(
            "without restriction", "for good and not for evil, with many a restriction that we name below: " + NOTE * 9
        ),
        MIT + TEXTS["ISC"],  # two licences
        MIT + NOTE * 9,  # more besides than a note
        MIT[: len(MIT) // 2],
        "Licensed under https://opensource.org/licenses/MIT or http://www.apache.org/licenses/LICENSE-2.0",
        "All but enterprise/ is under http://www.apache.org/licenses/LICENSE-2.0. For that, see the Elastic License.",
        "This is not under the licence of https://opensource.org/licenses/MIT.",
        "https://opensource.org/licenses/MIT" + " and so on" * 300,
        "see https://example.org/opensource.org-licenses",
    ],
)
def test_anything_else_is_none(text):
    assert license_of(text) is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("The tools are licenced under Apache 2.0: http://www.apache.org/licenses/LICENSE-2.0\n\nThe logo must not be used.", "apache-2.0"),
        ("See <https://opensource.org/licenses/MIT>.", "mit"),
        ("This file is subject to the terms of MPL 2.0: http://mozilla.org/MPL/2.0/.", "mpl-2.0"),
        ("http://www.gnu.org/licenses/lgpl-2.1.html", "lgpl-2.1"),
        ("Public domain, http://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
    ],
)  # fmt: skip
def test_a_notice_points_to_its_licence(text, key):
    assert license_of(text) == key
