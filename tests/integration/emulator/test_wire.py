"""The HTTP server in front: connections, bodies, addresses, admin calls."""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests import signing
from tests.emulator import serve_refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator import Emulator


def test_a_connection_stays_open(emulator: Emulator) -> None:
    """Several requests of any kind go over one connection, errors and bodiless ones too."""
    emulator.client("s3").create_bucket(Bucket="photos")
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
    used = set()
    for method, path, status in [
        ("PUT", "/photos/1.jpg", 200),
        ("HEAD", "/photos/1.jpg", 200),
        ("GET", "/photos/no.jpg", 404),
        ("DELETE", "/photos/1.jpg", 204),
        ("GET", "/photos", 200),
    ]:
        body = b"data" if method == "PUT" else b""
        signed = signing.headers(emulator.secret, method, f"{emulator.url}{path}", body)
        connection.request(method, path, body=body or None, headers=signed)
        response = connection.getresponse()
        response.read()
        assert response.status == status, (method, path)
        assert connection.sock is not None
        used.add(connection.sock.getsockname()[1])
    connection.close()
    assert len(used) == 1


def test_a_chunked_body_is_read_to_its_end(emulator: Emulator) -> None:
    """A body of unknown length arrives whole, and the connection goes on after it."""
    emulator.client("s3").create_bucket(Bucket="photos")
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
    url = f"{emulator.url}/photos/1.jpg"
    signed = signing.headers(emulator.secret, "PUT", url, b"onetwo")
    parts = iter([b"one", b"two"])
    connection.request("PUT", "/photos/1.jpg", parts, signed, encode_chunked=True)
    connection.getresponse().read()
    connection.request("GET", "/photos/1.jpg", headers=signing.headers(emulator.secret, "GET", url))
    assert connection.getresponse().read() == b"onetwo"
    connection.close()


def test_a_client_that_waits_for_100_continue_is_answered_at_once(emulator: Emulator) -> None:
    """Clients wait a second for it before they send a body all the same."""
    asked = emulator.raw_request("PUT", "/photos").removesuffix(b"\r\n")
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
        connection.sendall(asked + b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")


def test_a_client_that_would_rather_speak_http_2_is_answered(emulator: Emulator) -> None:
    """Java's own HTTP client asks for it with its first request, and takes HTTP/1.1 as well."""
    emulator.client("s3").create_bucket(Bucket="photos")
    asked = emulator.raw_request("GET", "/photos").removesuffix(b"\r\n")
    asked += b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n\r\n"
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
        connection.sendall(asked)
        answer = b"".join(iter(lambda: connection.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"</ListBucketResult>")


def test_uploads_are_not_slowed_by_waiting(emulator: Emulator) -> None:
    """boto3 asks for 100-continue on every upload, and would wait a second for it each time."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="photos")
    seconds = []
    for number in range(10):
        begin = time.monotonic()
        s3.put_object(Bucket="photos", Key=f"{number}.jpg", Body=b"x")
        seconds.append(time.monotonic() - begin)
    assert min(seconds) < 0.9


def test_one_more_address_can_be_served_and_closed_again(emulator: Emulator) -> None:
    """The gateway of the hosts' network gets a listener of its own, on the same port."""
    url = f"http://127.0.0.77:{emulator.port}/moto-api/"
    request = urllib.request.Request(url, headers=emulator.token)  # loopback
    for _ in range(2):  # asking twice is asking once
        emulator.call("POST", "_carscribe/listen", {"address": "127.0.0.77"})
    with urllib.request.urlopen(request) as response:  # noqa: S310 # loopback
        assert response.status == 200
    for _ in range(2):
        emulator.call("DELETE", "_carscribe/listen", {"address": "127.0.0.77"})
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(request)  # noqa: S310 # loopback
    assert emulator.counts() == {}


@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        ("POST", "faults", [1]),
        ("POST", "iam", {}),
        ("POST", "listen", {"address": "192.0.2.1"}),
        ("GET", "nothing", None),
    ],
)
def test_a_wrong_admin_call_says_what_is_wrong(
    emulator: Emulator, method: str, path: str, value: object
) -> None:
    """It is answered with a reason, and the emulator goes on."""
    request = urllib.request.Request(  # noqa: S310 # loopback
        f"{emulator.url}/_carscribe/{path}",
        method=method,
        data=None if value is None else json.dumps(value).encode(),
        headers=emulator.token,
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310 # loopback
    with caught.value as error:
        assert error.code in {400, 404}
        assert json.loads(error.read())["error"]
    assert emulator.counts() == {}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--images", "/no/such/folder"], 66, "There is no folder /no/such/folder."),
        (["--faults", "{"], 64, "--faults: is no JSON"),
        (["--faults", "/no/such/file"], 64, "--faults: cannot read /no/such/file"),
        (["--faults", '{"latencies": 1}'], 64, "unknown latencies"),
        (["--address", "192.0.2.1"], 69, "Cannot listen at 192.0.2.1:0:"),
    ],
)
def test_a_wrong_start_is_one_clear_sentence(arguments: list[str], code: int, said: str) -> None:
    """Each mistake has one sentence and its own exit code."""
    done = serve_refused(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_clear_sentence(emulator: Emulator, tmp_path: Path) -> None:
    """A second emulator on the same port says why it does not start, and writes no ready file."""
    ready = tmp_path / "ready.json"
    arguments = ["--port", str(emulator.port), "--ready-file", str(ready)]
    done = serve_refused(*arguments)
    assert done.returncode == 69
    assert done.stderr.strip().splitlines() == [
        f"Cannot listen at 127.0.0.1:{emulator.port}: Address already in use."
    ]
    assert not ready.exists()
