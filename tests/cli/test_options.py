import pytest

from s2i import cli


@pytest.mark.parametrize("out", ["params.yaml", "params.yaml/below", "/proc/x", "x" * 300])
@pytest.mark.parametrize(
    "command", [["generate", "my sketch.png"], ["captions", "answers.csv"], ["report", "--against=old"]]
)
def test_a_folder_that_cannot_be_written_to_is_named_before_anything_is_loaded(project, command, out):
    before = (project / "params.yaml").read_bytes()
    with pytest.raises(SystemExit, match=r"--out .* cannot be written to \(.*\): name another folder\."):
        cli.main([*command, "--out", out])
    assert (project / "params.yaml").read_bytes() == before


@pytest.mark.parametrize("out", ["models", "data", ".git"])
@pytest.mark.parametrize("command", [["export", "--model", "models/trained"], ["import", "checkpoint.pth"]])
def test_a_folder_that_s2i_did_not_write_is_not_replaced(project, command, out):
    (project / out).mkdir(exist_ok=True)
    (project / out / "mine.txt").touch()
    with pytest.raises(SystemExit, match=f"{out} would be replaced, and holds mine.txt, which s2i did not write"):
        cli.main([*command, "--out", out])
    assert (project / out / "mine.txt").exists() and (project / "models/trained/unet").is_dir()


@pytest.mark.parametrize("out", [".", "..", "{project}"])
@pytest.mark.parametrize("command", [["export"], ["export", "--space"], ["import", "my sketch.png"]])
def test_the_folder_of_the_work_is_never_replaced(project, command, out):
    with pytest.raises(SystemExit, match="holds the folder you are in, and would be replaced: name another"):
        cli.main([*command, "--out", out.format(project=project)])
    assert (project / "my sketch.png").exists()
