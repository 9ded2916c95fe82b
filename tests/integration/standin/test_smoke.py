"""The stand-in from a client's point of view: the main path of the pipeline."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from tests.standin import StandIn


def test_the_main_path_of_the_pipeline_works(standin: StandIn) -> None:
    """An object in a bucket is recognized, and its index travels through a queue."""
    data = io.BytesIO()
    Image.new("RGB", (100, 100), (10, 20, 30)).save(data, "JPEG")
    answer = {"DetectLabels": {"Labels": [{"Name": "Car", "Confidence": 98.5}]}}
    image = standin.teach(data.getvalue(), answer)
    s3, sqs, rekognition = (standin.client(n) for n in ("s3", "sqs", "rekognition"))
    s3.create_bucket(Bucket="photos")
    s3.put_object(Bucket="photos", Key="a b+c%41/ü🚗.jpg", Body=image)
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="photos")["Contents"]]
    assert keys == ["a b+c%41/ü🚗.jpg"]
    reference = {"S3Object": {"Bucket": "photos", "Name": keys[0]}}
    labels = rekognition.detect_labels(Image=reference)["Labels"]
    assert [label["Name"] for label in labels] == ["Car"]
    assert rekognition.detect_text(Image={"Bytes": image})["TextDetections"] == []
    queue = sqs.create_queue(QueueName="indexes")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=keys[0])
    message = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1)["Messages"][0]
    assert message["Body"] == keys[0]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    counts = standin.counts()
    assert counts["rekognition.DetectLabels"] == {
        "calls": 1,
        "ok": 1,
        "throttled": 0,
        "errors": 0,
        "dropped": 0,
    }, json.dumps(counts)
