"""A worker B as it is often written first: right as long as nothing happens.

It deletes a message before the work, stops at -1, and keeps nothing on disk.
"""

import os
from pathlib import Path
from typing import Any

import boto3

BUCKET, QUEUE_URL = os.environ["CARSCRIBE_BUCKET"], os.environ["CARSCRIBE_QUEUE_URL"]
TEXT_CONFIDENCE_MIN = 80


def main() -> None:
    """Read what comes until -1 does."""
    sqs, rekognition = boto3.client("sqs"), boto3.client("rekognition")
    lines: dict[int, str] = {}
    while True:
        for message in sqs.receive_message(QueueUrl=QUEUE_URL, WaitTimeSeconds=5).get(
            "Messages", []
        ):
            key = message["Body"]
            if key == "-1":
                Path("output.txt").write_text("".join(f"{lines[n]}\n" for n in sorted(lines)))
                return
            sqs.delete_message(QueueUrl=QUEUE_URL, ReceiptHandle=message["ReceiptHandle"])
            if not key.endswith(".jpg"):
                continue
            image: Any = {"S3Object": {"Bucket": BUCKET, "Name": key}}
            texts = rekognition.detect_text(Image=image)["TextDetections"]
            words = [
                text["DetectedText"]
                for text in texts
                if text["Type"] == "LINE" and text["Confidence"] >= TEXT_CONFIDENCE_MIN
            ]
            if words:
                lines[int(key.removesuffix(".jpg"))] = f"{key}: {' | '.join(words)}"


if __name__ == "__main__":
    main()
