"""Questions about images to an OpenAI-compatible server: vLLM, Ollama, llama.cpp and others.

Source: https://platform.openai.com/docs/api-reference/chat/create, whose image parts
https://docs.vllm.ai/en/latest/features/multimodal_inputs.html and https://docs.ollama.com/api/openai-compatibility take
as data URLs.
"""

import base64
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np

from s2i.core.errors import UserError, first_line
from s2i.core.params import Vlm
from s2i.imaging import io

KEY = "OPENAI_API_KEY"  # the environment variable of the key, where a server wants one
WORTH_A_RETRY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})  # HTTP statuses that may pass
FIRST_WAIT, MAX_WAIT = 0.5, 60.0  # seconds; each wait is twice the one before it
QUOTED_CHARACTERS = 200


class Server:
    """A server that answers questions about images, by address and name of the model."""

    def __init__(self, settings: Vlm):
        self.settings = settings
        self.address = (settings.server or "").rstrip("/")

    def answer(self, images: Sequence[np.ndarray], question: str, max_new_tokens: int) -> Iterator[str]:
        """One answer an image (H, W, 3) uint8, in their order, outer spaces removed; all are asked for at once.

        Raises UserError when the server cannot be reached, refuses, or gives no answer of a chat.
        """
        key = os.environ.get(KEY)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with (
            httpx.Client(headers=headers, timeout=self.settings.timeout) as client,
            ThreadPoolExecutor(len(images)) as threads,
        ):
            requests = [self._request(image, question, max_new_tokens) for image in images]
            answers = [threads.submit(self._ask, client, request) for request in requests]
            try:
                for answer in answers:
                    yield answer.result()
            finally:
                threads.shutdown(cancel_futures=True)

    def check_there(self) -> None:
        """Raise UserError where nothing answers at the address, whatever it would answer."""
        try:
            httpx.get(f"{self.address}/models", timeout=self.settings.timeout)
        except (httpx.InvalidURL, httpx.RequestError) as error:
            raise self._error(f"does not answer ({first_line(error)}); see that it runs there") from None

    def _request(self, image: np.ndarray, question: str, max_new_tokens: int) -> dict[str, Any]:
        data = base64.b64encode(io.png_bytes(image)).decode()
        parts = [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
            {"type": "text", "text": question},
        ]
        return {
            "model": self.settings.model,
            "messages": [{"role": "user", "content": parts}],
            "max_tokens": max_new_tokens,
            "temperature": 0,
        }

    def _ask(self, client: httpx.Client, request: dict[str, Any]) -> str:
        """The answer to one request, which is sent again while that may help."""
        wait = FIRST_WAIT
        for attempt in range(self.settings.retries + 1):
            if attempt:
                time.sleep(wait)
                wait = min(2 * wait, MAX_WAIT)
            try:
                response = client.post(f"{self.address}/chat/completions", json=request)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise self._error(
                    f"is no address ({first_line(error)}); write it like http://localhost:8000/v1"
                ) from None
            except httpx.RequestError as error:
                failure = f"does not answer ({first_line(error)})"
                continue
            if response.status_code not in WORTH_A_RETRY:
                return self._text_of(response)
            failure = f"answered {_quoted(response)}"
            wait = max(wait, _retry_after(response))
        raise self._error(f"{failure}, also when asked again; see that it runs there and rerun")

    def _text_of(self, response: httpx.Response) -> str:
        """The text of an answer; raises UserError for a refusal and for what is none."""
        if not response.is_success:
            raise self._error(
                f"answered {_quoted(response)} to the model '{self.settings.model}'; see that it serves this model to "
                f"images, that the address is right (most end in /v1), and that {KEY} is set where it wants a key"
            )
        try:
            content = response.json()["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            raise self._error(f"answered {_quoted(response)}, which is no answer of a chat; see its address") from None
        return content.strip() if isinstance(content, str) else ""

    def _error(self, what: str) -> UserError:
        return UserError(f"caption.vlm.server {self.settings.server} {what}, or take vlm out of caption.by.")


def _quoted(response: httpx.Response) -> str:
    """The status and the beginning of the text of a response, in one line."""
    return f"{response.status_code} {' '.join(response.text[:QUOTED_CHARACTERS].split())!r}"


def _retry_after(response: httpx.Response) -> float:
    """The seconds that a server asks to wait, at most `MAX_WAIT`; 0 where it does not say in numbers."""
    try:
        return min(max(float(response.headers.get("retry-after", "")), 0.0), MAX_WAIT)
    except ValueError:
        return 0.0
