"""What one would write in an hour: boto3, 64 threads, adaptive retries, batches of ten.

First argument a or b. It keeps nothing on disk, so a fault loses what it did.
"""

import os
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

THREADS, BATCH = 64, 10
CONFIG = Config(max_pool_connections=THREADS, retries={"mode": "adaptive"})
SESSION = boto3.session.Session(region_name=os.environ["AWS_REGION"])
s3 = SESSION.client("s3", config=CONFIG)
sqs = SESSION.client("sqs", config=CONFIG)
rekognition = SESSION.client("rekognition", config=CONFIG)


def detect(bucket: str, queue_url: str) -> None:
    """List the images, and queue those with a car; then -1."""

    def has_car(key: str) -> bool:
        answer = rekognition.detect_labels(Image={"S3Object": {"Bucket": bucket, "Name": key}})
        return any(
            found["Name"] == "Car" and found["Confidence"] > 90 for found in answer["Labels"]
        )

    def send(bodies: Iterable[str]) -> None:
        entries: Any = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)]
        sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)

    cars: list[str] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            keys = [item["Key"] for item in page.get("Contents", [])]
            for key, car in zip(keys, pool.map(has_car, keys), strict=True):
                cars += [key] * car
                if len(cars) == BATCH:
                    send(cars)
                    cars.clear()
    send([*cars, "-1"])


def read(bucket: str, queue_url: str) -> None:
    """Read the text of each image on the queue, until -1 has come and nothing more does."""
    done = threading.Event()

    def consume(_: int) -> None:
        while (
            messages := sqs.receive_message(
                QueueUrl=queue_url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=1
            ).get("Messages")
        ) or not done.is_set():
            for message in messages or ():
                if message["Body"] == "-1":
                    done.set()
                    continue
                image = s3.get_object(Bucket=bucket, Key=message["Body"])["Body"].read()
                rekognition.detect_text(Image={"Bytes": image})
            if messages:
                entries: Any = [
                    {"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]}
                    for i, message in enumerate(messages)
                ]
                sqs.delete_message_batch(QueueUrl=queue_url, Entries=entries)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(consume, range(THREADS)))


if __name__ == "__main__":
    {"a": detect, "b": read}[sys.argv[1]](*sys.argv[2:])
