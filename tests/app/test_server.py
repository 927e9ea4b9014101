import os

import httpx
import pytest
from helpers.app import REQUEST

pytest.importorskip("gradio", reason="the app's extra is not installed: pip install -e '.[app]'")
from gradio_client import Client, handle_file

from s2i.app import server
from s2i.core.errors import UserError


def test_with_a_login_nothing_is_shown_without_it(serve):
    url = serve(login=("anna", "secret"))
    assert httpx.get(f"{url}config").status_code == 401
    assert httpx.get(f"{url}gradio_api/info").status_code == 401
    assert httpx.post(f"{url}login", data={"username": "anna", "password": "wrong"}).status_code == 400
    with pytest.raises(Exception, match="credentials were not provided"):
        Client(url, verbose=False)
    assert Client(url, auth=("anna", "secret"), verbose=False).view_api(return_format="dict")["named_endpoints"]


def test_a_full_queue_says_so_and_loses_nothing_it_took(serve, project):
    client = Client(serve(max_waiting=1), verbose=False)
    request = REQUEST | {"steps": 60}
    jobs = [client.submit(handle_file(project / "sketch.png"), **request, api_name="/draw") for _ in range(6)]
    outcomes = [job.exception(timeout=120) for job in jobs]
    sentences = [str(outcome) for outcome in outcomes if outcome]
    assert sentences and all("Queue is full" in sentence for sentence in sentences)
    assert any(outcome is None for outcome in outcomes)


def test_a_port_that_is_taken_is_one_clear_sentence(url, start, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", os.environ["GRADIO_TEMP_DIR"])  # the server's, which is put back
    port = int(url.rstrip("/").rsplit(":", 1)[1])
    with pytest.raises(UserError, match=f"port {port} is taken: name another with --port"), start(port=port):
        pass


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({"port": 99999}, "port 99999 does not exist: name one from 1 to 65535 with --port"),
        ({"host": "192.0.2.1"}, "192.0.2.1 is no address of this machine: name another with --host"),
    ],
)
def test_where_the_app_cannot_listen_is_one_clear_sentence_and_nothing_stays(
    start, tmp_path, monkeypatch, address, sentence
):
    monkeypatch.setattr(server.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", "put back")
    with pytest.raises(UserError, match=sentence), start(**address):
        pass
    assert not list(tmp_path.iterdir())
