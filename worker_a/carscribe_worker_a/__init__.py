"""Worker A: finds the images with a car and queues their indexes.

The actions of AWS that it calls, each named in terraform/identity.tf:

- s3:ListBucket on the bucket, s3:GetObject on its objects (Rekognition reads
  them with the caller's permission; HeadObject asks for the same)
- s3:PutObject and s3:AbortMultipartUpload on its results in the bucket, where
  ``results_prefix`` is set
- rekognition:DetectLabels
- sqs:SendMessage on the queue
"""
