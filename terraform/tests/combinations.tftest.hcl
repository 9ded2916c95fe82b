# What does not go together, and what AWS has not: told before anything is made.

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

run "a_learner_lab_elsewhere" {
  command = plan

  variables {
    existing_instance_profile = "LabInstanceProfile"
    region                    = "eu-west-1"
  }

  expect_failures = [aws_instance.worker]
}

run "a_learner_lab_with_a_large_type" {
  command = plan

  variables {
    existing_instance_profile = "LabInstanceProfile"
    instance_type             = "t3.xlarge"
  }

  expect_failures = [aws_instance.worker]
}

run "a_learner_lab_with_a_large_volume" {
  command = plan

  variables {
    existing_instance_profile = "LabInstanceProfile"
    result_volume_size_gib    = 101
  }

  expect_failures = [aws_instance.worker]
}

run "a_learner_lab_with_too_many_hosts" {
  command = plan

  variables {
    existing_instance_profile = "LabInstanceProfile"
    pairs                     = 5
  }

  expect_failures = [aws_instance.worker]
}

run "vockey_in_another_region" {
  command = plan

  variables {
    existing_key_pair = "vockey"
    region            = "us-west-2"
  }

  expect_failures = [aws_instance.worker]
}

run "no_image_in_the_folder" {
  command = plan

  variables {
    images_dir = "tests/mocks"
  }

  expect_failures = [aws_s3_bucket_public_access_block.images]
}

run "no_image_in_the_folder_for_a_bucket_that_was_made_before" {
  command = plan

  variables {
    images_dir = "tests/mocks"
    lab_bucket = "carscribe-images-20261128000000000000000000"
  }

  expect_failures = [aws_s3_bucket_public_access_block.images]
}

run "a_folder_that_is_not_there" {
  command = plan

  variables {
    images_dir = "tests/files/no-such-folder"
  }

  expect_failures = [aws_s3_bucket_public_access_block.images]
}

run "a_bucket_of_another_region" {
  command = plan

  variables {
    existing_bucket = "my-photos"
    region          = "us-west-2"
  }

  expect_failures = [data.aws_s3_bucket.existing]
}

run "an_ami_that_is_not_there" {
  command = plan

  variables {
    ami_id = "ami-0fedcba9876543210"
  }

  override_data {
    target = data.aws_ami_ids.chosen
    values = { ids = [] }
  }

  expect_failures = [data.aws_ami_ids.chosen]
}

run "a_type_that_the_region_does_not_offer" {
  command = plan

  variables {
    instance_type = "t9.micro"
  }

  override_data {
    target = data.aws_ec2_instance_type_offerings.zones
    values = { locations = [] }
  }

  expect_failures = [data.aws_ec2_instance_type_offerings.zones]
}

run "a_learner_lab_at_its_limits" {
  command = plan

  variables {
    existing_instance_profile = "LabInstanceProfile"
    region                    = "us-west-2"
    instance_type             = "t3.large"
    result_volume_size_gib    = 100
    pairs                     = 4
  }

  assert {
    condition     = length(aws_instance.worker) == 8
    error_message = "The hosts are not planned."
  }
}
