"""A training set of the paper's size from made-up collections: 354,010 pairs, 3 GB of text, in time and in memory.

THEMIS_BENCH_ROWS makes it smaller, THEMIS_BENCH_TOKENIZER names a checkpoint folder whose tokenizer counts.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.benchmarks.assemble_corpus import PLANTED, training_texts, write_benchmark, write_collections
from tests.benchmarks.result import Result
from themis import records
from themis.prompting.chat import Chat
from themis.syntax.parse import depth

PAIRS, MINUTES, GIB, THREADS = 354_010, 25, 4, 2
SAMPLE = 200  # pairs that the peer judges
_WORDS, _SHINGLE, _MAX_TOKENS = 13, 20, 4096
_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_OPTIONS = (
    f"--name code --max-tokens {_MAX_TOKENS} --min-syntax-depth 3 --english --max-perplexity 1200 --near-duplicate 0.75"
    f" --shingle {_SHINGLE} --overlap-words {_WORDS} --share-none 0.15 --share-all 0.2 --share-single 0.65"
    f" --share-subset 0 --balance-within source --seed 1 --threads {THREADS}"
)
_PROGRAM = """
import json, re, resource, sys, time
from pathlib import Path
from themis.cli import main
sys.argv[0] = "themis"
began = time.perf_counter()
try:
    main()
except SystemExit as end:
    if end.code:
        raise
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
# Not getrusage's figure: that of the process this one was forked from is in it.
peak = int(re.search("VmHWM:[^0-9]*([0-9]+)", Path("/proc/self/status").read_text())[1])
processor = sum(one.ru_utime + one.ru_stime for one in used)
print(json.dumps([time.perf_counter() - began, processor, peak / 2**20, used[1].ru_utime]))
"""


def measure() -> Result:
    """Seconds a thousand pairs, beside a loop over pairs that does the same without batches or shortcuts."""
    pairs = int(os.environ.get("THEMIS_BENCH_ROWS", PAIRS))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tokenizer = _tokenizer(folder / "tokenizer")
        write_benchmark(folder / "benchmark.parquet")
        collections, size, planted = write_collections(folder, pairs, folder / "benchmark.parquet")
        names = {name: str(folder / f"{name}.parquet") for name in ("out", "ledger", "lengths")}
        command = ["assemble", names["out"], *_OPTIONS.split(), "--tokenizer", str(tokenizer)]
        command += ["--ledger", names["ledger"], "--lengths", names["lengths"]]
        command += ["--benchmark", str(folder / "benchmark.parquet")]
        command += [part for path in collections for part in ("--collection", str(path))]
        load = os.getloadavg()[0]
        done = subprocess.run([sys.executable, "-c", _PROGRAM, *command], check=True, stdout=subprocess.PIPE, text=True)
        seconds, processor, peak, children = json.loads(done.stdout.splitlines()[-1])
        wrong = _wrong(folder, pairs, planted)
        peer = _peer(collections[0], folder / "benchmark.parquet", tokenizer)
    note = (
        f"{pairs:,} pairs, {size / 1e9:.2f} GB in {seconds / 60:.1f} min ({pairs / seconds:.0f} pairs/s,"
        f" {size / 1e6 / seconds:.1f} MB/s; bar {MINUTES} min for {PAIRS:,}); {processor / 60:.1f} min of processor time,"
        f" load before {load:.1f}; peak {peak:.2f} GiB (bar {GIB}){wrong}"
    )
    limit = MINUTES * 60 / PAIRS * 1000
    true = peak <= GIB and not wrong and children < 10  # seconds: what it starts does no work, so the peak is all
    return Result("s a thousand pairs", seconds / pairs * 1000, peer, "a loop over pairs", 2, note, limit, true)


def _tokenizer(folder: Path) -> Path:
    named = os.environ.get("THEMIS_BENCH_TOKENIZER")
    if named:
        return Path(named)
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=32_000, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    raw.train_from_iterator(training_texts(), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token=special[1], eos_token=special[2], pad_token=special[0]
    )
    fast.chat_template = _CHATML
    fast.save_pretrained(folder)
    return folder


def _wrong(folder: Path, pairs: int, planted: dict[str, int]) -> str:
    """What does not add up: every pair is accounted for, and each that was made to be dropped is, for its reason."""
    ledger = records.read(folder / "ledger.parquet", "attrition").to_pylist()
    counted: Counter[str] = Counter()
    for row in ledger:
        counted[row["reason"]] += row["rows_dropped"]
    scopes = {row["scope"]: (row["rows_in"], row["rows_kept"]) for row in ledger}
    given, kept = map(sum, zip(*scopes.values(), strict=True))
    wrong = [
        f"{reason}: {counted[reason]:,} of {planted[reason]:,}"
        for reason in PLANTED
        if counted[reason] != planted[reason]
    ]
    if given != kept + sum(counted.values()) or abs(given - pairs) > len(scopes):
        wrong.append(f"{given:,} pairs in, {kept:,} kept, {sum(counted.values()):,} dropped")
    return f"; WRONG: {'; '.join(wrong)}" if wrong else ""


def _peer(collection: Path, benchmark: Path, tokenizer: Path) -> float:
    """Seconds a thousand pairs: one template and one whole tree for each response, sets of words in Python, and the
    reference MinHash."""
    from datasketch import MinHash

    chat = Chat.load(tokenizer)
    prompts = records.read(benchmark, "benchmark", ["prompt"])["prompt"].to_pylist()
    known = {run for prompt in prompts[:500] for run in _runs(prompt, _WORDS)}
    rows = next(records.stream(collection, "collection", rows=SAMPLE)).to_pylist()
    rows = [row for row in rows if row["input"] and "<|im_end|>" not in row["rejected"]]
    began = time.perf_counter()
    for row in rows:
        for response in (row["chosen"], row["rejected"]):
            if (
                len(chat.conversation(None, row["input"], response)) > _MAX_TOKENS
                or depth(response, row["language"]) < 3
            ):
                break
        sketch = MinHash(num_perm=256)
        sketch.update_batch([" ".join(run).encode() for run in _runs(f"{row['input']}\n{row['chosen']}", _SHINGLE)])
        any(not known.isdisjoint(_runs(row[name], _WORDS)) for name in ("input", "chosen", "rejected"))
    return (time.perf_counter() - began) / len(rows) * 1000


def _runs(text: str, words: int) -> set[tuple[str, ...]]:
    found = re.findall(r"[a-z0-9_]+", text.lower())
    return {tuple(found[at : at + words]) for at in range(len(found) - words + 1)}
