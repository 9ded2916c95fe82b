"""Texts from outside do nothing, and nothing is asked of any network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from carscribe.thumbnails import SourceError
from tests.browser import runs
from tests.browser.chromium import requests

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver import Chrome

    from tests.browser.conftest import Page

MARKUP = (
    "</script><script>window.hit=1</script>",
    "<img src=x onerror='window.hit=2'>",
    '"><svg onload=window.hit=3>',
    "<!--<script>",
    "javascript:window.hit=4",
    "{{title}}<!--data-->",
    "<b>bold</b>&amp;&lt;",
    "</title></style><iframe src='https://example.com/'></iframe>",
    "__proto__",
    "'); window.hit=5; ('",
)
RUN_ID = "</title><script>window.hit=6</script>{{script}}"
PLACE = (0.2, 0.2, 0.3, 0.1)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose keys, texts, reasons and run id are all full of markup."""
    a, b = [], []
    for n, text in enumerate(MARKUP, 1):
        a.append(runs.image(text, runs.START + n, 0.5, n=n, car=runs.car(99, PLACE)))
        lines = [runs.line(0, text, 99.0, PLACE), runs.line(1, text, 10.0, PLACE)]
        b.append(runs.reading(a[-1], lines, runs.START + n + 1, 0.5))
    failure = {"reason": MARKUP[0], "detail": MARKUP[1]}
    a.append(runs.image("failed" + MARKUP[2], runs.START + 30, 0.5, failure=failure))
    changes = {"run_id": RUN_ID, "state": "incomplete", "reason": MARKUP[1]}

    def read(key: str, etag: str) -> bytes:
        raise SourceError(key + etag, own=True)

    folder = tmp_path_factory.mktemp("hostile") / "run"
    return runs.write_run(folder, a, b, read, a=changes, b={"version": MARKUP[1]})


def test_markup_is_text_and_nothing_else(page: Page, hostile: Path) -> None:
    """Keys, texts, reasons and ids full of markup are shown as they are, and do nothing."""
    page.open(hostile)
    keys = [*MARKUP, "failed" + MARKUP[2]]
    assert sorted(page.keys()) == sorted(keys)
    for position in range(len(keys)):
        page.driver.find_elements("css selector", ".card")[position].click()
        assert page.text("#dialog-title") in keys
        page.driver.find_element("id", "dialog-close").click()
    plates = (
        "return [...document.querySelectorAll('.plate:not(.unsure) bdi')].map(e => e.textContent)"
    )
    assert sorted(page.run(plates)) == sorted(MARKUP)
    assert RUN_ID in page.text("#when")
    assert page.driver.title == f"{RUN_ID} · carscribe"
    assert MARKUP[1] in page.text("#notice")
    assert page.run("return window.hit ?? null") is None
    foreign = "img[src=x], iframe, svg[onload], #gallery b, #gallery script, #notice img"
    assert page.run(f"return document.querySelectorAll(`{foreign}`).length") == 0


def test_search_finds_markup_as_text(page: Page, hostile: Path) -> None:
    """Markup typed into the search is a text as well."""
    page.open(hostile)
    page.driver.find_element("name", "query").send_keys("<IMG SRC=x")
    assert page.keys() == [MARKUP[1]]


def test_page_asks_for_itself_alone(page: Page, samples: Path) -> None:
    """Opening the page, all its pictures and every dialog asks for the one file only."""
    requests(page.driver)
    page.open(samples)
    page.wait_for_pictures()
    page.driver.find_elements("css selector", ".card")[0].click()
    page.driver.find_element("id", "dialog-next").click()
    assert requests(page.driver) == [samples.as_uri()]


def test_policy_forbids_scripts_and_requests(browser: Chrome, samples: Path) -> None:
    """Even a script that got in could neither run nor ask for anything."""
    browser.get(samples.as_uri())
    browser.execute_async_script("""
        const done = arguments[0];
        window.broken = [];
        addEventListener('securitypolicyviolation', e => window.broken.push(e.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.hit = 1';
        document.body.append(script);
        const image = document.createElement('img');
        image.src = 'https://127.0.0.1:9/x.png';
        document.body.append(image);
        fetch('https://127.0.0.1:9/x').catch(() => setTimeout(done, 100));
    """)
    broken = set(browser.execute_script("return window.broken"))
    assert browser.execute_script("return window.hit ?? null") is None
    assert broken == {"script-src-elem", "img-src", "connect-src"}
