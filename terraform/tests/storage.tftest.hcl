# The images' bucket.

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

run "the_bucket_is_closed_encrypted_and_kept" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.images[0].block_public_acls,
      aws_s3_bucket_public_access_block.images[0].block_public_policy,
      aws_s3_bucket_public_access_block.images[0].ignore_public_acls,
      aws_s3_bucket_public_access_block.images[0].restrict_public_buckets,
    ])
    error_message = "The bucket could become public."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.images[0].rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "The bucket takes ACLs."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.images[0].rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The bucket is not encrypted."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.images[0].policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "DenyPlainHttp"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["arn:aws:s3:::the-images", "arn:aws:s3:::the-images/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    }
    error_message = "The bucket's policy is another: ${aws_s3_bucket_policy.images[0].policy}"
  }

  assert {
    condition     = !aws_s3_bucket.images[0].force_destroy
    error_message = "Destroying would destroy objects that Terraform did not upload."
  }
}

run "images_are_uploaded_under_the_prefix_by_content" {
  command = plan

  variables {
    image_prefix = "photos/"
  }

  assert {
    condition     = { for file, object in aws_s3_object.image : object.key => object.content_type } == { "photos/1.jpg" = "image/jpeg", "photos/more/2.PNG" = "image/png", "photos/saved.jfif" = "image/jpeg" }
    error_message = "Uploaded is something else than the images of the folder."
  }

  assert {
    condition     = alltrue([for file, object in aws_s3_object.image : object.source_hash == filesha256("tests/files/images/${file}")])
    error_message = "An image that changes would not be uploaded again."
  }
}

run "a_bucket_that_was_made_before_has_all_but_itself_from_here" {
  command = plan

  variables {
    lab_bucket = "carscribe-images-20261128000000000000000000"
  }

  assert {
    condition     = length(aws_s3_bucket.images) + length(data.aws_s3_bucket.existing) == 0
    error_message = "The provider would read the bucket itself."
  }

  assert {
    condition = alltrue([
      for settings in concat(aws_s3_bucket_public_access_block.images, aws_s3_bucket_ownership_controls.images, aws_s3_bucket_server_side_encryption_configuration.images, aws_s3_bucket_policy.images) : settings.bucket == var.lab_bucket
    ])
    error_message = "Settings are those of another bucket."
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.images[0].policy).Statement[0].Resource == ["arn:aws:s3:::${var.lab_bucket}", "arn:aws:s3:::${var.lab_bucket}/*"]
    error_message = "The policy is another bucket's: ${aws_s3_bucket_policy.images[0].policy}"
  }

  assert {
    condition     = { for object in aws_s3_object.image : object.key => object.bucket } == { "1.jpg" = var.lab_bucket, "more/2.PNG" = var.lab_bucket, "saved.jfif" = var.lab_bucket }
    error_message = "The images are not uploaded to it."
  }

  assert {
    condition     = output.bucket == var.lab_bucket && output.image_count == 3
    error_message = "The outputs speak of another bucket."
  }

  assert {
    condition     = alltrue([for policy in aws_iam_role_policy.worker : jsondecode(policy.policy).Statement[0].Resource == "arn:aws:s3:::${var.lab_bucket}"])
    error_message = "The workers may read another bucket."
  }
}

run "an_existing_bucket_wins_over_one_that_was_made_before" {
  command = plan

  variables {
    existing_bucket = "my-photos"
    lab_bucket      = "carscribe-images-20261128000000000000000000"
  }

  assert {
    condition     = output.bucket == "my-photos" && length(aws_s3_bucket_policy.images) + length(aws_s3_object.image) == 0
    error_message = "Something of another bucket is planned to change."
  }
}

run "an_existing_bucket_is_only_read" {
  command = plan

  variables {
    existing_bucket = "my-photos"
    images_dir      = "tests/files/no-such-folder"
  }

  assert {
    condition     = length(aws_s3_bucket.images) + length(aws_s3_bucket_policy.images) + length(aws_s3_bucket_public_access_block.images) + length(aws_s3_bucket_ownership_controls.images) + length(aws_s3_bucket_server_side_encryption_configuration.images) + length(aws_s3_object.image) == 0
    error_message = "Something of an existing bucket is planned to change."
  }

  assert {
    condition     = output.bucket == "my-photos" && alltrue([for policy in aws_iam_role_policy.worker : jsondecode(policy.policy).Statement[0].Resource == "arn:aws:s3:::my-photos" && jsondecode(policy.policy).Statement[1].Resource == "arn:aws:s3:::my-photos/*"])
    error_message = "The workers may read another bucket than the existing one."
  }
}
