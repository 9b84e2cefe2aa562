"""The merge state of a clone: how each commit came in, and which were reverted, by whatever name a revert gives them."""

from __future__ import annotations

import pytest

from themis.mine.merge_state import MergeState
from themis.repositories.log import read_log
from themis.repositories.repository import open_repository


class Story:
    """A main line that grows by named commits, and what its merge state says of them by name."""

    def __init__(self, repo) -> None:
        self.repo, self.names, self.last, self.count = repo, {}, [], 0

    def grow(self, name: str, message: str, *others: str, branch: str = "main", onto: str | None = None) -> str:
        self.count += 1
        parents = [*([onto] if onto else self.last), *others]
        commit = self.repo.commit({f"{self.count}.py": name}, message, parents=parents, branch=branch, when=1_500_000_000 + self.count)  # fmt: skip
        self.names[commit] = name
        if branch == "main":
            self.last = [commit]
        return commit

    def state(self) -> dict[str, tuple[bool, bool, str | None]]:
        with open_repository(self.repo.folder) as repository:
            state = MergeState(repository)
            for commit in read_log(repository):
                state.note(commit)
            rows = state.rows()
        assert [row[0] for row in rows] == sorted(self.names)
        return {self.names[commit]: rest for commit, *rest in rows}

    def reverted(self) -> set[str]:
        return {name for name, (_, reverted, _) in self.state().items() if reverted}


@pytest.fixture
def story(history) -> Story:
    return Story(history("ann/tool.git"))


def test_how_commits_reached_the_main_line(story):
    root = story.grow("root", "start")
    story.grow("squashed", "Add x (#1)")
    story.grow("squashed in gitlab", "Add y\n\nSee merge request group/tool!2")
    side = story.grow("side", "part one", branch="side", onto=root)
    side = story.grow("squash on the side", "part two (#3)", branch="side", onto=side)
    story.grow("merge", "Merge pull request #4 from bob/side", side)
    story.grow("plain", "fix #5")
    story.grow("loose", "never merged (#6)", branch="loose", onto=root)
    how = {name: (merged, how) for name, (merged, _, how) in story.state().items()}
    assert how == {
        "root": (True, "direct"), "squashed": (True, "squash"), "squashed in gitlab": (True, "squash"),
        "side": (True, "merge"), "squash on the side": (True, "merge"), "merge": (True, "merge"),
        "plain": (True, "direct"), "loose": (False, None),
    }  # fmt: skip


def test_a_revert_names_its_commit_by_subject(story):
    story.grow("first of the name", "Tidy the parser")
    story.grow("second of the name", "Tidy the parser")
    story.grow("revert", 'Revert "Tidy the parser"')
    story.grow("third of the name", "Tidy the parser")
    story.grow("other", "Tidy the parser too")
    story.grow("restored", "Grow the cache")
    story.grow("undone revert", 'Revert "Grow the cache"')
    story.grow("reapply", 'Reapply "Grow the cache"')
    story.grow("twice", "Drop the cache")
    story.grow("undone by name", 'Revert "Drop the cache"')
    story.grow("in the old way", 'Revert "Revert "Drop the cache""')
    story.grow("nothing", 'Revert "No such commit"')
    assert story.reverted() == {"second of the name", "undone revert", "undone by name"}


def test_a_revert_names_its_commit_by_request(story):
    root = story.grow("root", "start")
    story.grow("squash", "Add x (#12)")
    side = story.grow("side", "inside of a request", branch="side", onto=root)
    story.grow("merge", "Merge pull request #13 from bob/side\n\nAdd y", side)
    other = story.grow("gitlab side", "inside of another", branch="other", onto=root)
    story.grow("gitlab merge", "Merge branch 'other' into 'main'\n\nAdd z\n\nSee merge request group/tool!14", other)
    story.grow("namesake", "Add x")
    story.grow("twelve again", "See (#120)")
    story.grow("r1", 'Revert "Add x" (#20)\n\nReverts ann/tool#12')
    story.grow("r2", 'Revert "Add y"\n\nReverts ann/tool#13')
    story.grow("r3", "Revert \"Merge branch 'other' into 'main'\"\n\nThis reverts merge request !14")
    assert story.reverted() == {"squash", "merge", "side", "gitlab merge", "gitlab side"}


def test_several_reverts_in_one_message_and_a_merge_taken_back_to_its_second_parent(story):
    root = story.grow("root", "start")
    one = story.grow("one", "first change")
    two = story.grow("two", "second change")
    main = story.grow("three", "third change")
    side = story.grow("side", "aside", branch="side", onto=root)
    story.grow("several", f"Undo\n\nThis reverts commit {one}.\nThis reverts commit {two[:9]}.")
    assert story.reverted() == {"one", "two"}
    merge = story.grow("merge", "Merge side", side)
    story.grow("back to main", f"This reverts commit {merge}, reversing\nchanges made to {main[:12]}.")
    # `main` is no parent of the merge: then it goes back to the first parent.
    assert story.reverted() == {"one", "two", "merge", "side"}
    merge = story.grow("merge 2", "Merge side", side)
    story.grow("back to side", f"This reverts commit {merge}, reversing\nchanges made to {side[:12]}.")
    assert story.reverted() >= {"one", "two", "three", "several", "merge 2"}
    assert "root" not in story.reverted()


def test_a_revert_off_the_main_line_undoes_nothing(story):
    kept = story.grow("kept", "Keep this change")
    story.grow("by hash", f"This reverts commit {kept}.", branch="loose", onto=kept)
    story.grow("by subject", 'Revert "Keep this change"', branch="lost", onto=kept)
    story.grow("on", "goes on")
    assert story.reverted() == set()
