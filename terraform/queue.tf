# The queue between the workers and its dead-letter queue. Policies are
# resources of their own: set side by side, they take one wait, not three.

locals {
  queues = {
    indexes     = aws_sqs_queue.indexes
    dead_letter = aws_sqs_queue.dead_letter
  }
}

resource "aws_sqs_queue" "indexes" {
  # A prefix: a deleted queue's name is blocked for a minute, and a queue
  # that has the name already would be shared in silence.
  name_prefix                = "${var.name}-indexes-"
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20
  message_retention_seconds  = 14 * 24 * 60 * 60 # the most that SQS keeps: a worker B that is down for days loses nothing
  sqs_managed_sse_enabled    = true

  tags = { Name = "${var.name}-indexes" }
}

resource "aws_sqs_queue" "dead_letter" {
  name_prefix               = "${var.name}-dead-letter-"
  message_retention_seconds = 14 * 24 * 60 * 60
  sqs_managed_sse_enabled   = true

  tags = { Name = "${var.name}-dead-letter" }
}

resource "aws_sqs_queue_redrive_policy" "indexes" {
  queue_url = aws_sqs_queue.indexes.url
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    # Every kill of worker B and every orderly return counts as a receipt.
    maxReceiveCount = 20
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letter" {
  queue_url = aws_sqs_queue.dead_letter.url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.indexes.arn]
  })
}

resource "aws_sqs_queue_policy" "tls_only" {
  for_each = local.queues

  queue_url = each.value.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyPlainHttp"
      Effect    = "Deny"
      Principal = "*" # whoever it is
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
