import pytest

from s2i import cli


def test_a_user_without_a_password_is_told(project):
    with pytest.raises(SystemExit, match="s2i app: --user needs a password: set the environment variable S2I_PASSWORD"):
        cli.main(["app", "--user", "anna"])
