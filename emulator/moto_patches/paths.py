"""Keys with a newline: moto finds no route for them."""

from __future__ import annotations

from moto.core import base_backend


def patch() -> None:
    """Route every key to S3.

    A dot of moto's patterns matches no newline, so that a key with one was
    answered with a bare 404; S3 allows any character of Unicode in a key.
    """
    convert = base_backend.convert_regex_to_flask_path
    base_backend.convert_regex_to_flask_path = lambda path: convert(
        path.replace("<key_name>.+)", r"<key_name>[\s\S]+)")
    )
