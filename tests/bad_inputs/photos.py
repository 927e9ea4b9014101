"""Files in the folder of photos that are no photos, or not such as can be used."""

import os
import socket
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from helpers import hostile_images as hostile
from helpers.hostile_images import encoded
from helpers.houses import house
from helpers.trials import INGEST, RIGHT, Call, Expected, Trial, command, named, refused
from PIL import Image

from s2i.core.records import Records

PHOTOS = "data/photos"


def photo(name: str, content: bytes | Callable[[], bytes]) -> Callable[[Path], object]:
    """Puts a file beside the good photos."""

    def put(folder: Path) -> None:
        target = folder / PHOTOS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content() if callable(content) else content)

    return put


def counted(count: int) -> Callable[[Path], tuple | None]:
    """Checks that so many photos were used."""

    def check(folder: Path):
        records = folder / "data/ingested/records.parquet"
        found = len(Records(folder / "data/ingested")) if records.exists() else 0
        return None if found == count else ("wrong", f"{found} photos were used and not {count}")

    return check


def bad_photo(name: str, file: str, content: bytes | Callable[[], bytes], words: str, kind: str = "photos") -> Trial:
    """A file that is refused by name, while the twelve good photos are used."""
    return Trial(kind, name, photo(file, content), named(words), check=counted(12))


def good_photo(name: str, file: str, content: bytes | Callable[[], bytes], kind: str = "photos") -> Trial:
    """A file that is used as the thirteenth photo."""
    return Trial(kind, name, photo(file, content), RIGHT, check=counted(13))


def other_formats() -> list[Trial]:
    """What Pillow reads and s2i does not, named as photos are; one of them would start Ghostscript."""
    contents = {
        "EPS": hostile.EPS,
        "EPS with a preview of DOS": b"\xc5\xd0\xd3\xc6\x1e\0\0\0" + bytes(22) + hostile.EPS,
        "PDF": hostile.PDF,
        "SVG": hostile.SVG,
        "XPM": hostile.XPM,
        "PPM": hostile.PPM,
        "QOI": hostile.QOI,
        "FLI": hostile.FLI,
        "FITS": hostile.fits(64, is_gzip=False),
        "FITS gzip": hostile.fits(64),
        **{
            name: encoded(Image.fromarray(house(9)), name)
            for name in ("TGA", "PCX", "SGI", "ICO", "ICNS", "DDS", "IM", "SPIDER", "MSP", "XBM", "JPEG2000", "BLP")
            if name in Image.SAVE and name not in ("SPIDER", "MSP", "XBM", "BLP")
        },
    }
    trials = []
    for name, content in contents.items():
        for suffix in (".png", ".jpg"):
            words = rf"x\{suffix}: not an image"
            trials.append(bad_photo(f"{name} named {suffix}", f"x{suffix}", content, words, "other formats"))
    return trials


def starts_no_program(folder: Path) -> tuple | None:
    """Checks that the stand-in for Ghostscript was not started."""
    return ("damage", "gs was started") if (folder / "started").exists() else None


def with_ghostscript(file: str) -> Callable[[Path], object]:
    """Puts an EPS file there, and a stand-in for Ghostscript on PATH that notes when it is started."""

    def put(folder: Path) -> None:
        photo(file, hostile.EPS)(folder)
        (folder / "bin").mkdir()
        (folder / "bin/gs").write_text(f"#!/bin/sh\necho \"$@\" >> '{folder}/started'\n")
        (folder / "bin/gs").chmod(0o755)

    return put


def path_with_bin(*arguments: str) -> tuple:
    """A command that finds the programs in bin first."""
    return (command(*arguments, environment={"PATH": f"bin:{os.environ['PATH']}"}),)


