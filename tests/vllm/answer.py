"""Run by the Python that has vLLM: answer.py FOLDER ASKED ANSWERS. One engine answers list after list of requests.

ASKED: {"settings", "dtype", "calls": {name: {"requests": [...], "take": null or how many answers to take}}}, all JSON.
ANSWERS: {name: [answers as they came]}.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from pathlib import Path

from themis.generation import Request
from themis.generation.backends import generator_for


def main(folder: Path, asked: Path, answers: Path) -> None:
    given = json.loads(asked.read_text())
    generator = generator_for(folder, backend="vllm", settings=json.dumps(given["settings"]), dtype=given["dtype"])
    found = {}
    for name, call in given["calls"].items():
        requests = [Request(**{**fields, "options": tuple(fields["options"])}) for fields in call["requests"]]
        going = generator.generate(requests)
        found[name] = [dataclasses.asdict(completion) for completion in itertools.islice(going, call["take"])]
        going.close()
    answers.write_text(json.dumps(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
