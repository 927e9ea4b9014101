"""The ``s2i`` command, a module for each of its commands: ``s2i generate | app | export | import | captions | ...``."""

from s2i.cli.main import main

__all__ = ["main"]
