"""Photos of the same motif are kept out of each other's splits, by perceptual hash."""

import imagehash
import numpy as np
from PIL import Image

from s2i.core.quarantine import Refused

NEAR_DUPLICATE = "near-duplicate"
PRECEDENCE = ("test", "val", "train")  # of two splits that share a motif, the later one gives its photo up


def motif(image: np.ndarray) -> str:
    """What an image (H, W, 3) uint8 shows at a glance, 64 bits in 16 hexadecimal digits.

    It hardly changes when the image is saved or scaled again.
    Source: imagehash.phash, the signs of an image's 8 x 8 lowest cosine frequencies around their median.
    """
    return str(imagehash.phash(Image.fromarray(image)))


def without_leaks(records: list[dict], distance: int) -> tuple[list[dict], list[Refused]]:
    """The records whose `motif` no more important split holds too, and the others refused.

    A split is drawn from each photo's own content, so no photo ever moves when others come: where two of one motif
    were drawn into different splits, only one of them is used.
    """
    hashes = np.array([imagehash.hex_to_hash(record["motif"]).hash.ravel() for record in records])
    given_up: dict[int, Refused] = {}
    used: list[int] = []
    for split in PRECEDENCE:
        own = [place for place, record in enumerate(records) if record["split"] == split]
        for place, near in zip(own, first_near(hashes[own], hashes[used], distance), strict=True):
            if near is not None:
                detail = f"of {records[used[near]]['source']}, which is in {records[used[near]]['split']}"
                given_up[place] = Refused(records[place]["source"], NEAR_DUPLICATE, detail)
        used += [place for place in own if place not in given_up]  # what is not used itself takes nothing away
    return [records[place] for place in sorted(used)], [given_up[place] for place in sorted(given_up)]


def first_near(hashes: np.ndarray, others: np.ndarray, distance: int) -> list[int | None]:
    """For each row of hashes (N, bits) bool the first row of others (M, bits) that at most ``distance`` bits differ in.

    Cut into distance + 1 bands, two such rows agree in at least one whole band: only rows that share a band are
    compared, and equal ones of the others once, which keeps the work near N + M.
    """
    if not len(hashes) or not len(others):
        return [None] * len(hashes)
    others, places = np.unique(others, axis=0, return_index=True)
    bands = []  # for each, what stands in it, and the rows of others by what stands in theirs
    for band in np.array_split(np.arange(hashes.shape[1]), distance + 1):
        sharing: dict[bytes, list[int]] = {}
        for row, key in enumerate(np.packbits(others[:, band], axis=1)):
            sharing.setdefault(key.tobytes(), []).append(row)
        bands.append((np.packbits(hashes[:, band], axis=1), sharing))
    found = []
    for row, own in enumerate(hashes):
        rows = [other for keys, sharing in bands for other in sharing.get(keys[row].tobytes(), ())]
        near = places[rows][(others[rows] != own).sum(axis=1) <= distance]
        found.append(int(near.min()) if len(near) else None)
    return found
