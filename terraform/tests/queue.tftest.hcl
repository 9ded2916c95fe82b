# Each pair's queue and its dead-letter queue.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  ssh_ingress_cidrs    = ["203.0.113.7/32"]
  ssh_public_key_file  = "tests/files/key.pub"
  ssh_private_key_file = "tests/files/key"
  images_dir           = "tests/files/images"
  inventory_file       = "tests/files/never-written.yml"
  known_hosts_file     = "tests/files/known hosts"
}

run "both_queues_are_closed_and_encrypted" {
  command = plan

  assert {
    condition     = !coalesce(aws_sqs_queue.indexes["1"].fifo_queue, false) && aws_sqs_queue.indexes["1"].sqs_managed_sse_enabled && aws_sqs_queue.dead_letter["1"].sqs_managed_sse_enabled
    error_message = "A queue is a FIFO queue or not encrypted."
  }

  assert {
    condition     = aws_sqs_queue.indexes["1"].receive_wait_time_seconds == 20 && aws_sqs_queue.indexes["1"].visibility_timeout_seconds == 60
    error_message = "The queue is not polled long, or hides messages for another time than worker B expects."
  }

  assert {
    condition     = aws_sqs_queue.indexes["1"].message_retention_seconds == 1209600 && aws_sqs_queue.dead_letter["1"].message_retention_seconds == 1209600
    error_message = "Messages or dead letters are not kept for 14 days."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_policy.indexes["1"].redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:us-east-1:123456789012:the-dead-letters", maxReceiveCount = 20 }
    error_message = "The redrive policy is another: ${aws_sqs_queue_redrive_policy.indexes["1"].redrive_policy}"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.dead_letter["1"].redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:us-east-1:123456789012:the-indexes"] }
    error_message = "The redrive allow policy is another: ${aws_sqs_queue_redrive_allow_policy.dead_letter["1"].redrive_allow_policy}"
  }

  assert {
    condition = { for name, policy in aws_sqs_queue_policy.tls_only : name => jsondecode(policy.policy) } == {
      for name, queue in { indexes = "the-indexes", dead_letter = "the-dead-letters" } : name => {
        Version                    = "2012-10-17"
        Statement = [{
          Sid       = "DenyPlainHttp"
          Effect    = "Deny"
          Principal = "*"
          Action    = "sqs:*"
          Resource  = "arn:aws:sqs:us-east-1:123456789012:${queue}"
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        }]
      }
    }
    error_message = "A queue's policy is another."
  }
}

run "each_pair_has_two_queues_of_its_own" {
  command = plan

  variables {
    pairs = 2
  }

  override_resource {
    target          = aws_sqs_queue.indexes["2"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-east-1:123456789012:the-second-indexes" }
  }

  override_resource {
    target          = aws_sqs_queue.dead_letter["2"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-east-1:123456789012:the-second-dead-letters" }
  }

  assert {
    condition     = { for pair, queue in aws_sqs_queue.indexes : pair => queue.name_prefix } == { 1 = "carscribe-indexes-", 2 = "carscribe-indexes-2-" }
    error_message = "A queue has another name: ${join(" ", [for queue in aws_sqs_queue.indexes : queue.name_prefix])}"
  }

  assert {
    condition     = { for pair, queue in aws_sqs_queue.dead_letter : pair => queue.name_prefix } == { 1 = "carscribe-dead-letter-", 2 = "carscribe-dead-letter-2-" }
    error_message = "A dead-letter queue has another name: ${join(" ", [for queue in aws_sqs_queue.dead_letter : queue.name_prefix])}"
  }

  assert {
    condition = {
      for pair, policy in aws_sqs_queue_redrive_policy.indexes : pair => jsondecode(policy.redrive_policy).deadLetterTargetArn
    } == { for pair, queue in aws_sqs_queue.dead_letter : pair => queue.arn }
    error_message = "Dead letters of a pair go to another's queue."
  }

  assert {
    condition = {
      for pair, policy in aws_sqs_queue_redrive_allow_policy.dead_letter : pair => jsondecode(policy.redrive_allow_policy).sourceQueueArns
    } == { for pair, queue in aws_sqs_queue.indexes : pair => [queue.arn] }
    error_message = "A dead-letter queue takes another pair's letters."
  }

  assert {
    condition = { for name, policy in aws_sqs_queue_policy.tls_only : name => jsondecode(policy.policy).Statement[0].Resource } == {
      indexes       = "arn:aws:sqs:us-east-1:123456789012:the-indexes"
      dead_letter   = "arn:aws:sqs:us-east-1:123456789012:the-dead-letters"
      indexes_2     = "arn:aws:sqs:us-east-1:123456789012:the-second-indexes"
      dead_letter_2 = "arn:aws:sqs:us-east-1:123456789012:the-second-dead-letters"
    }
    error_message = "A queue may be used without TLS."
  }
}
