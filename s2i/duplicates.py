"""Photos of the same motif are kept out of each other's splits, by perceptual hash."""

from collections.abc import Iterator

import imagehash
import numpy as np
from PIL import Image

from s2i.quarantine import Refused

NEAR_DUPLICATE = "near-duplicate"
PRECEDENCE = ("test", "val", "train")  # of two splits that share a motif, the later one gives its photo up


def motif(picture: np.ndarray) -> str:
    """What a picture (H, W, 3) uint8 shows at a glance, 64 bits in 16 hexadecimal digits.

    It hardly changes when the picture is saved or scaled again.
    Source: imagehash.phash, the signs of a picture's 8 x 8 lowest cosine frequencies around their median.
    """
    return str(imagehash.phash(Image.fromarray(picture)))


def without_leaks(records: list[dict], distance: int) -> tuple[list[dict], list[Refused]]:
    """The records whose `motif` no more important split holds too, and the others refused.

    A split is drawn from each photo's own content, so no photo ever moves when others come: where two of one motif
    were drawn into different splits, only one of them is used.
    """
    if not records:
        return [], []
    hashes = np.array([imagehash.hex_to_hash(record["motif"]).hash.ravel() for record in records])
    given_up: dict[int, Refused] = {}
    ranks = [PRECEDENCE.index(record["split"]) for record in records]
    pairs = [sorted(pair, key=ranks.__getitem__) for pair in near_pairs(hashes, distance)]
    for keeps, gives in sorted(pairs, key=lambda pair: ranks[pair[0]]):
        if ranks[keeps] != ranks[gives] and keeps not in given_up:  # what is not used itself takes nothing away
            detail = f"of {records[keeps]['source']}, which is in {records[keeps]['split']}"
            given_up.setdefault(gives, Refused(records[gives]["source"], NEAR_DUPLICATE, detail))
    kept = [record for place, record in enumerate(records) if place not in given_up]
    return kept, [given_up[place] for place in sorted(given_up)]


def near_pairs(hashes: np.ndarray, distance: int) -> Iterator[tuple[int, int]]:
    """The pairs (i < j) of rows of hashes (N, bits) bool that differ in at most ``distance`` bits, in order.

    Cut into distance + 1 bands, two such rows agree in at least one whole band: only rows that share a band are
    compared, which keeps the work near N for photos that differ.
    """
    pairs = set()
    for band in np.array_split(np.arange(hashes.shape[1]), distance + 1):
        keys = np.packbits(hashes[:, band], axis=1)
        _, key = np.unique(keys, axis=0, return_inverse=True)
        order = np.argsort(key, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
            pairs |= set(_near(group, hashes, distance))
    yield from sorted(pairs)


def _near(group: np.ndarray, hashes: np.ndarray, distance: int) -> Iterator[tuple[int, int]]:
    for place, row in enumerate(group[:-1]):
        others = group[place + 1 :]
        for other in others[(hashes[others] != hashes[row]).sum(axis=1) <= distance]:
            yield int(min(row, other)), int(max(row, other))
