# Where the pairs of the sets and of the benchmarks come from, and what is asked of them.
from themis.study.collections import BUGGED


def collection_of(name):
    """A collection as the sets are mixed from it: with its missing prompts recovered where the study says so."""
    recovered = config["recover"]["writer"] and name in config["recover"]["collections"]
    return f"results/{'recovered' if recovered else 'collections'}/{name}.parquet"


def place_of(wildcards):
    """Options that say where a public data set lies, and how much of it is taken."""
    place = config["collections"]["places"].get(wildcards.public, {})
    columns = place.get("columns", {})
    return [
        *(
            option(key.replace("_", "-"), place.get(key))
            for key in ("path", "hub", "revision", "max_rows")
        ),
        *(option("column", f"{part}={name}") for part, name in columns.items()),
    ]


def programs_of(wildcards):
    """The sound programs of a collection of faults: the study's commits, or a public collection."""
    name = wildcards.faults.removeprefix(BUGGED)
    if name == wildcards.faults:
        return "results/contents/accepted.parquet"
    return f"results/collections/{name}.parquet"


def instructions_of(wildcards):
    """What the programs were written for; a public collection says it itself."""
    own = not wildcards.faults.startswith(BUGGED)
    return f"results/instructions/{config['instruct']['writer']}.parquet" if own else []


def perplexity_options():
    """Options that say what tells a prompt's language, what measures its perplexity, and the limit."""
    settings = config["preferences"]
    perplexity = settings["perplexity"]
    model = perplexity["language_model"]
    return [
        option("language-identifier", settings["language_identifier"]),
        option("kenlm", perplexity["kenlm"]),
        option("sentencepiece", perplexity["sentencepiece"]),
        option("perplexity-model", model and f"results/language_models/{model}"),
        option("max-perplexity", perplexity["most"]),
    ]


def perplexity_files():
    """The files that these options name."""
    settings = config["preferences"]
    perplexity = settings["perplexity"]
    model = perplexity["language_model"]
    files = [
        settings["language_identifier"],
        perplexity["kenlm"],
        perplexity["sentencepiece"],
    ]
    return [path for path in files if path] + ([language_model(model)] if model else [])


def source_of_benchmark(wildcards):
    """The files of a public benchmark; none where the hub has them."""
    line = PUBLIC_BENCHMARKS[wildcards.public]
    fetched = f"results/fetched/{wildcards.public}" if line["urls"] else None
    return fetched or line["path"] or []


def benchmark_options(wildcards, path):
    """Options that say what a public benchmark's files are, and how much of them is taken."""
    line = PUBLIC_BENCHMARKS[wildcards.public]
    return [
        option("path", path or None),
        *(
            option(name, line[name])
            for name in ("format", "hub", "revision", "config", "aspect", "sample")
        ),
        *(option("split", split) for split in line["splits"]),
        *(option("column", f"{part}={name}") for part, name in line["columns"].items()),
    ]
