"""The rules of docs/architecture.md that nothing else checks; direction and circles are those of `lint-imports`."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from s2i.core import imports

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "s2i"
MODULES = sorted(PACKAGE.rglob("*.py"))
OUTSIDE = sorted(
    file for folder in ("stages", "studies", "pipelines", "benchmarks") for file in Path(PROJECT, folder).rglob("*.py")
)
PIPELINES = ("dvc.yaml", "studies/sketchy/dvc.yaml", "pipelines/base/dvc.yaml")
SCRIPTS = sorted(
    file for folder in ("stages", "studies/sketchy", "pipelines/base") for file in Path(PROJECT, folder).glob("*.py")
)
MOST_LINES, MOST_PARAMETERS, MOST_LINES_OF_A_STAGE, MOST_LEVELS = 60, 7, 40, 3
ONLY_ON_POSIX = {
    *("_posixsubprocess", "crypt", "fcntl", "grp", "nis", "ossaudiodev", "posix", "pty", "pwd", "readline"),
    *("resource", "spwd", "syslog", "termios", "tty"),
}


def stages(file: str) -> list[tuple[str, list[str], list[Path]]]:
    """The name of each stage of a pipeline, what it depends on below s2i, and the scripts that it runs."""
    described = []
    for name, stage in yaml.safe_load((PROJECT / file).read_text(encoding="utf-8"))["stages"].items():
        stage = stage.get("do", stage)
        scripts = [PROJECT / script for script in re.findall(r"python (\S+\.py)", stage["cmd"])]
        described.append((name, [path for path in stage["deps"] if path.startswith("s2i/")], scripts))
    return described


@pytest.mark.parametrize("file", PIPELINES)
def test_every_stage_depends_on_the_folders_that_its_script_reaches_and_on_no_others(file):
    wrong = []
    for name, listed, scripts in stages(file):
        assert scripts, f"{name} of {file} runs no script"
        reached = {path.relative_to(PROJECT) for script in scripts for path in imports.reached(script)}
        missing = {path.parent.as_posix() for path in reached if not any(map(path.is_relative_to, listed))}
        unused = [path for path in listed if not any(reach.is_relative_to(path) for reach in reached)]
        wrong += [
            f"the stage {name} of {file} reaches {folder}, which its deps do not list" for folder in sorted(missing)
        ]
        wrong += [f"the stage {name} of {file} lists {path}, which it does not reach" for path in unused]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("file", PIPELINES)
def test_every_stage_depends_on_its_script(file):
    for name, stage in yaml.safe_load((PROJECT / file).read_text(encoding="utf-8"))["stages"].items():
        stage = stage.get("do", stage)
        for script in re.findall(r"python (\S+\.py)", stage["cmd"]):
            assert script in stage["deps"], f"the stage {name} of {file} runs {script}, which its deps do not list"


def test_folders_are_three_levels_deep_at_most():
    deep = [file for file in MODULES if len(file.relative_to(PACKAGE).parent.parts) > MOST_LEVELS]
    assert not deep, f"folders are too deep: {deep}"


def test_functions_fit_on_a_page_have_few_parameters_and_stand_in_modules():
    offenders = set()
    for file, node in definitions():
        long = not isinstance(node, ast.ClassDef) and node.end_lineno - node.lineno >= MOST_LINES
        many = len(parameters(node)) > MOST_PARAMETERS and not file.is_relative_to(PACKAGE / "embedded/rendering")
        if long or many or file.name == "__init__.py":
            offenders.add(f"{file.relative_to(PROJECT).as_posix()}:{node.name}")
    rules = f"at most {MOST_LINES} lines and {MOST_PARAMETERS} parameters, and no definition in an __init__.py"
    assert not offenders, f"{rules}: {sorted(offenders)}"


def test_no_module_needs_posix_to_be_imported():
    for file in MODULES:
        for module in imported_at_once(parsed(file)):
            assert module.partition(".")[0] not in ONLY_ON_POSIX, (
                f"{file.relative_to(PROJECT)} imports {module}, which Windows does not have: see s2i/core/system.py"
            )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.relative_to(PROJECT).as_posix())
def test_the_script_of_a_stage_fits_on_a_screen(script):
    assert len(script.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_A_STAGE


def test_the_docs_and_the_package_name_the_folders_that_there_are():
    import s2i

    folders = sorted(folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").exists())
    assert sorted(re.findall(r"^    (\w+)/ ", s2i.__doc__, re.MULTILINE)) == folders
    page = (PROJECT / "docs/architecture.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE)) == folders


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def definitions() -> list[tuple[Path, Definition]]:
    """Every function and class of the package, of scripts and of benchmarks, those inside others too."""
    return [
        (file, node) for file in (*MODULES, *OUTSIDE) for node in ast.walk(parsed(file)) if isinstance(node, Definition)
    ]


def parameters(node: Definition) -> list[str]:
    """The names of a function's parameters without self and cls; none of a class."""
    if isinstance(node, ast.ClassDef):
        return []
    given = node.args
    named = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [parameter.arg for parameter in named if parameter and parameter.arg not in ("self", "cls")]


def imported_at_once(node: ast.AST) -> list[str]:
    """What is imported when a module is, and not only when one of its functions runs."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [module for child in ast.iter_child_nodes(node) for module in imported_at_once(child)]