def broken_files() -> list[Trial]:
    """Photos that are cut off, empty, or hold other bytes than they say."""
    trials = []
    photos = {
        "png": encoded(house(20), "PNG"),
        "jpg": encoded(house(20), "JPEG", quality=95),
        "webp": encoded(house(20), "WEBP", lossless=True),
        "bmp": encoded(house(20), "BMP"),
        "tif": encoded(house(20), "TIFF"),
        "gif": encoded(Image.fromarray(house(20)).quantize(), "GIF"),
        "avif": encoded(house(20), "AVIF"),
    }
    for kind, whole in photos.items():
        for share in (0.02, 0.5):
            cut = whole[: max(4, int(len(whole) * share))]
            words = rf"x\.{kind}: (truncated|broken image|not an image)"
            trials.append(bad_photo(f"a {kind} cut to {share:.0%}", f"x.{kind}", cut, words, "broken photos"))
        zeros = whole[:40] + bytes(len(whole) - 40)
        words = rf"x\.{kind}: (truncated|broken image|not an image|more than|blank|too small)"
        trials.append(bad_photo(f"a {kind} of zeros behind its head", f"x.{kind}", zeros, words, "broken photos"))
    texts = {
        "text": b"not an image at all\n" * 20,
        "HTML": b"<!doctype html><title>404</title>",
        "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "a zip": b"PK\x03\x04" + bytes(60),
        "random bytes": np.random.default_rng(0).bytes(4000),
        "one byte": b"\x89",
        "zeros": bytes(5000),
        "the name of a photo": b"house-00.png",
    }
    trials += [
        bad_photo(f"{name} named .jpg", "x.jpg", content, r"x\.jpg: not an image", "broken photos")
        for name, content in texts.items()
    ]
    trials.append(bad_photo("an empty file", "x.png", b"", r"x\.png: empty file", "broken photos"))
    trials.append(
        Trial("broken photos", "a Mac's ._ file beside photos", photo("._x.png", b"\0\5\x16\7" + bytes(99)), RIGHT)
    )
    return trials


def too_much() -> list[Trial]:
    """What would take memory or minutes: bombs of pixels, metadata, scans, tiles."""
    kind = "bombs"
    text = chunk_of_text(2**20 + 1)
    return [
        bad_photo("60,000 x 60,000 pixels", "x.png", hostile.png(60_000, 60_000), r"x\.png: more than", kind),
        bad_photo("2^31 x 2^31 pixels", "x.png", hostile.png(2**31 - 1, 2**31 - 1), r"x\.png: ", kind),
        bad_photo("0 x 0 pixels", "x.png", hostile.png(0, 0), r"x\.png: ", kind),
        bad_photo("1 x 60,000 pixels", "x.png", thin(60_000), r"x\.png: too small", kind),
        bad_photo("130 megapixels", "x.png", lambda: hostile.png(13_000, 10_000), r"x\.png: more than 100", kind),
        bad_photo("FITS of 3,200 x 3,200 in 46 kB", "x.png", lambda: hostile.fits(3200), r"x\.png: not an image", kind),
        bad_photo("16 MB of comments in a GIF", "x.gif", lambda: hostile.gif_with_comments(2**24), "too much", kind),
        bad_photo("20,000 extensions in a GIF", "x.gif", many_extensions, "too much", kind),
        bad_photo("20 MB of segments", "x.jpg", lambda: hostile.jpeg_with_segments(320, 65_000), "too much", kind),
        bad_photo("a million empty segments", "x.jpg", lambda: hostile.jpeg_with_segments(10**6, 0), "too much", kind),
        bad_photo("20 MB of notes", "x.jpg", lambda: hostile.jpeg_with_segments(320, 65_000, 0xFE), "too much", kind),
        bad_photo("3,000 scans", "x.jpg", lambda: hostile.jpeg_with_scans(3000), "too much beside", kind),
        bad_photo("30 MB of 0xFF", "x.jpg", lambda: hostile.jpeg_with_padding(30 * 2**20), "too much beside", kind),
        bad_photo("a text chunk that unfolds to 1 MB", "x.png", hostile.grey_png(80, [text]), r"x\.png: ", kind),
        bad_photo("80 text chunks of 1 MB", "x.png", lambda: many_texts(80), r"x\.png: ", kind),
        bad_photo("50,000 text chunks", "x.png", lambda: many_small_texts(50_000), "too much beside", kind),
        bad_photo("300,000 chunks of pixels", "x.png", many_pixel_chunks, "too much beside", kind),
        bad_photo("tiles of 65,535 x 65,535", "x.tif", hostile.tiff_with_tile(65_535, 65_535), r"x\.tif: ", kind),
        bad_photo("tiles of 4 billion x 1", "x.tif", hostile.tiff_with_tile(2**32 - 1, 1), r"x\.tif: ", kind),
        bad_photo("tiles of 0 x 0", "x.tif", hostile.tiff_with_tile(0, 0), r"x\.tif: ", kind),
        Trial(kind, "a file of 3 GB, sparse", sparse("x.png", 3 * 10**9), named("file too large"), check=counted(12)),
        good_photo("an animation of 2,000 frames", "x.gif", many_frames, kind),
    ]


