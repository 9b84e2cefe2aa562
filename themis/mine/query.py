"""The mining query, and the query for forks, in BigQuery SQL built from plain values."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from sqlglot import exp

from themis.errors import Problem
from themis.vocabulary import LICENSES

# A key of a commit's holders that can be grouped by, which an array cannot; no owner/name holds a double slash.
_HOLDERS = "TO_HEX(MD5(ARRAY_TO_STRING(c.repo_name, '//')))"


def mining_query(
    licenses: Sequence[str],
    languages: Sequence[str],
    min_message: int,
    max_message: int,
    *,
    dataset: str = "",
    verdicts: bool = False,
) -> str:
    """BigQuery SQL that yields one row per (commit, file) worth keeping, and one per reason with the commits it drops.

    `licenses` are classes of vocabulary.LICENSES; a repository declares one of `languages`; a trimmed message is longer
    than `min_message` and shorter than `max_message` characters; `dataset` holds the tables commits, licenses and
    languages. A row that counts has a `reason`, and nothing else but `commits`. With `verdicts` the query yields
    (commit, path, message, reason) for every commit instead.
    Raises Problem for an unknown class and where no language is given.

    Of commits it reads these columns and no others: commit, subject, message, author.{name,email}, committer.time_sec,
    parent, repo_name, difference_truncated and difference.{old,new}_{mode,path,sha1}; of the small tables everything.
    What that costs a dry run tells, before anything is paid.
    Kept rows and counts are one query because a second one would pay for the same columns again.

    Source: paper appendix B.1, without its defects: a commit changes one file, blocked messages are compared
    normalised, and a fork's commit is one row.
    """
    unknown = [name for name in licenses if name not in LICENSES]
    if unknown or not licenses:
        raise Problem(f"licence class {unknown[0] if unknown else 'missing'}: choose among {', '.join(LICENSES)}")
    if not languages:
        raise Problem("no language for the repositories to declare; name at least one, such as Python")
    return render(
        "query.sql.j2",
        dataset,
        holders=_HOLDERS,
        licenses=[literal(key) for key in sorted({key for name in licenses for key in LICENSES[name]})],
        languages=[literal(name) for name in sorted(set(languages))],
        rules=[(literal(reason), rule) for reason, rule in _rules(min_message, max_message)],
        verdicts=verdicts,
    )


def forks_query(dataset: str = "") -> str:
    """BigQuery SQL that yields (repo_name, other): enough pairs to connect all repositories that share a commit.

    For every commit of several repositories the first of them by name is paired with each other. Reads the one column
    commits.repo_name.
    """
    return render("forks.sql.j2", dataset)


def blocked_messages() -> tuple[list[str], list[str]]:
    """Whole messages, and LIKE patterns, that say nothing."""
    entries = lines("blocklist.txt")
    return [line for line in entries if "%" not in line], [line for line in entries if "%" in line]


def bot_authors() -> list[str]:
    """LIKE patterns of `name <email>` of authors that are programs."""
    return lines("bots.txt")


def render(template: str, dataset: str, **values: object) -> str:
    """The SQL of a template of this package, its tables those of `dataset`."""
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    text = files("themis.mine").joinpath(template).read_text(encoding="utf-8")

    def table(name: str) -> str:
        return f"`{dataset}.{name}`" if dataset else name

    return environment.from_string(text).render(table=table, **values).strip()


def _web_editor(verb: str) -> str:
    """What a code host's editor proposes for a message: the verb and the file's name."""
    return f"CONCAT('{verb} ', LOWER(REGEXP_EXTRACT(p.new_path, r'[^/]+$')))"


def literal(text: str) -> str:
    """A string in BigQuery SQL."""
    return exp.Literal.string(text).sql(dialect="bigquery")


def like_none(column: str, patterns: Sequence[str]) -> str:
    """The condition, in BigQuery SQL, that a column is like none of the patterns."""
    return " AND ".join(f"{column} NOT LIKE {literal(pattern)}" for pattern in patterns)


def lines(name: str) -> list[str]:
    """The lines of a text file of this package, without comments."""
    text = files("themis.mine").joinpath(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _rules(min_message: int, max_message: int) -> list[tuple[str, str]]:
    """What must hold of a commit, and the reason given where it does not; the first that fails counts.

    The block list stands before the length, so that its short entries are reached.
    """
    messages, patterns = blocked_messages()
    return [
        ("merge commit", "p.parents <= 1"),
        ("difference truncated", "NOT COALESCE(p.difference_truncated, FALSE)"),
        ("not a single-file change", "p.changes = 1"),
        ("added, deleted or renamed", "p.old_path = p.new_path"),
        ("contents unchanged", "p.old_blob <> p.new_blob"),
        ("no file mode", "p.old_mode IS NOT NULL AND p.new_mode IS NOT NULL"),
        ("path not UTF-8", "STRPOS(p.old_path, '\ufffd') = 0"),
        ("licence", "h.holders IS NOT NULL"),
        ("language of repository", "ARRAY_LENGTH(h.repositories) > 0"),
        ("block list", f"p.plain NOT IN ({', '.join(map(literal, messages))})"),
        ("message pattern", like_none("p.plain", patterns)),
        ("names the file only", f"p.plain NOT IN ({', '.join(_web_editor(verb) for verb in ('update', 'create'))})"),
        ("message length", f"CHAR_LENGTH(p.trimmed) > {min_message} AND CHAR_LENGTH(p.trimmed) < {max_message}"),
        ("bot", like_none("p.author", bot_authors())),
        ("no date", "p.committed_at IS NOT NULL"),
    ]
