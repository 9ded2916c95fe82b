"""A thin server for S3, SQS and Rekognition that feeds the benchmark.

It knows nothing but the calls that the workers make, checks no signature and
keeps everything in memory. What it does answer is what the stand-in for AWS
answers: tests/integration/benchmark/test_thin_server.py asks both.
"""
