"""Rekognition's errors, by their real names.

Source: the API reference of DetectLabels and DetectText, "Errors", and the
developer guide, "Error handling".
"""

# ruff: noqa: N818 # these are the names on the wire

from __future__ import annotations


class RekognitionError(Exception):
    """An error of the service; the class's name is its name on the wire."""

    status = 400
    text = ""

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.text)

    @property
    def code(self) -> str:
        """The name on the wire."""
        return type(self).__name__


class InvalidImageFormatException(RekognitionError):
    """The image is no JPEG or PNG."""

    text = "Request has invalid image format"


class ImageTooLargeException(RekognitionError):
    """The image has too many bytes or pixels."""

    text = "Image size is too large"


class InvalidParameterException(RekognitionError):
    """A parameter is out of its range, or the image is too small."""

    text = "Request has invalid parameters"


class InvalidS3ObjectException(RekognitionError):
    """The object cannot be read: no such bucket or key, another region, or no permission."""

    text = (
        "Unable to get object metadata from S3. Check object key, region and/or access permissions."
    )


class SerializationException(RekognitionError):
    """The body is no JSON object."""

    text = "The request could not be read as JSON"


class ThrottlingException(RekognitionError):
    """More is asked than can be answered in time."""

    text = "Rate exceeded"