def chunk_of_text(size: int) -> bytes:
    """A compressed text chunk that unfolds to so many bytes."""
    return hostile.chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * size))


def many_texts(count: int) -> bytes:
    return hostile.grey_png(80, [chunk_of_text(2**20 - 100)] * count)


def many_small_texts(count: int) -> bytes:
    return hostile.grey_png(80, [hostile.chunk(b"tEXt", b"a\0b")] * count)


def many_pixel_chunks() -> bytes:
    whole = hostile.grey_png(80)
    return whole[:-12] + hostile.chunk(b"IDAT", b"") * 300_000 + whole[-12:]


def many_extensions() -> bytes:
    whole = hostile.gif_with_comments(0)
    first = whole.index(b"!\xfe")
    return whole[:first] + b"!\xfe\x01x\0" * 20_000 + whole[first:]


def many_frames() -> bytes:
    rng = np.random.default_rng(3)
    frames = [Image.fromarray(rng.integers(0, 255, (64, 64), np.uint8)) for _ in range(2000)]
    return encoded(Image.fromarray(house(30)).convert("L").resize((64, 64)), "GIF", save_all=True, append_images=frames)


def thin(height: int) -> bytes:
    return hostile.png(1, height, zlib.compress(b"\0\x01\0\x90" * (height // 2)), (), (8, 0))


def sparse(name: str, size: int) -> Callable[[Path], object]:
    """Puts a file there that says it is large and takes no room."""

    def put(folder: Path) -> None:
        with open(folder / PHOTOS / name, "wb") as file:
            file.truncate(size)

    return put


def profiles() -> list[Trial]:
    """Colour profiles that are none, too large, or of other channels: as if there were none."""
    whole = hostile.profile()
    contents = {
        "of text": b"no profile",
        "cut off": whole[:200],
        "of zeros": bytes(1000),
        "of 12 MB": whole + bytes(12 * 10**6),
        "for CMYK in an RGB photo": hostile.profile(at_16=b"CMYK"),
        "for GRAY in an RGB photo": hostile.profile(at_16=b"GRAY"),
        "that says it has 4 GB": hostile.profile(at_0=b"\xff\xff\xff\xff"),
        "with 4 billion tags": hostile.profile(at_128=b"\xff\xff\xff\xff"),
        "with tags far outside": hostile.profile(at_136=b"\x7f\xff\xff\xff\x7f\xff\xff\xff"),
        "without a signature": hostile.profile(at_36=b"xxxx"),
    }
    return [
        good_photo(f"a profile {name}", "x.jpg", encoded(house(40), "JPEG", icc_profile=content), "profiles")
        for name, content in contents.items()
    ]


def exif() -> list[Trial]:
    """EXIF that is broken or says something odd: the photo is read."""

    def with_exif(data: bytes) -> bytes:
        return encoded(house(41), "JPEG", exif=data)

    def with_orientation(number: int) -> bytes:
        tags = Image.Exif()
        tags[0x0112] = number
        return with_exif(tags.tobytes())

    trials = [
        good_photo(f"an orientation of {number}", "x.jpg", lambda number=number: with_orientation(number), "EXIF")
        for number in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 255)
    ]
    loop = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0"
    odd = {"of nothing": b"Exif\0\0", "cut off": b"Exif\0\0II*\0\x08", "of text": b"Exif\0\0hello", "in a loop": loop}
    return trials + [good_photo(f"EXIF {name}", "x.jpg", with_exif(data), "EXIF") for name, data in odd.items()]


def useless() -> list[Trial]:
    """Photos that are whole and show nothing to learn from."""
    kind = "useless photos"
    shades = {"white": 255, "black": 0, "grey": 128}
    trials = [
        bad_photo(f"all {name}", "x.png", encoded(np.full((80, 80, 3), shade, np.uint8), "PNG"), r"x\.png: blank", kind)
        for name, shade in shades.items()
    ]
    red = np.zeros((80, 80, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    clear = np.zeros((80, 80, 4), np.uint8)
    trials += [
        bad_photo("all red", "x.png", encoded(red, "PNG"), r"x\.png: blank", kind),
        bad_photo("all transparent", "x.png", encoded(clear, "PNG"), r"x\.png: blank", kind),
        bad_photo("a copy", "x.png", encoded(house(0), "PNG", compress_level=1), "duplicate of house-00", kind),
    ]
    for width, height in ((1, 1), (2, 2), (1, 500), (500, 1), (31, 31), (31, 400)):
        image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
        words = rf"x\.png: too small \({width} x {height}"
        trials.append(bad_photo(f"{width} x {height} pixels", "x.png", encoded(image, "PNG"), words, kind))
    return trials


def all_modes() -> list[Trial]:
    """Every mode that formats can store is read."""
    image = Image.fromarray(house(50))
    kind = "modes"
    trials = [
        good_photo(f"a {format} of mode {mode}", f"x.{suffix}", encoded(image.convert(mode), format), kind)
        for format, suffix, modes in (
            ("PNG", "png", ("1", "L", "LA", "P", "RGB", "RGBA", "I")),
            ("TIFF", "tif", ("1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "LAB", "I", "F", "I;16")),
            ("JPEG", "jpg", ("1", "L", "RGB", "CMYK", "YCbCr", "RGBX")),
            ("WEBP", "webp", ("RGB", "RGBA", "L")),
            ("BMP", "bmp", ("1", "L", "P", "RGB", "RGBA")),
        )
        for mode in modes
    ]
    nothing = np.full((80, 80), np.nan, np.float32)
    half = nothing.copy()
    half[:, :40] = np.linspace(0, 1, 40)
    trials += [
        bad_photo("a TIFF of NaN", "x.tif", encoded(Image.fromarray(nothing), "TIFF"), r"x\.tif: blank", kind),
        good_photo("a TIFF half of NaN", "x.tif", encoded(Image.fromarray(half), "TIFF"), kind),
        good_photo("a JPEG named .png", "x.png", encoded(house(51), "JPEG"), kind),
        good_photo("a PNG named .jpg", "x.jpg", encoded(house(52), "PNG"), kind),
        good_photo("a photo of a phone with two images", "x.jpg", lambda: two_images(), kind),
    ]
    return trials


def two_images() -> bytes:
    return encoded(Image.fromarray(house(53)), "MPO", save_all=True, append_images=[Image.fromarray(house(54))])


def places() -> list[Trial]:
    """What stands in the place of a photo and is no file, or cannot be opened."""
    kind = "in a photo's place"

    def linked(target: str) -> Callable[[Path], object]:
        return lambda folder: (folder / PHOTOS / "x.png").symlink_to(target)

    def made(make: Callable[[Path], object]) -> Callable[[Path], object]:
        return lambda folder: make(folder / PHOTOS / "x.png")

    def deep(folder: Path) -> None:
        start = os.open(folder / PHOTOS, os.O_RDONLY)
        try:
            for _ in range(110):
                os.mkdir("d" * 40, dir_fd=start)
                inner = os.open("d" * 40, os.O_RDONLY, dir_fd=start)
                os.close(start)
                start = inner
            with open(os.open("x.png", os.O_WRONLY | os.O_CREAT, dir_fd=start), "wb") as file:
                file.write(encoded(house(60), "PNG"))
        finally:
            os.close(start)

    def bound(path: Path) -> None:
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)

    return [
        Trial(kind, "a broken link", linked("gone.png"), named(r"x\.png: broken link"), check=counted(12)),
        Trial(kind, "a link to itself", linked("x.png"), named(r"x\.png: broken link"), check=counted(12)),
        Trial(kind, "a link to a device", linked("/dev/zero"), named(r"x\.png: no file"), check=counted(12)),
        Trial(kind, "a link to a folder", linked("/tmp"), named(r"x\.png: linked folder"), check=counted(12)),
        Trial(kind, "a link to /proc", linked("/proc/self/mem"), refused("Input/output error")),
        Trial(kind, "a folder", made(Path.mkdir), RIGHT, check=counted(12)),
        Trial(kind, "a pipe", made(os.mkfifo), named(r"x\.png: no file \(a pipe"), check=counted(12)),
        Trial(kind, "a socket", made(bound), named(r"x\.png: no file \(a socket"), check=counted(12)),
        Trial(kind, "below 4,500 characters", deep, named("cannot be opened|name too long"), check=counted(12)),
        good_photo("a name of 255 letters", "n" * 251 + ".png", encoded(house(61), "PNG"), kind),
    ]


def suffixes() -> list[Trial]:
    """Photos that are not read by their names are named."""
    kind = "other suffixes"
    jpeg, png = encoded(house(70), "JPEG"), encoded(house(71), "PNG")
    unread = {".svg": hostile.SVG, ".pdf": hostile.PDF, ".eps": hostile.EPS, ".ico": b"\0\0\1\0", ".psd": b"8BPS"}
    unread |= {".tga": bytes(50), ".dng": b"II*\0", ".cr2": b"II*\0", ".jp2": bytes(9)}
    unread |= {".mp4": bytes(9), ".mov": bytes(9), ".zip": b"PK\3\4"}
    trials = [
        bad_photo(f"a file named {suffix}", f"x{suffix}", content, rf"x\{suffix}: \{suffix} is not read", kind)
        for suffix, content in unread.items()
    ]
    odd = {"x.jpg.part": jpeg, "x.png.crdownload": png, "x": jpeg, "x.jpg_": jpeg, "x.jpg~": jpeg, "x.bak": png}
    return trials + [
        bad_photo(f"a photo named {name}", name, content, rf"{name}: no suffix of a photo", kind)
        for name, content in odd.items()
    ]


def nothing_there(expected: Expected, prepare: Callable[[Path], object], name: str) -> Trial:
    return Trial("folder of photos", name, prepare, expected)


def remove_all(folder: Path) -> None:
    for file in (folder / PHOTOS).iterdir():
        file.unlink()


def replace_by_file(folder: Path) -> None:
    remove_all(folder)
    (folder / PHOTOS).rmdir()
    (folder / PHOTOS).write_text("photos\n", encoding="utf-8")


def replace_by_dead_link(folder: Path) -> None:
    remove_all(folder)
    (folder / PHOTOS).rmdir()
    (folder / PHOTOS).symlink_to("nowhere")


def break_all(folder: Path) -> None:
    for file in (folder / PHOTOS).iterdir():
        file.write_bytes(b"no image")


def read_with_less_memory(folder: Path) -> object:
    import resource

    from s2i.imaging import io

    held = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + 100 * 2**20, resource.RLIM_INFINITY))
    return io.read_photo(folder / PHOTOS / "x.png", 100)


TRIALS = [
    *other_formats(),
    *[
        Trial(
            "other formats",
            f"EPS named {file} while Ghostscript is there",
            with_ghostscript(file),
            named(rf"{file}: not an image"),
            path_with_bin(*INGEST.arguments),
            starts_no_program,
        )
        for file in ("x.png", "x.jpg", "x.tif")
    ],
    *broken_files(),
    *too_much(),
    *profiles(),
    *exif(),
    *useless(),
    *all_modes(),
    *places(),
    *suffixes(),
    nothing_there(refused("holds no photos .*put some there"), remove_all, "an empty folder"),
    nothing_there(refused("is not a folder"), replace_by_file, "a file in its place"),
    nothing_there(refused("is not a folder"), replace_by_dead_link, "a dead link in its place"),
    nothing_there(refused(r"none of the 12 .* \(12 not an image\)"), break_all, "twelve broken photos"),
    Trial(
        "machine",
        "49 megapixels with 100 MB of memory",
        photo("x.png", lambda: hostile.rgba_png(7000)),
        refused("too little memory to read .*x.png"),
        (Call(read_with_less_memory),),
    ),
]
