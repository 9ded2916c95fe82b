# What each worker may do, statement by statement: red when one is widened.

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

run "each_worker_may_do_its_own_and_nothing_else" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.worker["worker_a"].policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "ListImages"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = "arn:aws:s3:::the-images"
        },
        {
          Sid      = "GetImages"
          Effect   = "Allow"
          Action   = "s3:GetObject"
          Resource = "arn:aws:s3:::the-images/*"
        },
        {
          Sid       = "DetectLabels"
          Effect    = "Allow"
          Action    = "rekognition:DetectLabels"
          Resource  = "*"
          Condition = { StringEquals = { "aws:RequestedRegion" = ["us-east-1"] } }
        },
        {
          Sid      = "SendIndexes"
          Effect   = "Allow"
          Action   = "sqs:SendMessage"
          Resource = "arn:aws:sqs:us-east-1:123456789012:the-indexes"
        },
      ]
    }
    error_message = "The policy of worker_a is another: ${aws_iam_role_policy.worker["worker_a"].policy}"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.worker["worker_b"].policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "ListImages"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = "arn:aws:s3:::the-images"
        },
        {
          Sid      = "GetImages"
          Effect   = "Allow"
          Action   = "s3:GetObject"
          Resource = "arn:aws:s3:::the-images/*"
        },
        {
          Sid       = "DetectText"
          Effect    = "Allow"
          Action    = "rekognition:DetectText"
          Resource  = "*"
          Condition = { StringEquals = { "aws:RequestedRegion" = ["us-east-1"] } }
        },
        {
          Sid      = "ReceiveIndexes"
          Effect   = "Allow"
          Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:ReceiveMessage"]
          Resource = "arn:aws:sqs:us-east-1:123456789012:the-indexes"
        },
      ]
    }
    error_message = "The policy of worker_b is another: ${aws_iam_role_policy.worker["worker_b"].policy}"
  }

  assert {
    condition = alltrue([
      for role in aws_iam_role.worker : jsondecode(role.assume_role_policy) == {
        Version = "2012-10-17"
        Statement = [{
          Sid       = "AssumeByInstance"
          Effect    = "Allow"
          Action    = "sts:AssumeRole"
          Principal = { Service = "ec2.amazonaws.com" }
        }]
      }
    ])
    error_message = "A trust policy is another: ${join(" ", [for role in aws_iam_role.worker : role.assume_role_policy])}"
  }

  assert {
    condition     = length(aws_iam_role.worker) == 2 && length(aws_iam_role_policy.worker) == 2 && length(aws_iam_instance_profile.worker) == 2
    error_message = "Each worker has one role with one policy, and one profile."
  }
}

run "the_workers_of_each_pair_may_use_their_own_queue_alone" {
  command = plan

  variables {
    pairs = 3
  }

  override_resource {
    target          = aws_sqs_queue.indexes["3"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-east-1:123456789012:the-third-indexes" }
  }

  assert {
    condition = {
      for worker, policy in aws_iam_role_policy.worker : worker => jsondecode(policy.policy).Statement[3].Resource
      } == {
      worker_a   = "arn:aws:sqs:us-east-1:123456789012:the-indexes"
      worker_b   = "arn:aws:sqs:us-east-1:123456789012:the-indexes"
      worker_a_2 = "arn:aws:sqs:us-east-1:123456789012:the-indexes"
      worker_b_2 = "arn:aws:sqs:us-east-1:123456789012:the-indexes"
      worker_a_3 = "arn:aws:sqs:us-east-1:123456789012:the-third-indexes"
      worker_b_3 = "arn:aws:sqs:us-east-1:123456789012:the-third-indexes"
    }
    error_message = "A worker may use another pair's queue: ${join(" ", [for policy in aws_iam_role_policy.worker : policy.policy])}"
  }

  assert {
    condition = alltrue([
      for worker in ["worker_a", "worker_b"] : alltrue([
        for pair in ["2", "3"] : [
          for statement in jsondecode(aws_iam_role_policy.worker["${worker}_${pair}"].policy).Statement : [statement.Sid, statement.Action]
          ] == [
          for statement in jsondecode(aws_iam_role_policy.worker[worker].policy).Statement : [statement.Sid, statement.Action]
        ]
      ])
    ])
    error_message = "A later pair may do something else than the first."
  }
}

run "a_prefix_narrows_listing_and_reading" {
  command = plan

  variables {
    image_prefix = "photos/2024/"
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.worker : slice(jsondecode(policy.policy).Statement, 0, 2) == [
        {
          Sid       = "ListImages"
          Effect    = "Allow"
          Action    = "s3:ListBucket"
          Resource  = "arn:aws:s3:::the-images"
          Condition = { StringLikeIfExists = { "s3:prefix" = "photos/2024/*" } }
        },
        {
          Sid      = "GetImages"
          Effect   = "Allow"
          Action   = "s3:GetObject"
          Resource = "arn:aws:s3:::the-images/photos/2024/*"
        },
      ]
    ])
    error_message = "A policy reaches beyond the prefix: ${join(" ", [for policy in aws_iam_role_policy.worker : policy.policy])}"
  }
}

