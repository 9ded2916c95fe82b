# A role and an instance profile for each worker with what that worker calls
# and nothing else, or an existing profile for all.

locals {
  image_arn = "${local.bucket_arn}/${var.image_prefix}*"

  # Both workers read images, and list so that a missing key is a 404.
  read_images = concat(local.list_and_get_images, local.decrypt_images)

  decrypt_images = length(var.kms_key_arns) == 0 ? [] : [
    {
      Sid       = "DecryptImages"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = sort(var.kms_key_arns)
      Condition = local.through_s3
    },
  ]

  # Encrypted by the bucket's default, which may be one of the images' keys.
  write_results = concat(
    local.results_prefix == "" ? [] : [
      {
        Sid      = "PutResults"
        Effect   = "Allow"
        Action   = ["s3:AbortMultipartUpload", "s3:PutObject"]
        Resource = "${local.bucket_arn}/${local.results_prefix}*"
      },
    ],
    local.results_prefix == "" || length(var.kms_key_arns) == 0 ? [] : [
      {
        Sid       = "EncryptResults"
        Effect    = "Allow"
        Action    = "kms:GenerateDataKey"
        Resource  = sort(var.kms_key_arns)
        Condition = local.through_s3
      },
    ],
  )

  # Only what S3 asks for on a worker's behalf: a key opens nothing else to it.
  through_s3 = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }

  list_and_get_images = [
    merge(
      {
        Sid      = "ListImages"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = local.bucket_arn
      },
      # IfExists: a request for one object names no prefix, and without this
      # permission S3 answers 403 where the object is missing.
      var.image_prefix == "" ? {} : {
        Condition = { StringLikeIfExists = { "s3:prefix" = "${var.image_prefix}*" } }
      },
    ),
    {
      Sid      = "GetImages"
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = local.image_arn
    },
  ]

  # The bucket's own region, and no other than those that are asked.
  rekognition_in_its_regions = {
    StringEquals = { "aws:RequestedRegion" = sort(concat([var.region], keys(var.rekognition_regions))) }
  }

  # What each worker asks of Rekognition, and does with its pair's queue.
  own_statements = {
    a = {
      rekognition = { Sid = "DetectLabels", Action = "rekognition:DetectLabels" }
      queue       = { Sid = "SendIndexes", Action = "sqs:SendMessage" }
    }
    b = {
      rekognition = { Sid = "DetectText", Action = "rekognition:DetectText" }
      queue = {
        Sid = "ReceiveIndexes"
        Action = [
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:ReceiveMessage",
        ]
      }
    }
  }

  worker_policies = {
    for key, worker in local.workers : key => {
      Version = "2012-10-17"
      Statement = concat(local.read_images, local.write_results, [
        merge(local.own_statements[worker.letter].rekognition, {
          Effect    = "Allow"
          Resource  = "*" # the action knows no resource
          Condition = local.rekognition_in_its_regions
        }),
        merge(local.own_statements[worker.letter].queue, {
          Effect   = "Allow"
          Resource = aws_sqs_queue.indexes[worker.pair].arn
        }),
      ])
    }
  }

  workers_with_role = var.existing_instance_profile == null ? local.workers : {}

  instance_profiles = {
    for key in keys(local.workers) : key => try(aws_iam_instance_profile.worker[key].name, var.existing_instance_profile)
  }
}

resource "aws_iam_role" "worker" {
  for_each = local.workers_with_role

  name_prefix          = "${var.name}-${each.value.host}-"
  permissions_boundary = var.permissions_boundary
  description          = "What ${each.value.host} of ${var.name} may do"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AssumeByInstance"
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "worker" {
  for_each = local.workers_with_role

  name   = each.value.host
  role   = aws_iam_role.worker[each.key].name
  policy = jsonencode(local.worker_policies[each.key])
}

resource "aws_iam_instance_profile" "worker" {
  for_each = local.workers_with_role

  name_prefix = "${var.name}-${each.value.host}-"
  role        = aws_iam_role.worker[each.key].name
}
