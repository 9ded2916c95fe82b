"""The images of a benchmark: valid, deterministic, made when asked for."""

import hashlib
import io
import random
from dataclasses import dataclass, field
from functools import cached_property

from PIL import Image

END_OF_IMAGE = b"\xff\xd9"
COMMENT = b"\xff\xfe\x00\x0a"  # a JPEG comment of 8 bytes (the length counts itself)
KEY_DIGITS = 8


def base_jpeg(seed: int, size_bytes: int) -> bytes:
    """Draw noise, and grow it until the JPEG has about the size asked for."""
    noise = random.Random(seed)
    side = 80  # Rekognition's least
    while True:
        picture = Image.frombytes("L", (side, side), noise.randbytes(side * side))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=60)
        if buffer.tell() >= size_bytes:
            return buffer.getvalue()
        # Bytes grow with the square of the side; a tenth less than that, not to go beyond.
        side = max(side + 16, int(side * 0.95 * (size_bytes / buffer.tell()) ** 0.5))


@dataclass(frozen=True)
class Images:
    """As many images as wanted: all alike, but for a comment that holds their number."""

    count: int
    seed: int = 1
    car_share: float = 0.5
    size_bytes: int = 50_000
    prefix: str = ""
    _base: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        base = base_jpeg(self.seed, self.size_bytes).removesuffix(END_OF_IMAGE)
        object.__setattr__(self, "_base", base)

    @cached_property
    def _base_digest(self) -> "hashlib._Hash":
        return hashlib.md5(self._base, usedforsecurity=False)

    @cached_property
    def confidences(self) -> list[float | None]:
        """Each image's confidence of Car; None where Rekognition names no car."""
        dice = random.Random(self.seed)
        return [self._confidence(dice) for _ in range(self.count)]

    def _confidence(self, dice: random.Random) -> float | None:
        if dice.random() < self.car_share:
            return round(dice.uniform(90.01, 99.99), 2)
        return dice.choice([None, None, None, 90.0, round(dice.uniform(55, 90), 2)])

    @property
    def cars(self) -> int:
        """How many images show a car above 90."""
        return sum(1 for confidence in self.confidences if confidence and confidence > 90)

    def key(self, index: int) -> str:
        """Name the image; names sort as the numbers do."""
        return f"{self.prefix}{index:0{KEY_DIGITS}d}.jpg"

    def index(self, key: str) -> int | None:
        """Find an image by its key."""
        digits = key.removeprefix(self.prefix).removesuffix(".jpg")
        if not digits.isascii() or not digits.isdigit() or int(digits) >= self.count:
            return None
        return int(digits) if key == self.key(int(digits)) else None

    def _tail(self, index: int) -> bytes:
        return COMMENT + f"{index:0{KEY_DIGITS}d}".encode() + END_OF_IMAGE

    def data(self, index: int) -> bytes:
        """Return the image itself."""
        return self._base + self._tail(index)

    def etag(self, index: int) -> str:
        """Return the MD5 of the image, as S3 does for an object stored in one part."""
        digest = self._base_digest.copy()
        digest.update(self._tail(index))
        return digest.hexdigest()

    @property
    def length(self) -> int:
        """Size of any of the images, in bytes."""
        return len(self._base) + len(self._tail(0))

    def index_of_data(self, data: bytes) -> int | None:
        """Find an image by its bytes; None if they are none of ours."""
        digits = data[-len(END_OF_IMAGE) - KEY_DIGITS : -len(END_OF_IMAGE)]
        if len(data) != self.length or not digits.isdigit():
            return None
        index = int(digits)
        return index if index < self.count and data.endswith(self._tail(index)) else None
