"""What one would write in an hour: boto3, 64 threads, adaptive retries, batches of ten.

First argument a or b. It keeps nothing on disk, so a fault loses what it did.
"""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

THREADS, BATCH = 64, 10
CONFIG = Config(max_pool_connections=THREADS, retries={"mode": "adaptive"})
REGION = os.environ["AWS_REGION"]
s3 = boto3.client("s3", REGION, config=CONFIG)
sqs = boto3.client("sqs", REGION, config=CONFIG)
rekognition = boto3.client("rekognition", REGION, config=CONFIG)


def detect(bucket: str, queue_url: str) -> None:
    """List the images, and queue those with a car; then -1."""

    def has_car(key: str) -> bool:
        answer = rekognition.detect_labels(Image={"S3Object": {"Bucket": bucket, "Name": key}})
        return any(one["Name"] == "Car" and one["Confidence"] > 90 for one in answer["Labels"])

    bodies: list[str] = []

    def send(size: int) -> None:
        entries: Any = [{"Id": str(i), "MessageBody": b} for i, b in enumerate(bodies[:size])]
        sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        del bodies[:size]

    with ThreadPoolExecutor(THREADS) as pool:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            keys = [item["Key"] for item in page.get("Contents", [])]
            for key, is_car in zip(keys, pool.map(has_car, keys), strict=True):
                bodies += [key] * is_car
                if len(bodies) == BATCH:
                    send(BATCH)
    bodies.append("-1")
    send(BATCH)


def read(bucket: str, queue_url: str) -> None:
    """Read the text of each image on the queue, until -1 has come and nothing more does."""
    done = threading.Event()
    poll: Any = {"QueueUrl": queue_url, "MaxNumberOfMessages": BATCH, "WaitTimeSeconds": 1}

    def consume(_: int) -> None:
        while (messages := sqs.receive_message(**poll).get("Messages", [])) or not done.is_set():
            entries: Any = []
            for message in messages:
                entries.append({"Id": str(len(entries)), "ReceiptHandle": message["ReceiptHandle"]})
                if message["Body"] == "-1":
                    done.set()
                    continue
                image = s3.get_object(Bucket=bucket, Key=message["Body"])["Body"].read()
                rekognition.detect_text(Image={"Bytes": image})
            if entries:
                sqs.delete_message_batch(QueueUrl=queue_url, Entries=entries)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(consume, range(THREADS)))


if __name__ == "__main__":
    {"a": detect, "b": read}[sys.argv[1]](*sys.argv[2:])
