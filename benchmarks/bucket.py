"""A bucket of generated images: the part of S3 that the workers use, read only."""

from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from xml.sax.saxutils import escape

from benchmarks.images import Images
from emulator import errors
from emulator.messages import Answer, Request

PAGE = 1000
MODIFIED = datetime(2025, 1, 1, tzinfo=UTC)
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class Bucket:
    """One bucket that holds the images and nothing else; moto sorts all keys for each page."""

    def __init__(self, images: Images, name: str, region: str) -> None:
        self.images = images
        self.name = name
        self._region = ("x-amz-bucket-region", region)
        self._of_objects = [
            ("Content-Type", "image/jpeg"),
            ("Accept-Ranges", "bytes"),
            ("Last-Modified", format_datetime(MODIFIED, usegmt=True)),
        ]

    def has(self, request: Request) -> bool:
        """Say whether a request of S3 is about this bucket."""
        return request.path.removeprefix("/").partition("/")[0] == self.name

    def answer(self, operation: str, request: Request) -> Answer:
        """Answer one operation, such as `HeadObject`."""
        match operation:
            case "ListObjectsV2":
                return self._list(request)
            case "HeadBucket":
                return Answer(HTTPStatus.OK, b"", [self._region])
            case "GetObject" | "HeadObject":
                return self._object(request)
        return errors.not_implemented(f"s3.{operation} of the generated bucket", request)

    def _object(self, request: Request) -> Answer:
        index = self.images.index(request.path.removeprefix(f"/{self.name}/"))
        if index is None:
            return errors.error("s3", "NoSuchKey", "The specified key does not exist.", 404)
        etag = f'"{self.images.etag(index)}"'
        if_match = request.headers.get("if-match")
        if if_match is not None and if_match.strip('"') != etag.strip('"'):
            text = "At least one of the pre-conditions you specified did not hold"
            return errors.error("s3", "PreconditionFailed", text, 412)
        headers = [*self._of_objects, ("ETag", etag)]
        return Answer(HTTPStatus.OK, self.images.data(index), headers)

    def _list(self, request: Request) -> Answer:
        query = {name: values[0] for name, values in request.query.items()}
        prefix = query.get("prefix", "")
        after = query.get("continuation-token") or query.get("start-after") or ""
        size = min(PAGE, int(query.get("max-keys", PAGE)))
        matching = self.images.key(0).startswith(prefix) or prefix.startswith(self.images.prefix)
        found: list[int] = []
        for index in range(self._first_after(after), self.images.count if matching else 0):
            if self.images.key(index).startswith(prefix):
                found.append(index)
            if len(found) > size:
                break
        page = self._page(query, found[:size], more=len(found) > size)
        headers = [("Content-Type", "application/xml"), self._region]
        return Answer(HTTPStatus.OK, page, headers)

    def _first_after(self, key: str) -> int:
        """Find the first image whose key sorts after this one, by bisection."""
        low, high = 0, self.images.count
        while low < high:
            middle = (low + high) // 2
            if self.images.key(middle) <= key:
                low = middle + 1
            else:
                high = middle
        return low

    def _page(self, query: dict[str, str], found: list[int], *, more: bool) -> bytes:
        parts = [
            f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{NAMESPACE}">',
            f"<Name>{self.name}</Name><Prefix>{escape(query.get('prefix', ''))}</Prefix>",
            f"<KeyCount>{len(found)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>",
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>",
        ]
        if "encoding-type" in query:
            parts.append(f"<EncodingType>{query['encoding-type']}</EncodingType>")
        if more:
            token = escape(self.images.key(found[-1]))
            parts.append(f"<NextContinuationToken>{token}</NextContinuationToken>")
        modified = MODIFIED.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        parts.extend(
            f"<Contents><Key>{escape(self.images.key(index))}</Key>"
            f"<LastModified>{modified}</LastModified><ETag>&quot;{self.images.etag(index)}&quot;"
            f"</ETag><Size>{self.images.length}</Size><StorageClass>STANDARD</StorageClass>"
            "</Contents>"
            for index in found
        )
        parts.append("</ListBucketResult>")
        return "".join(parts).encode()
