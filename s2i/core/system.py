"""What differs between Linux, macOS and Windows, in one place; every other module runs on all three as it is."""

import errno
import os
import platform
import shutil
import sys
from pathlib import Path

import psutil

FICLONE = 0x40049409  # ioctl_ficlone(2)
CANNOT_FLUSH = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)  # what disks without such a thing say
MANY = 20  # files, from which on the whole disk is flushed: a file takes about 9 ms (measured), a disk 200


def write_protect(file: Path) -> None:
    """Make a file read-only, where a read-only file can still be replaced and deleted: not on Windows."""
    if sys.platform != "win32":
        file.chmod(0o444)


def share(file: Path, target: Path) -> None:
    """Give ``target`` the bytes of a write-protected file, so that whoever writes to it does not change the file.

    Where the disk can, both share the bytes until one is written to.  Else ``target`` is a hard link where the
    protection holds: not for root and not on Windows, where it is a copy, as on another disk.
    """
    if _clone(file, target):
        return
    try:
        if is_unprotected():
            raise OSError
        os.link(file, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(file, target)


def is_unprotected() -> bool:
    """Whether this process may write to files that are read-only."""
    return sys.platform == "win32" or os.geteuid() == 0


def _clone(file: Path, target: Path) -> bool:
    """Have a disk of Linux that copies on write (Btrfs, XFS) give ``target`` the bytes; whether it did."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        with open(file, "rb") as source, open(target, "xb") as copy:
            fcntl.ioctl(copy, FICLONE, source.fileno())
    except OSError:
        target.unlink(missing_ok=True)
        return False
    return True


def flush(file: Path) -> None:
    """Have the disk keep what was written to a file, should the power fail from now on."""
    opened = os.open(file, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        if sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(opened, fcntl.F_FULLFSYNC)  # fsync leaves it to the disk's own cache there
        else:
            os.fsync(opened)
    except OSError as error:
        if error.errno not in CANNOT_FLUSH:
            raise
    finally:
        os.close(opened)


def flush_folder(folder: Path) -> None:
    """The same for all files below a folder, less those that have another name elsewhere, such as in the cache."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_nlink == 1]
    if len(files) > MANY and hasattr(os, "sync"):
        os.sync()  # all that is to be written anywhere: sooner done than each of very many files
        return
    for file in files:
        flush(file)


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
