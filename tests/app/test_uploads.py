"""What people with ill will cannot do."""

import httpx
import pytest
from helpers.app import REQUEST

pytest.importorskip("gradio", reason="the app's extra is not installed: pip install -e '.[app]'")


@pytest.mark.parametrize("path", ["/etc/passwd", "{project}/params.yaml", "params.yaml", "../../etc/passwd"])
def test_no_path_of_the_server_can_be_read(url, project, path):
    path = path.format(project=project)
    assert httpx.get(f"{url}gradio_api/file={path}").status_code in (403, 404)
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    call = f"{url}gradio_api/call/draw"  # not by the client, which would upload the file
    event = httpx.post(call, json={"data": [file, *REQUEST.values()]}).json()["event_id"]
    answer = httpx.get(f"{call}/{event}", timeout=60).text
    assert "The sketch was not uploaded: send an image file" in answer
    assert "root:" not in answer and str(project) not in answer


def test_no_address_is_fetched(client, monkeypatch):
    async def fetched(self, *_):
        raise AssertionError("fetched")

    monkeypatch.setattr("gradio.blocks.Block.async_move_resource_to_block_cache", fetched)
    file = {"path": "https://example.com/huge.png", "meta": {"_type": "gradio.FileData"}}
    for values in ({"sketch": file}, {"sketch": None, "prompt": file}):
        with pytest.raises(Exception, match="An address is no sketch: send an image file"):
            client.predict(**REQUEST | values, api_name="/draw")


def test_what_is_too_large_is_refused(url):
    answer = httpx.post(f"{url}gradio_api/upload", files={"files": ("a.png", bytes(22 * 10**6))}, timeout=60)
    assert answer.status_code == 413 and "20 MB" in answer.text
    assert httpx.get(url).status_code == 200
