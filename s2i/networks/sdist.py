"""Source distributions fetched as plain files, by pip's own settings and without running any of their code.

`pip download` asks a source distribution for its metadata, which runs its setup.  Here pip only looks up where the file
is, with the index, mirrors, proxies and certificates it is set up with, and the file is copied.  pip has no public
interface for that, so this is run in a process of its own and may stop to work with a later pip; what it fetched before
is kept.
"""

import shutil
import sys
from pathlib import Path
from typing import Any


def fetch(package: str, version: str, target: Path) -> None:
    """Copy the source distribution of a version of a package to target; raises LookupError where there is none."""
    from pip._internal.commands import create_command
    from pip._vendor.packaging.specifiers import SpecifierSet

    command: Any = create_command("download")
    options, _ = command.parse_args(["--no-deps", "--no-binary=:all:", "--quiet", package])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        best = finder.find_best_candidate(package, SpecifierSet(f"=={version}")).best_candidate
        if best is None:
            raise LookupError(f"pip finds no source distribution of {package} {version}")
        with session.get(
            best.link.url_without_fragment, stream=True, headers={"Accept-Encoding": "identity"}
        ) as answer:
            answer.raise_for_status()
            with open(target, "wb") as file:
                shutil.copyfileobj(answer.raw, file)


if __name__ == "__main__":
    fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
