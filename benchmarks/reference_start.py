"""`import boto3` and the building of the three clients; prints when they stood."""

import os
import time

import boto3
from botocore.config import Config

config = Config(retries={"mode": "standard", "total_max_attempts": 5}, tcp_keepalive=True)
session = boto3.session.Session(region_name=os.environ["AWS_REGION"])
clients = [session.client(name, config=config) for name in ("s3", "sqs", "rekognition")]
print(time.time())
