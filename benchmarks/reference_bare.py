"""The boto3 calls that a worker must make, in one thread, with nothing around them.

For worker A: a page of the listing for each 1,000 images, DetectLabels for
each image, a batch of messages for each ten cars. For worker B: a receive for
each ten, GetObject, DetectText, a batch of deletions for each ten. The
configuration of the clients is the workers' own.
"""

import json
import os
import sys

import boto3
from botocore.config import Config

BATCH = 10
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5}, tcp_keepalive=True)


def bare_a(bucket: str, queue_url: str) -> int:
    """Make A's calls."""
    region = os.environ["AWS_REGION"]
    s3 = boto3.client("s3", region_name=region, config=CONFIG)
    sqs = boto3.client("sqs", region_name=region, config=CONFIG)
    rekognition = boto3.client("rekognition", region_name=region, config=CONFIG)
    images = 0
    cars: list[tuple[str, str]] = []

    def send() -> None:
        if cars:
            sqs.send_message_batch(
                QueueUrl=queue_url,
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": key,
                        "MessageAttributes": {
                            "run_id": {"DataType": "String", "StringValue": "bench"},
                            "n": {"DataType": "String", "StringValue": str(number)},
                            "etag": {"DataType": "String", "StringValue": etag},
                        },
                    }
                    for number, (key, etag) in enumerate(cars)
                ],
            )
            cars.clear()

    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            images += 1
            answer = rekognition.detect_labels(
                Image={"S3Object": {"Bucket": bucket, "Name": item["Key"]}},
                MinConfidence=90,
                Settings={"GeneralLabels": {"LabelInclusionFilters": ["Car"]}},
            )
            if answer["Labels"] and answer["Labels"][0]["Confidence"] > 90:
                cars.append((item["Key"], item["ETag"]))
            if len(cars) == BATCH:
                send()
    send()
    return images


def bare_b(bucket: str, queue_url: str) -> int:
    """Make B's calls, for what is on the queue."""
    region = os.environ["AWS_REGION"]
    s3 = boto3.client("s3", region_name=region, config=CONFIG)
    sqs = boto3.client("sqs", region_name=region, config=CONFIG)
    rekognition = boto3.client("rekognition", region_name=region, config=CONFIG)
    images = 0
    done = False
    while not done:
        received = sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=1,
            VisibilityTimeout=60,
            MessageAttributeNames=["All"],
        )
        messages = received["Messages"]
        for message in messages:
            if message["Body"] == "-1":
                done = True
                continue
            images += 1
            image = s3.get_object(
                Bucket=bucket,
                Key=message["Body"],
                IfMatch=message["MessageAttributes"]["etag"]["StringValue"],
            )["Body"].read()
            rekognition.detect_text(Image={"Bytes": image})
        sqs.delete_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ],
        )
    return images


if __name__ == "__main__":
    letter, *place = sys.argv[1:]
    print(json.dumps({"images": {"a": bare_a, "b": bare_b}[letter](*place)}))
