"""Worker B: reads the text on the queued images and writes the result.

The actions of AWS that it calls, each named in terraform/identity.tf:

- s3:ListBucket on the bucket (so that a missing key is a 404 and no 403),
  s3:GetObject on its objects
- s3:PutObject and s3:AbortMultipartUpload on its results in the bucket, where
  ``results_prefix`` is set
- rekognition:DetectText
- sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility on the queue
"""
