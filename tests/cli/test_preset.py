from pathlib import Path

from s2i import cli

OURS = Path(__file__).parents[2] / "params.yaml"


def test_what_a_preset_changes_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(OURS.read_text(encoding="utf-8"), encoding="utf-8")
    cli.main(["preset", "sd15"])
    assert "+rank: 512" in capsys.readouterr().out
    cli.main(["preset", "sd15"])
    assert capsys.readouterr().out == "params.yaml is as sd15 wants it already.\n"
