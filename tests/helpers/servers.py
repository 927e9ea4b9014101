"""Servers on this machine that stand for those of the internet."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, with index pages; `asked` are the paths that were fetched, `failing` those that are cut off."""

    asked: list
    failing: set

    def do_GET(self):
        self.asked.append(self.path)
        if self.path in self.failing:
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"half of it")
            self.close_connection = True
            return
        super().do_GET()

    def log_message(self, *arguments):
        pass


@contextmanager
def http_server(folder):
    """(address, handler) of a server of a folder's files."""
    handler = type("Handler", (Quiet,), {"asked": [], "failing": set()})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler
        finally:
            server.shutdown()
