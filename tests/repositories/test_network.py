"""How hosts are asked: so many requests at a time, so often again, and what their failures mean."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import pytest

from themis.repositories.git import GitProblem
from themis.repositories.network import ABSENT, REFUSED, SILENT, Limits, Network, Unreached


def test_each_host_has_its_own_limit():
    """Four requests wait for each other: they meet only where two hosts are asked twice at the same time."""
    network = Network(Limits(per_host=2))
    meeting, lock = Barrier(4), Lock()
    open_now: Counter[str] = Counter()
    most: Counter[str] = Counter()

    def ask(host: str) -> None:
        def request() -> None:
            with lock:
                open_now[host] += 1
                most[host] = max(most[host], open_now[host])
            meeting.wait(30)
            with lock:
                open_now[host] -= 1

        network.ask(f"https://{host}/owner/name.git", request)

    with ThreadPoolExecutor(8) as pool:
        for task in [pool.submit(ask, host) for host in ("a.org",) * 4 + ("b.org",) * 4]:
            task.result()
    assert most == {"a.org": 2, "b.org": 2}


@pytest.mark.parametrize(
    ("said", "reason", "requests"),
    [
        ("fatal: unable to access 'https://h/o/n.git/': The requested URL returned error: 403", REFUSED, 3),
        (
            "error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429\nfatal: expected 'packfile'",
            REFUSED,
            3,
        ),
        ("fatal: unable to access 'https://h/o/n.git/': The requested URL returned error: 500", SILENT, 3),
        ("fatal: unable to access 'https://h/o/n.git/': Could not resolve host: h", SILENT, 3),
        ("error: RPC failed; curl 28 Operation too slow. Less than 1000 bytes/sec", SILENT, 3),
        ("fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF", SILENT, 3),
        ("", SILENT, 3),
        ("fatal: repository 'https://h/o/n.git/' not found", ABSENT, 1),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", ABSENT, 1),
        ("fatal: unable to access 'https://h/o/n.git/': The requested URL returned error: 451", ABSENT, 1),
        ("fatal: remote error: access denied or repository not exported: /o/n", ABSENT, 1),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", ABSENT, 1),
    ],
)
def test_what_failures_mean(said, reason, requests):
    network, url = Network(Limits(tries=3, wait_s=0.001)), "https://h/o/n.git"

    def fail() -> None:
        raise GitProblem("git failed", said)

    with pytest.raises(Unreached) as caught:
        network.ask(url, fail)
    assert (caught.value.reason, network.requests[url]) == (reason, requests)


def test_a_full_disk_is_not_the_fault_of_the_host():
    def fail() -> None:
        raise GitProblem("git failed", "fatal: write error: No space left on device")

    with pytest.raises(GitProblem):
        Network(Limits(wait_s=0.001)).ask("https://h/o/n.git", fail)


def test_a_host_that_answers_in_between_is_not_given_up():
    network, url = Network(Limits(tries=1, given_up=2)), "https://h/o/n.git"

    def fail() -> None:
        raise GitProblem("git failed", "HTTP 503")

    for _ in range(3):
        with pytest.raises(Unreached, match="git failed"):
            network.ask(url, fail)
        assert network.ask(url, lambda: "answer") == "answer"
    for _ in range(2):
        with pytest.raises(Unreached, match="git failed"):
            network.ask(url, fail)
    with pytest.raises(Unreached, match="not asked, h failed 2 times in a row"):
        network.ask(url, lambda: "answer")
