"""Pairs as folders of images with captions beside them: for kohya's sd-scripts, SimpleTuner and ai-toolkit.

``SPLIT/photos/NAME.png`` and ``NAME.txt``, ``SPLIT/sketches/NAME.png``, ``SPLIT/masks/NAME.png``, a table of what is
known of each pair, and the configuration of the training split in the words of the tool.  Folders in it are named from
the root, as these tools are started from their own.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from s2i.core import tables
from s2i.dataset.pairs.pairs import ABOUT, Export, Pair

TABLE = "pairs.csv"


def write_kohya(pairs: Iterable[Pair], export: Export) -> None:
    """For kohya-ss/sd-scripts: controlnet.toml trains on sketches, masked.toml with ``--masked_loss`` on the mattes.

    Sources: https://github.com/kohya-ss/sd-scripts, docs/train_lllite_README.md ("Preparing the dataset": the
    conditioning image has the basename of the training image and lies in ``conditioning_data_dir``),
    docs/masked_loss_README.md (masks likewise, white is trained), docs/config_README-en.md (``image_dir``,
    ``caption_extension``).  Its reader refuses an empty caption file, so a caption ends with a line break.
    """
    _write_files(pairs, export.folder, caption_end="\n")
    for name, kind in (("controlnet", "sketches"), ("masked", "masks")):
        lines = [
            "[[datasets]]",
            f"resolution = {export.summary.side}",
            "batch_size = 1",
            "",
            "[[datasets.subsets]]",
            f"image_dir = {_quoted(export.target, 'photos')}",
            f"conditioning_data_dir = {_quoted(export.target, kind)}",
            'caption_extension = ".txt"',
            "",
        ]
        (export.folder / f"{name}.toml").write_text("\n".join(lines), encoding="utf-8")


def write_simpletuner(pairs: Iterable[Pair], export: Export) -> None:
    """For bghira/SimpleTuner: a ``data_backend_config`` each for ControlNets, for edit models, and for masked loss.

    Sources: https://github.com/bghira/SimpleTuner, documentation/DATALOADER.md (the fields), CONTROLNET.md
    (controlnet.json), quickstart/FLUX_KONTEXT.md (reference.json: equal names and suffixes, no captions of references),
    DREAMBOOTH.md ("Masked loss": masked.json; every image has a mask).  Its reader takes no empty caption and no line
    break at the end, so pairs without a prompt are left out; ``caption_dropout_probability`` blanks prompts there.
    """
    _write_files((pair for pair in pairs if pair.prompt), export.folder, caption_end="")
    for name, kind, conditioning_type in (
        ("controlnet", "sketches", "controlnet"),
        ("reference", "sketches", "reference_strict"),
        ("masked", "masks", "mask"),
    ):
        photos = _backend(export, "photos") | {
            "dataset_type": "image",
            "conditioning_data": f"s2i-{kind}",
            "caption_strategy": "textfile",
        }
        conditions = _backend(export, kind) | {
            "dataset_type": "conditioning",
            "conditioning_type": conditioning_type,
            "caption_strategy": None,
        }
        if conditioning_type != "controlnet":
            conditions["source_dataset_id"] = "s2i-photos"
        texts = {
            "id": "s2i-texts",
            "type": "local",
            "dataset_type": "text_embeds",
            "default": True,
            "cache_dir": "cache/text/s2i",
        }
        content = json.dumps([photos, conditions, texts], indent=2)
        (export.folder / f"{name}.json").write_text(f"{content}\n", encoding="utf-8")


def write_ai_toolkit(pairs: Iterable[Pair], export: Export) -> None:
    """For ostris/ai-toolkit: datasets.yaml takes the place of ``datasets`` in one of its example configurations.

    Sources: https://github.com/ostris/ai-toolkit, config/examples/train_lora_flux_kontext_24gb.yaml and
    train_lora_qwen_image_edit_32gb.yaml (``folder_path``, ``control_path``: equal names, no captions of controls),
    toolkit/config_modules.py DatasetConfig (``mask_path``: white counts more than black, ``mask_min_value``).
    """
    _write_files(pairs, export.folder, caption_end="\n")
    datasets = {
        "folder_path": str(export.target / "train" / "photos"),
        "control_path": str(export.target / "train" / "sketches"),
        "mask_path": str(export.target / "train" / "masks"),
        "mask_min_value": export.mask_weight,
        "caption_ext": "txt",
        "resolution": [export.summary.side],
    }
    (export.folder / "datasets.yaml").write_text(
        yaml.safe_dump({"datasets": [datasets]}, sort_keys=False), encoding="utf-8"
    )


def _write_files(pairs: Iterable[Pair], folder: Path, caption_end: str) -> None:
    with open(folder / TABLE, "w", encoding="utf-8", newline="") as table:
        tables.write(table, [("name", "split", *ABOUT, "prompt")])
        tables.write(table, _written(pairs, folder, caption_end))


def _written(pairs: Iterable[Pair], folder: Path, caption_end: str) -> Iterator[tuple[str, ...]]:
    """Write the files of each pair, and give its row of the table."""
    for pair in pairs:
        for kind, content in (("photos", pair.photo), ("sketches", pair.sketch), ("masks", pair.mask)):
            file = folder / pair.split / kind / f"{pair.name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        caption = folder / pair.split / "photos" / f"{pair.name}.txt"
        caption.write_text(pair.prompt + caption_end, encoding="utf-8", newline="\n")
        yield (pair.name, pair.split, *(pair.about[key] for key in ABOUT), pair.prompt)


def _quoted(target: Path, kind: str) -> str:
    """A folder of the training split as a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps((target / "train" / kind).as_posix(), ensure_ascii=False)


def _backend(export: Export, kind: str) -> dict[str, object]:
    """What SimpleTuner's backends of images have in common."""
    return {
        "id": f"s2i-{kind}",
        "type": "local",
        "instance_data_dir": (export.target / "train" / kind).as_posix(),
        "metadata_backend": "discovery",
        "resolution": export.summary.side,
        "resolution_type": "pixel",
        "minimum_image_size": export.summary.side,
        "crop": True,
        "crop_aspect": "square",
        "crop_style": "center",
        "cache_dir_vae": f"cache/vae/s2i-{kind}",
    }
