"""The mining query in BigQuery SQL, built from plain values; and the same query counting why commits are left out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from sqlglot import exp

from themis.errors import Problem
from themis.vocabulary import LICENSES, MINED_LANGUAGES

PUBLIC_DATASET = "bigquery-public-data.github_repos"


def mining_query(
    licenses: Sequence[str], min_message: int, max_message: int, *, dataset: str = "", count: bool = False
) -> str:
    """BigQuery SQL that yields one row per (commit, file) worth keeping, or with `count` one per reason for leaving out.

    `licenses` are classes of vocabulary.LICENSES; a trimmed message is longer than `min_message` and shorter than
    `max_message` characters; `dataset` holds the tables commits, licenses and languages. A reason of NULL counts the
    commits that are kept. Raises Problem for an unknown class. Source: paper appendix B.1, without its defects: a
    commit changes one file, blocked messages are compared normalised, and a fork's commit is one row.
    """
    unknown = [name for name in licenses if name not in LICENSES]
    if unknown or not licenses:
        raise Problem(f"licence class {unknown[0] if unknown else 'missing'}: choose among {', '.join(LICENSES)}")
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    template = environment.from_string(files("themis.mine").joinpath("query.sql.j2").read_text(encoding="utf-8"))
    return template.render(
        table=lambda name: f"`{dataset}.{name}`" if dataset else name,
        licenses=[_literal(key) for key in sorted({key for name in licenses for key in LICENSES[name]})],
        languages=[_literal(name) for name in sorted(MINED_LANGUAGES)],
        rules=[(_literal(reason), rule) for reason, rule in _rules(min_message, max_message)],
        count=count,
    ).strip()


def blocked_messages() -> tuple[list[str], list[str]]:
    """Whole messages, and LIKE patterns, that say nothing."""
    lines = _lines("blocklist.txt")
    return [line for line in lines if "%" not in line], [line for line in lines if "%" in line]


def bot_authors() -> list[str]:
    """LIKE patterns of `name <email>` of authors that are programs."""
    return _lines("bots.txt")


def _rules(min_message: int, max_message: int) -> list[tuple[str, str]]:
    """What must hold of a commit, and the reason given where it does not; the first that fails counts.

    The block list stands before the length, so that its short entries are reached.
    """
    messages, patterns = blocked_messages()
    return [
        ("merge commit", "p.parents <= 1"),
        ("difference truncated", "NOT COALESCE(p.difference_truncated, FALSE)"),
        ("not a single-file change", "p.changes = 1"),
        ("added, deleted or renamed", "p.change.old_path = p.change.new_path"),
        ("contents unchanged", "p.change.old_sha1 <> p.change.new_sha1"),
        ("path not UTF-8", "STRPOS(p.change.old_path, '\ufffd') = 0"),
        ("licence", "h.commit IS NOT NULL"),
        ("language of repository", "ARRAY_LENGTH(h.repositories) > 0"),
        ("block list", f"p.plain NOT IN ({', '.join(map(_literal, messages))})"),
        ("message pattern", _like_none("p.plain", patterns)),
        ("message length", f"CHAR_LENGTH(p.trimmed) > {min_message} AND CHAR_LENGTH(p.trimmed) < {max_message}"),
        ("bot", _like_none("p.author", bot_authors())),
        ("no date", "p.committed_at IS NOT NULL"),
    ]


def _like_none(column: str, patterns: Sequence[str]) -> str:
    return " AND ".join(f"{column} NOT LIKE {_literal(pattern)}" for pattern in patterns)


def _literal(text: str) -> str:
    return exp.Literal.string(text).sql(dialect="bigquery")


def _lines(name: str) -> list[str]:
    text = files("themis.mine").joinpath(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
