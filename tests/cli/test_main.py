import re
import subprocess
import sys

import pytest

from s2i import cli
from s2i.cli.main import COMMANDS

NAMES = ["generate", "app", "captions", "export", "import", "report", "folds", "check", "preset", "cache", "review"]
HEAVY = {"torch", "diffusers", "transformers", "pandas", "gradio", "openvino", "matplotlib", "dvc", "ruamel.yaml"}
HELP = """
import sys
from s2i.cli import main

try:
    main(["--help"])
except SystemExit:
    print("loaded:", *sys.modules)
"""


def test_help_names_every_command_and_loads_nothing_that_takes_long():
    answer = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True).stdout
    commands, _, modules = answer.partition("loaded:")
    assert re.findall(r"^ {4}(\w+) ", commands, re.M) == NAMES
    assert not HEAVY & set(modules.split())


def test_every_command_has_a_module_of_its_own():
    assert len({command.__name__ for command in COMMANDS}) == len(COMMANDS) == len(NAMES)


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["drow"])
    assert "invalid choice: 'drow'" in capsys.readouterr().err
