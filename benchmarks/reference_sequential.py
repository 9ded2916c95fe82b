"""The assignment's own way: one image after the other, first A, then B.

A asks for the labels of each image and queues the cars; when it is done it
queues -1, and B takes one message after the other, downloads the image and
reads its text. Prints one line of JSON with what took how long.
"""

import json
import os
import sys
import time

import boto3

LONG_POLL_SECONDS = 20


def main(bucket: str, queue_url: str) -> None:
    """Run A, then B, against the endpoint of the environment."""
    region = os.environ["AWS_REGION"]
    s3 = boto3.client("s3", region_name=region)
    sqs = boto3.client("sqs", region_name=region)
    rekognition = boto3.client("rekognition", region_name=region)
    began = time.monotonic()
    images = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            images += 1
            answer = rekognition.detect_labels(
                Image={"S3Object": {"Bucket": bucket, "Name": item["Key"]}}
            )
            if any(each["Name"] == "Car" and each["Confidence"] > 90 for each in answer["Labels"]):
                sqs.send_message(QueueUrl=queue_url, MessageBody=item["Key"])
    sqs.send_message(QueueUrl=queue_url, MessageBody="-1")
    a_done = time.monotonic()
    cars = 0
    while True:
        received = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=LONG_POLL_SECONDS)
        message = received["Messages"][0]
        if message["Body"] != "-1":
            cars += 1
            image = s3.get_object(Bucket=bucket, Key=message["Body"])["Body"].read()
            rekognition.detect_text(Image={"Bytes": image})
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        if message["Body"] == "-1":
            break
    b_done = time.monotonic()
    measured = {
        "images": images,
        "cars": cars,
        "a_seconds": a_done - began,
        "b_seconds": b_done - a_done,
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
