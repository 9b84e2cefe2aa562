"""Run by the Python that has vLLM: vllm_turns.py ours|bare FOLDER. At every line read, answers a round of requests.

Prints `ready` when the engine is up, then for each line, which names a round, the seconds and tokens it took.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from themis.generation import Request
from themis.generation.vllm_backend import VllmGenerator
from themis.study.models import Vllm

OPTIONS, TEXTS, NEW_TOKENS, THREADS = 24, 40, 16, 1  # of a round
SETTINGS = Vllm(memory=0.15, max_context=1024, max_sequences=32)
_DTYPE = "bfloat16"
_SYSTEM = "You are a careful reviewer of code. Say what is asked for, and nothing else. " * 4
_WORDS = ("add", "remove", "the", "parser", "cache", "reader", "of", "value", "list", "path", "when", "empty", "first")


def requests(name: str) -> list[Request]:
    """A round: ratings and sampled texts about prompts of 100 to 170 tokens, unlike those of every other round."""
    source = random.Random(name)
    made = []
    for number in range(OPTIONS + TEXTS):
        user = " ".join(source.choices(_WORDS, k=source.randrange(20, 90)))
        own = (
            {"options": ("1", "2", "3", "4", "5")}
            if number < OPTIONS
            else {"max_new_tokens": NEW_TOKENS, "temperature": 0.8, "seed": number}
        )
        made.append(Request(key=f"{name}/{number}", system=_SYSTEM, user=user, **own))
    return made


def ours(folder: Path) -> Callable[[Sequence[Request]], int]:
    """The back end of the kit; answers a round and returns the tokens it wrote."""
    generator = VllmGenerator(folder, _DTYPE, SETTINGS, THREADS)

    def answer(asked: Sequence[Request]) -> int:
        found = list(generator.generate(asked))
        assert not any(completion.missing_reason for completion in found)
        return sum(completion.new_tokens or 1 for completion in found)

    return answer


def bare(folder: Path) -> Callable[[Sequence[Request]], int]:
    """The engine by its own `LLM.generate`, given the same token ids and sampling parameters, and the same settings."""
    os.environ.update(VLLM_LOGGING_LEVEL="ERROR", VLLM_NO_USAGE_STATS="1")
    os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", TORCH_COMPILE_DISABLE="1")
    import torch
    from vllm import LLM, SamplingParams

    from themis.generation.prompts import option_ids, prompt_ids, stop_ids
    from themis.prompting.chat import Chat

    torch.set_num_threads(THREADS)
    chat = Chat.load(folder)
    engine = LLM(
        str(folder),
        dtype=_DTYPE,
        max_model_len=SETTINGS.max_context,
        max_num_seqs=SETTINGS.max_sequences,
        gpu_memory_utilization=SETTINGS.memory,
        enforce_eager=True,
        enable_chunked_prefill=False,  # with it, seeds end the engine on a CPU
    )
    stops = sorted(stop_ids(chat, folder))

    def sampling(request: Request) -> SamplingParams:
        if request.options:
            return SamplingParams(temperature=0, max_tokens=1, logprob_token_ids=option_ids(chat, request.options))
        return SamplingParams(
            temperature=request.temperature, seed=request.seed, max_tokens=request.max_new_tokens, stop_token_ids=stops
        )

    def answer(asked: Sequence[Request]) -> int:
        prompts = [{"prompt_token_ids": prompt_ids(chat, request, SETTINGS.max_context, 1)} for request in asked]
        found = engine.generate(prompts, [sampling(request) for request in asked], use_tqdm=False)
        return sum(len(output.outputs[0].token_ids) for output in found)

    return answer


def main(whose: str, folder: Path) -> None:
    """Answer rounds as they are named on standard input."""
    answer = {"ours": ours, "bare": bare}[whose](folder)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = requests(line.strip())
        began = time.perf_counter()
        tokens = answer(asked)
        print(time.perf_counter() - began, tokens, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
