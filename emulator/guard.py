"""What is refused before anything else is looked at, and who may use the control endpoints.

A page in a browser reaches a server on loopback too. Browsers say where a
request comes from in headers that no page can take away; a name that is made
to lead here (DNS rebinding) stands in Host.
"""

from __future__ import annotations

import hmac
import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from emulator import errors
from emulator.messages import Answer

if TYPE_CHECKING:
    from emulator.messages import Request
    from emulator.secret import Secret

HTTP_PORT = 80
OF_BROWSERS = ("origin", "sec-fetch-site")
CONTROL = ("/_carscribe/", "/moto-api")


def refusal(request: Request, secret: Secret) -> Answer | None:
    """Refuse what a browser sends, what is sent to another name, and control without a token."""
    for name in OF_BROWSERS:
        if name in request.headers:
            return Answer.of_text("not for web pages", 403)
    address, port = request.server_address, request.server_port
    if request.headers.get("host", "") not in _hosts(address, port):
        return _other_host(request, f"http://{address}:{port}")
    if request.path.startswith(CONTROL):
        return _refusal_of_control(request, secret)
    return None


def _other_host(request: Request, url: str) -> Answer:
    """Tell an SDK, which shows only errors of the service's own form, and anybody else in a text."""
    text = f"Host is not the address of this server: ask {url}"
    if not request.credential:
        return Answer.of_text(text, 403)
    service = errors.protocol_of(request.credential[3], request)
    return errors.error(service, "AccessDenied", text, 403)


@lru_cache(maxsize=256)
def _hosts(address: str, port: int) -> frozenset[str]:
    """Return what Host may say of an address that was connected to."""
    names = {f"{address}:{port}", f"[{address}]:{port}"}
    return frozenset(names | {address} if port == HTTP_PORT else names)


def _refusal_of_control(request: Request, secret: Secret) -> Answer | None:
    if not ipaddress.ip_address(request.client_address).is_loopback:
        return Answer.of_text("only for clients on this machine", 403)
    given = request.header("Authorization").encode("latin-1", "replace")
    if not hmac.compare_digest(given, f"Bearer {secret.token}".encode()):
        return Answer.of_text("the control endpoints need the token of this emulator", 401)
    return None
