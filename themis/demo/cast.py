"""Who is in the corpus: which project speaks which language with which words, in which window, under which licence."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

from themis import chance
from themis.demo.chronicle import Chronicle
from themis.demo.domains import Domain, domains
from themis.demo.history import History
from themis.demo.improvements import Improvement, improvement, improvements, near_duplicate
from themis.demo.incidental import Balance
from themis.demo.licences import COPYLEFT, PERMISSIVE
from themis.demo.noise import endless_noise
from themis.demo.project import Project
from themis.demo.telling import Planned, tell
from themis.demo.templates import Code, all_code
from themis.errors import Problem
from themis.vocabulary import CODE_CRITERIA

# The first and last day of a commit; both lie inside the default study's windows.
WINDOWS = {
    "train": (datetime.date(2015, 1, 5), datetime.date(2019, 2, 20)),
    "benchmark": (datetime.date(2019, 6, 5), datetime.date(2021, 1, 20)),
}
_NOISE_REPOSITORY = 24  # commits of a fork, a copyleft or a vendoring repository
_VENDORED = 6  # improvements that a vendoring repository follows
_FORKED = 0.6  # share of the origin's main line that a fork starts with


@dataclass(frozen=True)
class Told:
    """A repository's whole history with dates."""

    project: Project
    window: str
    history: History


def cast(
    seed: int, repositories_per_language: int, families: int, training_pairs: int, benchmark_pairs: int, commits: int
) -> list[Told]:
    """The histories of all repositories: those of each language, then one copyleft, one vendoring and one fork.

    The last repository of a language has its commits in the benchmark window, all others in the training window.
    Raises Problem where there are too few vocabularies or code families.
    """
    languages = all_code()
    words = _shuffled_domains(seed, len(languages) * repositories_per_language + 2)
    noise, balance = endless_noise(seed), Balance(seed)
    each = -(-commits // (len(languages) * repositories_per_language))
    told: list[Told] = []
    planned: dict[str, list[Improvement]] = {}
    for code in languages:
        projects = [_project(seed, code, words.pop()) for _ in range(repositories_per_language)]
        pairs = (training_pairs, benchmark_pairs)
        items = improvements(seed, projects[:-1], projects[-1], families, pairs, balance)
        for project in projects:
            own = planned[project.name] = [item for owner, item in items if owner is project]
            chronicle = Chronicle(project)
            window = "benchmark" if project is projects[-1] else "train"
            licence = PERMISSIVE[len(told) % len(PERMISSIVE)]
            chronicle.begin(licence, WINDOWS[window][0].year)
            tell(chronicle, _with_repetition(project, own), noise, each)
            told.append(_dated(project, window, chronicle.history))
    training = [one for one in told if one.window == "train"]

    copyleft = _project(seed, chance.pick(seed, "copyleft language", "", languages), words.pop())
    chronicle = Chronicle(copyleft)
    chronicle.begin(COPYLEFT, WINDOWS["train"][0].year)
    tell(chronicle, _copyleft(copyleft, families), noise, _NOISE_REPOSITORY)
    told.append(_dated(copyleft, "train", chronicle.history))

    source = chance.pick(seed, "vendored repository", "", training).project
    vendoring = _project(seed, source.code, words.pop())
    chronicle = Chronicle(vendoring)
    chronicle.begin("MIT", WINDOWS["train"][0].year)
    tell(chronicle, _vendored(source, planned[source.name]), noise, _NOISE_REPOSITORY)
    told.append(_dated(vendoring, "train", chronicle.history))

    origin = chance.pick(seed, "forked repository", "", training)
    told.append(_fork(seed, origin, noise_commits=_NOISE_REPOSITORY))
    return told


def _shuffled_domains(seed: int, needed: int) -> list[Domain]:
    available = domains()
    if needed > len(available):
        raise Problem(
            f"--repositories-per-language asks for {needed} vocabularies, themis/demo/domains.yaml has {len(available)}; "
            f"ask for at most {(len(available) - 2) // 8} repositories per language"
        )
    return [available[i] for i in chance.order(seed, "domains", [domain.namespace for domain in available])]


def _project(seed: int, code: Code, domain: Domain) -> Project:
    return Project(seed, f"{domain.owner}/{domain.name}", code, domain)


def _with_repetition(project: Project, items: list[Improvement]) -> list[Planned]:
    planned = [Planned(item, "improvement") for item in items]
    if items:
        position = project.choose("repeated improvement", range(len(items)))
        planned.append(Planned(near_duplicate(project, items[position]), "near_duplicate", repeats=position))
    return planned


def _copyleft(project: Project, families: int) -> list[Planned]:
    """One improvement per criterion, which the licence keeps out of every table."""
    planned = []
    for criterion in CODE_CRITERIA:
        family = project.choose("copyleft family", project.code.families[criterion.value][:families])
        planned.append(Planned(improvement(project, family, f"copyleft {criterion.value}", v=3), "copyleft"))
    return planned


def _vendored(source: Project, items: list[Improvement]) -> list[Planned]:
    """Copies of another repository's files, which follow its improvements."""
    folder = f"third_party/{source.domain.name}"
    return [
        Planned(replace(item, path=f"{folder}/{item.path}", message=f"{folder}: {item.message}"), "vendored")
        for item in items[:_VENDORED]
    ]


def _fork(seed: int, origin: Told, noise_commits: int) -> Told:
    """The origin's first commits under another owner, and commits of its own."""
    person = origin.project.people[-1]
    owner = person.email.split("@")[0].replace(".", "")
    project = Project(seed, f"{owner}/{origin.project.domain.name}", origin.project.code, origin.project.domain)
    chronicle = Chronicle(project, origin.history.fork(_FORKED))
    chronicle.add_together(dict(chronicle.new_helper() for _ in range(3)))
    while len(chronicle.history.commits) - chronicle.history.shared < noise_commits:
        chronicle.edit("fork")
        if project.happens("fork reads", 0.4):
            chronicle.document()
    start = max(commit.time for commit in chronicle.history.commits)
    chronicle.history.date(seed, project.name, start + 86_400, _seconds(WINDOWS["train"][1]))
    return Told(project, "train", chronicle.history)


def _dated(project: Project, window: str, history: History) -> Told:
    first, last = (_seconds(day) for day in WINDOWS[window])
    start = first + int((last - first) * 0.3 * chance.uniform(project.seed, "first day", project.name))
    end = last - int((last - first) * 0.15 * chance.uniform(project.seed, "last day", project.name))
    history.date(project.seed, project.name, start, end)
    return Told(project, window, history)


def _seconds(day: datetime.date) -> int:
    return int(datetime.datetime(day.year, day.month, day.day, 12, tzinfo=datetime.UTC).timestamp())
