"""Draw the sample images and write what Rekognition is to say about them.

Run it from the top of the project: ``python -m images.draw [DIR]``.
Both come from one set of coordinates, so the boxes are where the things are.
"""

from __future__ import annotations

import argparse
import json
import pathlib

from images.drawing.answers import answer
from images.drawing.scenes import SCENES

QUALITY = 88


def draw(folder: pathlib.Path, names: list[str]) -> None:
    """Write the named images and their answers into a folder."""
    answers = folder / "answers"
    answers.mkdir(parents=True, exist_ok=True)
    for name in names:
        scene = SCENES[name]()
        scene.canvas.finished().save(
            folder / name, quality=QUALITY, optimize=True, progressive=True
        )
        text = json.dumps(answer(scene), indent=1, ensure_ascii=False)
        (answers / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{name}: {(folder / name).stat().st_size / 1024:.0f} kB")


def main() -> None:
    """Draw all images, or those that are named."""
    parser = argparse.ArgumentParser(description="Draw the sample images and their answers.")
    here = pathlib.Path(__file__).parent
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=here)
    parser.add_argument("--only", nargs="*", choices=SCENES, default=list(SCENES))
    arguments = parser.parse_args()
    draw(arguments.folder, arguments.only)


if __name__ == "__main__":
    main()
