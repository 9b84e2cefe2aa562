"""Conversations that several pairs have in common, as RM-Bench's three of each side and perturbed pairs do, scored once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from themis.prompting.packing import PackedPair, pack_ids
from themis.score.forward import conversations

Place = tuple[int, int]  # a row to compute, and 0 for its chosen conversation, 1 for its rejected one


@dataclass
class Plan:
    """The rows to compute, where each pair's two scores are found there, and which pairs are rows themselves."""

    rows: list[PackedPair] = field(default_factory=list)
    places: dict[str, tuple[Place, Place]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)


def plan(pairs: Mapping[str, PackedPair], packed: Callable[[PackedPair], PackedPair]) -> Plan:
    """Every conversation of the pairs once, in their order; a pair neither of whose conversations came before stays.

    A conversation whose partner came before goes with the next such one of the same prompt, or else beside itself.
    `packed` says how such a pair is computed.
    """
    made, names = Plan(), {}
    at: dict[bytes, Place] = {}
    left: dict[bytes, tuple[np.ndarray, int]] = {}
    for name, pair in pairs.items():
        both = conversations(pair)
        keys = names[name] = (_key(both[0], pair.prompt), _key(both[1], pair.prompt))
        if at.keys().isdisjoint(keys) and left.keys().isdisjoint(keys):
            at |= {keys[1]: (len(made.rows), 1)} | {keys[0]: (len(made.rows), 0)}  # which may be the same
            made.rows.append(pair)
            made.whole.add(name)
            continue
        left |= {key: (ids, pair.prompt) for key, ids in zip(keys, both, strict=True) if key not in at}
    waiting: dict[bytes, list[bytes]] = {}
    for key, (ids, prompt) in left.items():
        waiting.setdefault(_key(ids[:prompt], prompt), []).append(key)
    for keys in waiting.values():
        for two in (keys[start : start + 2] for start in range(0, len(keys), 2)):
            at |= {key: (len(made.rows), side) for side, key in enumerate(two)}
            first, last = left[two[0]], left[two[-1]]
            made.rows.append(packed(pack_ids(first[0].tolist(), last[0].tolist(), first[1])))
    made.places = {name: (at[chosen], at[rejected]) for name, (chosen, rejected) in names.items()}
    return made


def _key(ids: np.ndarray, prompt: int) -> bytes:
    return hashlib.blake2b(f"{prompt} ".encode() + np.ascontiguousarray(ids).tobytes(), digest_size=16).digest()
