"""Places at addresses: a local server of S3, and fsspec's memory."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pytest
import requests
from moto.server import ThreadedMotoServer

from audiolabels.files import remote


@contextmanager
def s3_server() -> Iterator[str]:
    """A server of S3 with a bucket `bucket`, and what drivers find it by; its address."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        s3 = fsspec.filesystem("s3", skip_instance_cache=True)
        # All servers of a process share what is in them.
        requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10).raise_for_status()
        s3.mkdir("bucket")
        yield f"http://{host}:{port}"
    s3.clear_instance_cache()
    remote._found.clear()
    server.stop()


def files_at(address: str) -> dict[str, bytes]:
    """Names and content of the files at an address."""
    system, place = fsspec.core.url_to_fs(address, use_listings_cache=False)
    names = [name for name in system.find(place) if not name.endswith("/")]
    return {name.rsplit("/", 1)[-1]: system.cat_file(name) for name in names}


def put(address: str, content: bytes | Path) -> str:
    system, place = fsspec.core.url_to_fs(address, use_listings_cache=False)
    system.pipe_file(place, content if isinstance(content, bytes) else content.read_bytes())
    return address


def state_of(address: str) -> Any:
    """What changes when a file is written again."""
    system, place = fsspec.core.url_to_fs(address, use_listings_cache=False)
    facts = system.info(place)
    return facts.get("LastModified"), facts.get("created")
