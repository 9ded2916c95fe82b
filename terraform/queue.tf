# For each pair the queue between its workers and its dead-letter queue. Policies
# are resources of their own: set side by side, they take one wait, not three.

locals {
  queues = merge([
    for pair, suffix in local.pairs : {
      "indexes${suffix.key}"     = aws_sqs_queue.indexes[pair]
      "dead_letter${suffix.key}" = aws_sqs_queue.dead_letter[pair]
    }
  ]...)
}

resource "aws_sqs_queue" "indexes" {
  for_each = local.pairs

  # A prefix: a deleted queue's name is blocked for a minute, and a queue
  # that has the name already would be shared in silence.
  name_prefix                = "${var.name}-indexes${each.value.name}-"
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20
  message_retention_seconds  = 14 * 24 * 60 * 60 # the most that SQS keeps: a worker B that is down for days loses nothing
  sqs_managed_sse_enabled    = true

  tags = { Name = "${var.name}-indexes${each.value.name}" }
}

resource "aws_sqs_queue" "dead_letter" {
  for_each = local.pairs

  name_prefix               = "${var.name}-dead-letter${each.value.name}-"
  message_retention_seconds = 14 * 24 * 60 * 60
  sqs_managed_sse_enabled   = true

  tags = { Name = "${var.name}-dead-letter${each.value.name}" }
}

resource "aws_sqs_queue_redrive_policy" "indexes" {
  for_each = local.pairs

  queue_url = aws_sqs_queue.indexes[each.key].url
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter[each.key].arn
    # Every kill of worker B and every orderly return counts as a receipt.
    maxReceiveCount = 20
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letter" {
  for_each = local.pairs

  queue_url = aws_sqs_queue.dead_letter[each.key].url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.indexes[each.key].arn]
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

# While there was one pair, its queues had no number.
moved {
  from = aws_sqs_queue.indexes
  to   = aws_sqs_queue.indexes["1"]
}

moved {
  from = aws_sqs_queue.dead_letter
  to   = aws_sqs_queue.dead_letter["1"]
}

moved {
  from = aws_sqs_queue_redrive_policy.indexes
  to   = aws_sqs_queue_redrive_policy.indexes["1"]
}

moved {
  from = aws_sqs_queue_redrive_allow_policy.dead_letter
  to   = aws_sqs_queue_redrive_allow_policy.dead_letter["1"]
}
