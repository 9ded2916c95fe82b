"""The AWS CLI without a new process for each command, which takes it a second.

Reads a JSON list of arguments from each line of standard input, and writes a
JSON list of exit code, standard output and standard error for it.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from typing import Any


def main() -> None:
    """Carry out commands until the input ends."""
    driver: Any = importlib.import_module("awscli.clidriver").create_clidriver()
    answers = sys.stdout
    for line in sys.stdin:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in "oe")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = driver.main(json.loads(line))
        said = [stream.buffer.getvalue().decode() for stream in (out, err)]
        answers.write(json.dumps([code, *said]) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
