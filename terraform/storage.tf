# The images' bucket, made here or beforehand, or an existing one, and a volume for each
# worker's state.

locals {
  lab_bucket  = var.existing_bucket == null ? var.lab_bucket : null
  bucket_name = one(concat(aws_s3_bucket.images[*].bucket, data.aws_s3_bucket.existing[*].bucket, local.lab_bucket[*]))
  bucket_arn  = one(concat(aws_s3_bucket.images[*].arn, data.aws_s3_bucket.existing[*].arn, [for name in local.lab_bucket[*] : "arn:aws:s3:::${name}"]))

  # Rekognition reads JPEG and PNG. Names with a leading dot are the leavings
  # of other programs, such as macOS's ._1.jpg.
  image_files = var.existing_bucket != null ? [] : [
    for file in fileset(pathexpand(var.images_dir), "**") : file
    if can(regex("(?i)[.](jpe?g|jpe|jfif|png)$", file)) && !can(regex("(^|/)[.]", file))
  ]
}

data "aws_s3_bucket" "existing" {
  count = var.existing_bucket == null ? 0 : 1

  bucket = var.existing_bucket

  lifecycle {
    postcondition {
      # Not its region: from version 6 on that is the provider's.
      condition     = strcontains(self.bucket_regional_domain_name, ".s3.${var.region}.")
      error_message = "existing_bucket \"${self.bucket}\" is at ${self.bucket_regional_domain_name}, and Rekognition reads only buckets of its own region, ${var.region}: set region to the bucket's."
    }
  }
}

resource "aws_s3_bucket" "images" {
  #checkov:skip=CKV_AWS_18:Two roles of this configuration read the bucket for hours; access logs would need a bucket that outlives it.
  #checkov:skip=CKV_AWS_21:Uploaded from a folder that stays the original; workers pin each image by its ETag.
  #checkov:skip=CKV_AWS_144:Copies of images in a second region serve nobody; the folder is the original.
  #checkov:skip=CKV_AWS_145:SSE-S3 is on; a key of its own costs more than the deployment and adds a permission to each role.
  #checkov:skip=CKV2_AWS_6:It has one below; the check follows no local.
  #checkov:skip=CKV2_AWS_61:Lives as long as the deployment; a lifecycle rule would never come to act.
  #checkov:skip=CKV2_AWS_62:Worker A lists the bucket once in a run; nothing waits for events.
  count = var.existing_bucket == null && var.lab_bucket == null ? 1 : 0

  bucket_prefix = "${var.name}-images-"
  force_destroy = var.bucket_force_destroy

  tags = { Name = "${var.name}-images" }
}

resource "aws_s3_bucket_public_access_block" "images" {
  count = var.existing_bucket == null ? 1 : 0

  bucket                  = local.bucket_name
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true

  lifecycle {
    precondition {
      condition     = length(local.image_files) > 0
      error_message = "images_dir is \"${var.images_dir}\", which holds no image (.jpg, .jpeg, .jpe, .jfif or .png): name a folder of images, or set existing_bucket."
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "images" {
  count = var.existing_bucket == null ? 1 : 0

  bucket = local.bucket_name

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "images" {
  count = var.existing_bucket == null ? 1 : 0

  bucket = local.bucket_name

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_policy" "images" {
  count = var.existing_bucket == null ? 1 : 0

  bucket = local.bucket_name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyPlainHttp"
      Effect    = "Deny"
      Principal = "*" # whoever it is
      Action    = "s3:*"
      Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 refuses two of these changes to one bucket at a time.
  depends_on = [aws_s3_bucket_public_access_block.images]
}

resource "aws_s3_object" "image" {
  for_each = toset(local.image_files)

  bucket = local.bucket_name
  key    = "${var.image_prefix}${each.key}"
  source = "${pathexpand(var.images_dir)}/${each.key}"
  # Not the ETag: that of an upload in several parts is no MD5.
  source_hash  = filesha256("${pathexpand(var.images_dir)}/${each.key}")
  content_type = can(regex("(?i)[.]png$", each.key)) ? "image/png" : "image/jpeg"

  depends_on = [
    aws_s3_bucket_ownership_controls.images,
    aws_s3_bucket_policy.images,
    aws_s3_bucket_server_side_encryption_configuration.images,
  ]
}

# Resources of their own: they stay when a host is replaced, and with them each
# worker's record of the run.
resource "aws_ebs_volume" "state" {
  #checkov:skip=CKV_AWS_189:Encrypted with the account's EBS key; a key of its own costs more than the deployment.
  for_each = local.workers

  availability_zone = local.availability_zone
  size              = var.result_volume_size_gib
  type              = "gp3"
  encrypted         = true

  tags = { Name = "${var.name}-${each.value.host}" }
}

resource "aws_volume_attachment" "state" {
  for_each = local.workers

  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.state[each.key].id
  instance_id = aws_instance.worker[each.key].id

  # A mounted volume never detaches from a running host.
  stop_instance_before_detaching = true
}

# Up to release 0.1 worker B alone had a volume.
moved {
  from = aws_ebs_volume.result
  to   = aws_ebs_volume.state["worker_b"]
}

moved {
  from = aws_volume_attachment.result
  to   = aws_volume_attachment.state["worker_b"]
}
