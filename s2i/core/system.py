"""What differs between Linux, macOS and Windows, in one place; every other module runs on all three as it is."""

import os
import platform
import shutil
import sys
from pathlib import Path

import psutil


def write_protect(file: Path) -> None:
    """Make a file read-only, where a read-only file can still be replaced and deleted: not on Windows."""
    if sys.platform != "win32":
        file.chmod(0o444)


def share(file: Path, target: Path) -> None:
    """Give ``target`` the bytes of a write-protected file: as a hard link where that can be, else as a copy.

    A link needs both on one disk.  On Windows it is always a copy, as nothing protects the file there.
    """
    try:
        if sys.platform == "win32":
            raise OSError
        os.link(file, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(file, target)


def peak_memory() -> int:
    """The most memory that this process has held at a time, in MiB."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset) // 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) // (2**20 if sys.platform == "darwin" else 2**10)  # bytes on macOS, KiB elsewhere


def total_memory() -> int:
    """The machine's memory, in GiB."""
    gigabytes: int = round(psutil.virtual_memory().total / 2**30)
    return gigabytes


def free_memory() -> int:
    """The memory that programs can still have, in bytes."""
    return int(psutil.virtual_memory().available)


def processor() -> str:
    """The processor's name; the machine's architecture where it is not known."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
