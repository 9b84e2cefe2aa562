"""A server of the OpenAI protocol, on loopback, that fails as it is told: with answers of its own, or in front of a real one."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = Callable[[str, str, bytes, dict[str, str]], tuple[int, bytes]]  # method, path, body, headers -> status, body
Faults = Callable[[str, int], str | None]  # digest of the body, how often it was asked before -> fault

FAULTS = ("500", "503", "429", "408", "reset", "cut", "garbage", "empty")


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def some_faults(most: int = 3) -> Faults:
    """Up to `most` faults before each request's answer, how many and which a matter of its digest."""

    def fault(name: str, before: int) -> str | None:
        number = int(name, 16)
        return FAULTS[(number // 7 + before) % len(FAULTS)] if before < number % (most + 1) else None

    return fault


def made_up(_method: str, _path: str, body: bytes, _headers: dict[str, str]) -> tuple[int, bytes]:
    """A chat's answer that is a matter of what was asked alone: log-probabilities of 20 tokens, or a text."""
    asked = json.loads(body)
    number = int(digest(body), 16)
    words = [f"w{number >> shift & 255}" for shift in range(0, 40, 8)]
    choice: dict[str, Any] = {"index": 0, "finish_reason": ("stop", "length")[number % 2]}
    choice["message"] = {"role": "assistant", "content": " ".join(words)}
    if asked.get("logprobs"):
        texts = ["1", " 2", "3", "\u01204", "5", *"ABT", *"abcdefghijkl"][: asked["top_logprobs"]]
        listed = [{"token": text, "logprob": -((number >> i & 63) / 8)} for i, text in enumerate(texts)]
        choice["logprobs"] = {"content": [{**listed[0], "top_logprobs": listed}]}
    usage = {"prompt_tokens": len(body) // 4, "completion_tokens": asked["max_tokens"]}
    return 200, json.dumps({"choices": [choice], "usage": usage}).encode()


def in_front_of(base_url: str) -> Answer:
    """What a real server answers."""
    address = urlsplit(base_url)

    def forward(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(address.hostname, address.port)
        passed = {name: headers[name] for name in ("content-type", "authorization") if name in headers}
        connection.request(method, path, body, passed)
        response = connection.getresponse()
        return response.status, response.read()

    return forward


class FlakyServer:
    """Counts by digest of the body how often each request was `asked` and wholly `answered`; use it as a context."""

    def __init__(self, answer: Answer = made_up, faults: Faults = lambda *_: None, retry_after: str = "0.01") -> None:
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.bodies: dict[str, bytes] = {}
        self.headers: list[dict[str, str]] = []
        self.most_at_a_time = self._at_a_time = 0
        self._answer, self._faults, self._retry_after = answer, faults, retry_after
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                server._serve(self)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, *_: object) -> None:  # a client that was killed
                pass

        self._listener = Listener(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._listener.server_port}/v1"

    def __enter__(self) -> FlakyServer:
        threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length", 0))
        body = handler.rfile.read(length)
        if len(body) < length:  # a client that was killed
            handler.close_connection = True
            return
        name = digest(body)
        headers = {key.lower(): value for key, value in handler.headers.items()}
        with self._lock:
            before = self.asked[name]
            self.asked[name] += 1
            self.bodies[name] = body
            self.headers.append(headers)
            self._at_a_time += 1
            self.most_at_a_time = max(self.most_at_a_time, self._at_a_time)
        try:
            fault = self._faults(name, before)
            if fault is None or fault in ("reset", "cut"):
                status, answer = self._answer(handler.command, handler.path, body, headers)
                self._send(handler, status, answer, fault)
                if fault is None and status == 200:
                    with self._lock:
                        self.answered[name] += 1
            elif fault in ("garbage", "empty"):
                self._send(handler, 200, b'{"choices": [{"mess' if fault == "garbage" else b"{}", None)
            elif fault.isdigit():
                self._send(handler, int(fault), json.dumps({"error": {"message": f"fault {fault}"}}).encode(), None)
            else:
                raise ValueError(fault)
        finally:
            with self._lock:
                self._at_a_time -= 1

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes, fault: str | None) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        if status == 429:
            handler.send_header("Retry-After", self._retry_after)
        if 300 <= status < 400:
            handler.send_header("Location", "http://127.0.0.1:9/v1/chat/completions")
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if fault else body)
        handler.wfile.flush()
        if fault == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        if fault:
            handler.close_connection = True
