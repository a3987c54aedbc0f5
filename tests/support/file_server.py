"""A local server of files, with the faults that real ones have."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass
class FileServer:
    """What a server sends.

    Attributes:
        files: path to content.
        tag: the ETag of every file; empty for none.
        status: of every answer, if not 200 or 206.
        stop_after: bytes after which an answer breaks off; None: it does not.
        hang: whether it then waits instead of closing the connection, until `released`.
        asked: of every request its path and its header `Range`.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    tag: str = '"one"'
    status: int = 200
    stop_after: int | None = None
    hang: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    released: Event = field(default_factory=Event)


@contextmanager
def serving(**content: bytes) -> Iterator[FileServer]:
    """A server of files; `name__csv` is the path `/name.csv`."""
    state = FileServer({f"/{name.replace('__', '.')}": data for name, data in content.items()})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            state.asked.append((self.path, asked))
            body = state.files.get(self.path)
            if body is None or state.status != 200:
                self.send_error(404 if body is None else state.status)
                return
            start = 0
            if asked and self.headers.get("If-Range") == state.tag:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    self.send_error(416)
                    return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if state.tag:
                self.send_header("ETag", state.tag)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            self.wfile.write(body[start : state.stop_after])
            if state.hang:
                self.wfile.flush()
                state.released.wait(30)

        def log_message(self, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            state.released.set()
            server.shutdown()
            thread.join()
