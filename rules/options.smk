# Values of params: options of commands as the settings say them, and what tells that a step is to be done again.
import shlex
from pathlib import Path


def shard_of(wildcards):
    """`--shard I --shards N` from Snakemake's `i-of-n`."""
    index, _, total = wildcards.scatteritem.partition("-of-")
    return f"--shard {int(index) - 1} --shards {total}"


def option(name, value):
    """An option with its value, or nothing where the value is none."""
    return "" if value is None else f"--{name} {shlex.quote(str(value))}"


def switch(name, value):
    """An option that is on or off."""
    name = name.replace("_", "-")
    return f"--{name}" if value else f"--no-{name}"


def balance_of(family):
    """Options that say within what a family's pairs are balanced by length; none where they are not."""
    settings = config[family]
    return [
        option("balance-within", column)
        for column in settings["balance_within"]
        if settings["balance"] == "downsample"
    ]


def sampling_of(stage):
    """Options that say how a stage's texts are written."""
    return [
        option(name.replace("_", "-"), config[stage][name])
        for name in ("max_new_tokens", "temperature", "top_p")
    ]


def is_url(source):
    """Whether runs scored elsewhere are to be fetched."""
    return source.startswith(("http://", "https://"))


def last_finished(wildcards):
    """When the newest benchmark file of another step was written: the cost is counted anew after it."""
    found = Path("results/logs").glob("*.tsv")
    return max(
        (path.stat().st_mtime_ns for path in found if path.name != "cost.tsv"),
        default=0,
    )
