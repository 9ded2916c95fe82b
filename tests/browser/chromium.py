"""A headless Chromium of its own for each use, driven by the chromedriver beside it."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)


def _found(*names: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    raise RuntimeError(
        f"The page is tested in Chromium, and there is no {names[0]} on this machine: "
        "install the packages chromium and chromium-driver (apt-get install chromium chromium-driver)."
    )


@contextmanager
def chromium(width: int = 1360, height: int = 900) -> Iterator[Chrome]:
    """Start a browser that keeps its console and the list of its requests."""
    options = ChromeOptions()
    options.binary_location = _found("chromium", "chromium-browser", "google-chrome")
    for flag in (*FLAGS, f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options.add_argument(f"--user-data-dir={profile}")
        driver = Chrome(options, ChromeService(_found("chromedriver")))
        try:
            driver.set_page_load_timeout(60)
            yield driver
        finally:
            driver.quit()


def resize(driver: Chrome, width: int, height: int, ratio: float = 1) -> None:
    """Give the page exactly this window."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": ratio, "mobile": False},
    )


def prefer(driver: Chrome, scheme: str) -> None:
    """Let the browser prefer dark or light pages."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def open_page(driver: Chrome, page: Path, fragment: str = "") -> None:
    """Open a page from disk and wait until it has drawn itself."""
    driver.get("about:blank")
    driver.get(page.as_uri() + fragment)


def requests(driver: Chrome) -> list[str]:
    """Return the addresses that were asked for since the last call, data aside."""
    found = []
    for entry in _log(driver, "performance"):
        message: dict[str, Any] = json.loads(entry["message"])["message"]
        if message["method"] in {"Network.requestWillBeSent", "Network.webSocketCreated"}:
            parameters = message["params"]
            found.append(parameters.get("request", parameters)["url"])
    own = ("data:", "about:", "chrome:")  # the last for the tab that the browser starts with
    return [address for address in found if not address.startswith(own)]


def _log(driver: Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = driver.get_log(kind)  # type: ignore[no-untyped-call]
    return entries


def console(driver: Chrome) -> list[str]:
    """Return what was written to the console since the last call."""
    return [f"{entry['level']}: {entry['message']}" for entry in _log(driver, "browser")]
