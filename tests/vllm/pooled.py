"""Run by the Python that has vLLM: -m tests.vllm.pooled ASKED ANSWERS. One scorer after the other scores lists of pairs.

ASKED: {name: {"options": of `scorer_for`, "lists": [[pairs]], "half": null or a cache of which half is there}}, all JSON.
ANSWERS: a folder of NAME.json: the lists' {id: score}.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from themis.score.families import scorer_for
from themis.score.protocol import Pair


def main(asked: Path, answers: Path) -> None:
    os.environ["TORCH_COMPILE_DISABLE"] = "1"  # as the scorer says it, before vLLM is there
    import vllm  # noqa: F401

    # Each has a process of its own, made by forking: engines do not give back all they take.
    for name, case in json.loads(asked.read_text()).items():
        child = os.fork()
        if child == 0:
            ended = 1
            try:
                (answers / f"{name}.json").write_text(json.dumps(scored(case)))
                ended = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(ended)  # not through the parent's clean-up
        if os.waitpid(child, 0)[1]:
            sys.exit(f"{name} failed")


def scored(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The scores of each list."""
    options = case["options"] | {"checkpoint": Path(case["options"]["checkpoint"])}
    options |= {"cache": options["cache"] and Path(options["cache"])}
    if case["half"]:
        whole = Path(case["half"]).read_bytes()
        options["cache"].write_bytes(whole[: len(whole) // 2])
    scorer = scorer_for("sequence_classifier", name="m", **options)
    lists = [[Pair(**pair) for pair in pairs] for pairs in case["lists"]]
    return [{row: dataclasses.asdict(score) for row, score in scorer.score(pairs)} for pairs in lists]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
