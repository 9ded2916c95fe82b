"""The part of S3 that the workers use: one bucket, read only."""

from datetime import UTC, datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from benchmarks.thin.counts import Counts
from benchmarks.thin.http import Request
from benchmarks.images import Images

XML = "Content-Type: application/xml\r\n"
PAGE = 1000
MODIFIED = datetime(2025, 1, 1, tzinfo=UTC)
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
STATUS = {"NoSuchBucket": 404, "NoSuchKey": 404, "PreconditionFailed": 412, "NotImplemented": 501}


class S3:
    """One bucket that holds the images and nothing else."""

    def __init__(self, images: Images, bucket: str, region: str, counts: Counts) -> None:
        self.images = images
        self.bucket = bucket
        self.counts = counts
        self.region_header = f"x-amz-bucket-region: {region}\r\n"

    def handle(self, request: Request) -> None:
        """Answer one request; the path names bucket and key."""
        bucket, _, key = request.path.removeprefix("/").partition("/")
        operation = self._operation(request, key)
        seen = self.counts[f"s3.{operation}"]
        seen.begin()
        error = None
        if operation == "Unknown":
            error = "NotImplemented"
        elif bucket != self.bucket:
            error = "NoSuchBucket"
        elif operation == "ListObjectsV2":
            self._list(request)
        elif operation == "HeadBucket":
            request.reply(b"", self.region_header)
        else:
            error = self._object(request, key)
        if error:
            body = f"<Error><Code>{error}</Code><Message>{error}</Message></Error>".encode()
            request.reply(body, XML, STATUS[error])
        seen.end("errors" if error else "ok")

    @staticmethod
    def _operation(request: Request, key: str) -> str:
        if request.method == "HEAD":
            return "HeadObject" if key else "HeadBucket"
        if request.method == "GET" and key:
            return "GetObject"
        if request.method == "GET" and request.query.get("list-type") == "2":
            return "ListObjectsV2"
        return "Unknown"

    def _object(self, request: Request, key: str) -> str | None:
        index = self.images.index(key)
        if index is None:
            return "NoSuchKey"
        etag = f'"{self.images.etag(index)}"'
        if_match = request.headers.get("if-match")
        if if_match is not None and if_match.strip('"') != etag.strip('"'):
            return "PreconditionFailed"
        data = self.images.data(index)
        request.reply(
            data,
            f"Content-Type: image/jpeg\r\nETag: {etag}\r\nAccept-Ranges: bytes\r\n"
            f"Last-Modified: {format_datetime(MODIFIED, usegmt=True)}\r\n",
        )
        return None

    def _list(self, request: Request) -> None:
        query = request.query
        prefix = query.get("prefix", "")
        after = query.get("continuation-token") or query.get("start-after") or ""
        size = min(PAGE, int(query.get("max-keys", PAGE)))
        start = self._first_after(after)
        matching = self.images.key(0).startswith(prefix) or prefix.startswith(self.images.prefix)
        found: list[int] = []
        more = False
        for index in range(start, self.images.count if matching else 0):
            if not self.images.key(index).startswith(prefix):
                continue
            if len(found) == size:
                more = True
                break
            found.append(index)
        request.reply(self._page(query, found, more=more), XML + self.region_header)

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
            f"<Name>{self.bucket}</Name><Prefix>{escape(query.get('prefix', ''))}</Prefix>",
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