run "keys_of_kms_are_used_through_s3_alone" {
  command = plan

  variables {
    existing_bucket = "my-photos"
    kms_key_arns    = ["arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.worker : jsondecode(policy.policy).Statement[2] == {
        Sid       = "DecryptImages"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = ["arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = { StringEquals = { "kms:ViaService" = "s3.us-east-1.amazonaws.com" } }
      }
    ])
    error_message = "A worker may do something else with the key: ${join(" ", [for policy in aws_iam_role_policy.worker : policy.policy])}"
  }
}

run "results_are_put_under_their_prefix_alone" {
  command = plan

  variables {
    results_prefix = "carscribe-results/"
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.worker : jsondecode(policy.policy).Statement[2] == {
        Sid      = "PutResults"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:PutObject"]
        Resource = "arn:aws:s3:::the-images/carscribe-results/*"
      } && length(jsondecode(policy.policy).Statement) == 5
    ])
    error_message = "A worker may write something else: ${join(" ", [for policy in aws_iam_role_policy.worker : policy.policy])}"
  }
}

run "results_are_encrypted_with_the_images_keys" {
  command = plan

  variables {
    existing_bucket = "my-photos"
    results_prefix  = "carscribe-results/"
    kms_key_arns    = ["arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.worker : jsondecode(policy.policy).Statement[4] == {
        Sid       = "EncryptResults"
        Effect    = "Allow"
        Action    = "kms:GenerateDataKey"
        Resource  = ["arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"]
        Condition = { StringEquals = { "kms:ViaService" = "s3.us-east-1.amazonaws.com" } }
      }
    ])
    error_message = "A worker may do something else with the key: ${join(" ", [for policy in aws_iam_role_policy.worker : policy.policy])}"
  }
}

run "other_regions_are_asked_where_they_are_named" {
  command = plan

  variables {
    rekognition_regions = { us-west-2 = null, eu-west-1 = 100 }
  }

  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.worker : jsondecode(policy.policy).Statement[2].Condition == {
        StringEquals = { "aws:RequestedRegion" = ["eu-west-1", "us-east-1", "us-west-2"] }
      }
    ])
    error_message = "Rekognition may be asked elsewhere: ${join(" ", [for policy in aws_iam_role_policy.worker : policy.policy])}"
  }
}

run "a_boundary_bounds_both_roles" {
  command = plan

  variables {
    permissions_boundary = "arn:aws:iam::123456789012:policy/boundary"
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.worker : role.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"])
    error_message = "A role is not bounded."
  }
}

run "a_profile_that_exists_makes_no_iam_resource" {
  command = plan

  variables {
    existing_instance_profile = "LabInstanceProfile"
    existing_key_pair         = "vockey"
  }

  assert {
    condition     = length(aws_iam_role.worker) + length(aws_iam_role_policy.worker) + length(aws_iam_instance_profile.worker) == 0
    error_message = "An IAM resource is planned, which a Learner Lab refuses."
  }

  assert {
    condition     = length(aws_key_pair.operator) == 0
    error_message = "A key pair is planned beside the one that exists."
  }

  assert {
    condition     = alltrue([for host in aws_instance.worker : host.iam_instance_profile == "LabInstanceProfile" && host.key_name == "vockey"])
    error_message = "A host does not use the profile and the key pair that exist."
  }
}
