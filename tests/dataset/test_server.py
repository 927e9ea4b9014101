"""Captions by an OpenAI-compatible server: a real one over HTTP, in this process."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import numpy as np
import pytest
from helpers.ports import free_port
from PIL import Image

from s2i.core.errors import UserError
from s2i.core.params import Caption, Vlm
from s2i.dataset.captioning import server
from s2i.dataset.captioning.answers import cached_answers
from s2i.dataset.captioning.captions import caption


class Chat(BaseHTTPRequestHandler):
    """Answers with the mean colour of the image; before that it behaves as ``server.script`` says, step by step."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):  # http.server's name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append((self.path, dict(self.headers), body))
            step = self.server.script.pop(0) if self.server.script else None
            self.server.at_once = max(self.server.at_once, 1 + self.server.busy)
            self.server.busy += 1
        if step == "silence":
            time.sleep(0.6)
        answer = {"choices": [{"message": {"role": "assistant", "content": f" {color_in(body)}\n"}}]}
        status, headers, content = step if isinstance(step, tuple) else (200, {}, json.dumps(answer))
        time.sleep(0.02)
        with self.server.lock:
            self.server.busy -= 1
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *_):
        pass


def color_in(body):
    """The mean of red of the image in a request, and the question."""
    image, text = body["messages"][0]["content"]
    data = base64.b64decode(image["image_url"]["url"].removeprefix("data:image/png;base64,"))
    return f"{np.asarray(Image.open(BytesIO(data)))[..., 0].mean():.0f} {text['text']}"


@pytest.fixture
def chat(monkeypatch):
    """A server that listens, with what it was asked; waits between requests are short."""
    monkeypatch.setattr(server, "FIRST_WAIT", 0.01)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    http.lock, http.asked, http.script, http.busy, http.at_once = threading.Lock(), [], [], 0, 0
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield http
    http.shutdown()
    thread.join()
    http.server_close()


def settings_of(chat, **changes):
    return Vlm(server=f"http://127.0.0.1:{chat.server_port}/v1/", model="qwen", **changes)


def grey(*values):
    return [np.full((8, 8, 3), value, np.uint8) for value in values]


def ask(chat, images, **changes):
    return list(server.Server(settings_of(chat, **changes)).answer(images, "What?", 7))


def test_each_image_gets_its_own_answer_and_a_batch_is_asked_at_once(chat, monkeypatch):
    monkeypatch.delenv(server.KEY, raising=False)
    assert ask(chat, grey(10, 20, 30, 40)) == ["10 What?", "20 What?", "30 What?", "40 What?"]
    assert chat.at_once > 1
    path, headers, body = chat.asked[0]
    assert path == "/v1/chat/completions" and "Authorization" not in headers
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("qwen", 7, 0)


def test_the_key_goes_along_where_there_is_one(chat, monkeypatch):
    monkeypatch.setenv(server.KEY, "secret")
    ask(chat, grey(1))
    assert chat.asked[0][1]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("step", [(503, {}, "loading"), (429, {"Retry-After": "0.05"}, ""), (500, {}, ""), "silence"])
def test_a_busy_or_silent_server_is_asked_again(chat, step):
    chat.script = [step, step]
    assert ask(chat, grey(10), timeout=0.3) == ["10 What?"]
    assert len(chat.asked) == 3


def test_a_server_is_not_asked_for_ever(chat):
    chat.script = [(503, {}, "still loading")] * 9
    with pytest.raises(UserError, match=r"caption.vlm.server http.* answered 503 'still loading', also when asked ag"):
        ask(chat, grey(10), retries=2)
    assert len(chat.asked) == 3


def test_no_server_is_one_clear_sentence(monkeypatch):
    monkeypatch.setattr(server, "FIRST_WAIT", 0.01)
    settings = Vlm(server=f"http://127.0.0.1:{free_port()}/v1", retries=1)
    with pytest.raises(UserError, match=r"does not answer \(.*\), also when asked again; see that it runs"):
        list(server.Server(settings).answer(grey(1), "What?", 7))
    with pytest.raises(UserError, match=r"does not answer \(.*\); see that it runs there, or take vlm out"):
        server.Server(settings).check_there()


def test_a_server_that_is_there_is_found_before_a_run(chat):
    server.Server(settings_of(chat)).check_there()


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ((404, {}, '{"error": "model qwen not found"}'), r"answered 404 .*not found.* to the model 'qwen'"),
        ((401, {}, "no key"), r"answered 401 'no key' .* OPENAI_API_KEY is set where it wants a key"),
        ((302, {"Location": "http://127.0.0.1:1/"}, ""), "answered 302 '' to the model"),
        ((200, {}, "<html>a page</html>"), "answered 200 '<html>a page</html>', which is no answer of a chat"),
        ((200, {}, '{"choices": []}'), "which is no answer of a chat"),
        ((200, {}, "[]"), "which is no answer of a chat"),
    ],
)
def test_a_refusal_is_one_clear_sentence_and_not_repeated(chat, step, sentence):
    chat.script = [step]
    with pytest.raises(UserError, match=sentence) as refusal:
        ask(chat, grey(10))
    assert len(chat.asked) == 1 and "\n" not in str(refusal.value)


def test_an_answer_of_nothing_is_empty(chat):
    chat.script = [(200, {}, '{"choices": [{"message": {"content": null}}]}')]
    assert ask(chat, grey(10)) == [""]


@pytest.mark.parametrize("address", ["localhost:8000/v1", "ftp://localhost", ""])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match="an address must begin with http:// or https://"):
        Vlm(server=address)


def test_an_address_that_cannot_be_is_one_clear_sentence():
    with pytest.raises(UserError, match="is no address"):
        list(server.Server(Vlm(server="http://local:host:80/v1")).answer(grey(1), "What?", 7))


def test_answers_are_kept_also_those_before_a_failure(chat, ingested):
    photos = [record["photo"] for record in ingested[:6]]
    chat.script = [None, None, None, None, (400, {}, "too large")]
    with pytest.raises(UserError, match="too large"):
        cached_answers(photos, "What?", settings_of(chat, batch_size=1), "auto", "auto")
    answers = cached_answers(photos, "What?", settings_of(chat, batch_size=1), "auto", "auto")
    assert len(chat.asked) == 5 + 2 and all(answer.endswith("What?") for answer in answers)
    cached_answers(photos, "What?", settings_of(chat, batch_size=3), "auto", "auto")
    assert len(chat.asked) == 7
    cached_answers(photos[:1], "What?", settings_of(chat, max_new_tokens=9), "auto", "auto")
    assert len(chat.asked) == 8


def test_photos_are_captioned_by_a_server(chat, ingested, tmp_path, workers):
    params = Caption(by=["vlm"], vlm=settings_of(chat, question="How red?"))
    captioned = list(caption(ingested, tmp_path, params, workers, "auto", "auto"))
    assert {record["captioned_by"] for record in captioned} == {"vlm"}
    assert all(record["caption"].endswith("How red?") for record in captioned)
    assert len({record["caption"] for record in captioned}) > 1
