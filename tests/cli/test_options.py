import pytest

from s2i import cli


@pytest.mark.parametrize("out", [".", "..", "{project}"])
@pytest.mark.parametrize("command", [["export"], ["export", "--space"], ["import", "my sketch.png"]])
def test_the_folder_of_the_work_is_never_replaced(project, command, out):
    with pytest.raises(SystemExit, match="holds the folder you are in, and would be replaced: name another"):
        cli.main([*command, "--out", out.format(project=project)])
    assert (project / "my sketch.png").exists()
