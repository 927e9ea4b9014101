"""Photos of the same motif are kept out of each other's splits, by perceptual hash."""

from collections.abc import Collection, Sequence

import imagehash
import numpy as np
from PIL import Image

from s2i.core.quarantine import Refused

NEAR_DUPLICATE = "near-duplicate"
PRECEDENCE = ("test", "val", "train")  # of two splits that share a motif, the later one gives its photo up


def motifs(image: np.ndarray) -> tuple[str, str]:
    """The `motif` of an image and that of the same image mirrored, as which training sees it too."""
    return motif(image), motif(np.ascontiguousarray(image[:, ::-1]))


def motif(image: np.ndarray) -> str:
    """What an image (H, W, 3) uint8 shows at a glance, 64 bits in 16 hexadecimal digits.

    It hardly changes when the image is saved or scaled again.
    Source: imagehash.phash, the signs of an image's 8 x 8 lowest cosine frequencies around their median.
    """
    return str(imagehash.phash(Image.fromarray(image)))


def without_leaks(
    records: Sequence[dict], distance: int, distinct: Collection[str] = ()
) -> tuple[list[dict], list[Refused]]:
    """The records whose `motif` no more important split holds too, mirrored or not, and the others refused.

    distance: how many of 64 bits the hashes of one motif may differ in.  distinct: ids of photos that people found to
    show another motif all the same.
    Where two of one motif fell to different splits, only the held-out one is used.
    """
    hashes, mirrored = (
        np.array([imagehash.hex_to_hash(record[column]).hash.ravel() for record in records])
        for column in ("motif", "mirrored_motif")
    )
    refused: dict[int, Refused] = {}
    used: list[int] = []
    for split in PRECEDENCE:
        in_split = [index for index, record in enumerate(records) if record["split"] == split]
        near = first_near(hashes[in_split], hashes[used], distance)
        near_mirrored = first_near(mirrored[in_split], hashes[used], distance)
        for index, as_it_is, as_mirrored in zip(in_split, near, near_mirrored, strict=True):
            found = as_mirrored if as_it_is is None else as_it_is
            if found is not None and records[index].get("id") not in distinct:
                twin = records[used[found]]
                how = ", mirrored" if as_it_is is None else ""
                detail = f"of {twin['source']}{how}, which is in {twin['split']}"
                refused[index] = Refused(records[index]["source"], NEAR_DUPLICATE, detail)
        used += [index for index in in_split if index not in refused]  # what is not used itself takes nothing away
    return [records[index] for index in sorted(used)], [refused[index] for index in sorted(refused)]


def first_near(hashes: np.ndarray, others: np.ndarray, distance: int) -> list[int | None]:
    """For each row of hashes (N, bits) bool the first row of others (M, bits) that at most ``distance`` bits differ in.

    Cut into distance + 1 bands, two such rows agree in at least one whole band: only rows that share a band are
    compared, and equal ones of the others once, which keeps the work near N + M.
    """
    if not len(hashes) or not len(others):
        return [None] * len(hashes)
    others, indices = np.unique(others, axis=0, return_index=True)
    bands = []  # for each, the keys of hashes, and the rows of others by their key
    for band in np.array_split(np.arange(hashes.shape[1]), distance + 1):
        rows_by_key: dict[bytes, list[int]] = {}
        for row, key in enumerate(np.packbits(others[:, band], axis=1)):
            rows_by_key.setdefault(key.tobytes(), []).append(row)
        bands.append((np.packbits(hashes[:, band], axis=1), rows_by_key))
    first: list[int | None] = []
    for row, bits in enumerate(hashes):
        candidates = [other for keys, rows_by_key in bands for other in rows_by_key.get(keys[row].tobytes(), ())]
        near = indices[candidates][(others[candidates] != bits).sum(axis=1) <= distance]
        first.append(int(near.min()) if len(near) else None)
    return first
