# The values that variables refuse, each once; a run has a value for each variable
# that has one left, and fails by name for the one that is taken.

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

run "refused_values_1" {
  command = plan

  variables {
    name                        = "Carscribe"                                                     # name with capitals
    region                      = "eu-north-1"                                                    # region without rekognition
    ssh_ingress_cidrs           = []                                                              # ssh from nowhere
    vpc_cidr                    = "10.0.0.0/15"                                                   # vpc too large
    tags                        = { "Cost\nCenter" = "4711" }                                     # tag with a line's end
    existing_subnet_id          = "my-subnet"                                                     # subnet no id
    existing_bucket             = "s3://my-photos"                                                # bucket as url
    lab_bucket                  = "my-photos"                                                     # lab bucket of one's own
    image_prefix                = "/photos/"                                                      # prefix with leading slash
    results_prefix              = ""                                                              # results among all else
    pairs                       = 0                                                               # no pair
    instance_type               = "t3"                                                            # instance type without a size
    operating_system            = "windows"                                                       # operating system unknown
    ami_id                      = "al2023"                                                        # ami by name
    existing_instance_profile   = "arn:aws:iam::123456789012:instance-profile/LabInstanceProfile" # profile by arn
    ssh_public_key_file         = "tests/files/missing.pub"                                       # public key missing
    ssh_private_key_file        = "tests/files/missing"                                           # private key missing
    kms_key_arns                = ["alias/photos"]                                                # key by alias
    permissions_boundary        = "boundary"                                                      # boundary by name
    result_volume_size_gib      = 0                                                               # volume too small
    rekognition_rate_per_second = 0                                                               # rate zero
    text_download_max_bytes     = -1                                                              # download below nothing
    idle_stop_minutes           = -1                                                              # less than never
    inventory_file              = "tests/files/inventory.ini"                                     # inventory of another kind
    known_hosts_file            = "tests/files/it's"                                              # known hosts with a quote
  }

  expect_failures = [
    var.name,
    var.region,
    var.ssh_ingress_cidrs,
    var.vpc_cidr,
    var.tags,
    var.existing_subnet_id,
    var.existing_bucket,
    var.lab_bucket,
    var.image_prefix,
    var.results_prefix,
    var.pairs,
    var.instance_type,
    var.operating_system,
    var.ami_id,
    var.existing_instance_profile,
    var.ssh_public_key_file,
    var.ssh_private_key_file,
    var.kms_key_arns,
    var.permissions_boundary,
    var.result_volume_size_gib,
    var.rekognition_rate_per_second,
    var.idle_stop_minutes,
    var.text_download_max_bytes,
    var.inventory_file,
    var.known_hosts_file,
  ]
}

run "refused_values_2" {
  command = plan

  variables {
    name                        = "a23456789012345678901" # name too long
    ssh_ingress_cidrs           = ["203.0.113.7"]         # ssh from no network
    vpc_cidr                    = "10.73.0.0/21"          # vpc too small
    image_prefix                = "*"                     # prefix with a wildcard
    results_prefix              = "results"               # results beside a folder
    pairs                       = 17                      # pairs above the most
    ssh_public_key_file         = "tests/files/key"       # public key of no kind that ec2 takes
    result_volume_size_gib      = 16385                   # volume too large
    rekognition_rate_per_second = 1001                    # rate too high
    rekognition_regions         = { us-west-2 = 1001 }    # rate elsewhere too high
    text_download_max_bytes     = 5242881                 # download above what rekognition takes
    idle_stop_minutes           = 10081                   # above a week
  }

  expect_failures = [
    var.name,
    var.ssh_ingress_cidrs,
    var.vpc_cidr,
    var.image_prefix,
    var.results_prefix,
    var.pairs,
    var.ssh_public_key_file,
    var.result_volume_size_gib,
    var.rekognition_rate_per_second,
    var.rekognition_regions,
    var.idle_stop_minutes,
    var.text_download_max_bytes,
  ]
}

run "refused_values_3" {
  command = plan

  variables {
    ssh_ingress_cidrs      = ["203.0.113.7/24"]  # ssh from a network with host bits
    vpc_cidr               = "ten"               # vpc no network
    image_prefix           = "$${aws:username}/" # prefix with a policy variable
    results_prefix         = "results/*/"        # results prefix with a wildcard
    pairs                  = 1.5                 # pairs of a fraction
    result_volume_size_gib = 1.5                 # volume of a fraction
    rekognition_regions    = { us-east-1 = 50 }  # the bucket's own region as another
  }

  expect_failures = [
    var.ssh_ingress_cidrs,
    var.vpc_cidr,
    var.image_prefix,
    var.results_prefix,
    var.pairs,
    var.result_volume_size_gib,
    var.rekognition_regions,
  ]
}

run "a_tag_of_ours_in_another_case_is_refused" {
  command = plan

  variables {
    tags = { project = "photos" }
  }

  expect_failures = [
    var.tags,
  ]
}

run "a_tag_of_aws_is_refused" {
  command = plan

  variables {
    tags = { "aws:createdBy" = "me" }
  }

  expect_failures = [
    var.tags,
  ]
}

run "tags_that_differ_in_case_alone_are_refused" {
  command = plan

  variables {
    tags = { CostCenter = "4711", costcenter = "4711" }
  }

  expect_failures = [
    var.tags,
  ]
}

run "an_eighth_tag_is_refused" {
  command = plan

  variables {
    tags = { a = "", b = "", c = "", d = "", e = "", f = "", g = "", h = "" }
  }

  expect_failures = [
    var.tags,
  ]
}

run "tags_stand_beside_ours" {
  command = plan

  variables {
    tags = { CostCenter = "4711", "Cost center: Zürich/2" = "", c = "", d = "", e = "", f = "", g = "" }
  }

  assert {
    condition     = length(local.tags) == 10 && local.tags["CostCenter"] == "4711" && local.tags["Project"] == "carscribe" && local.tags["Deployment"] == "carscribe" && local.tags["ManagedBy"] == "Terraform"
    error_message = "The tags are ${jsonencode(local.tags)}."
  }
}

run "a_region_without_rekognition_is_refused" {
  command = plan

  variables {
    rekognition_regions = { eu-north-1 = 5 }
  }

  expect_failures = [
    var.rekognition_regions,
  ]
}

run "ssh_from_ipv6_is_refused" {
  command = plan

  variables {
    ssh_ingress_cidrs = ["2001:db8::/64"]
  }

  expect_failures = [
    var.ssh_ingress_cidrs,
  ]
}

run "ssh_from_the_internet_is_refused" {
  command = plan

  variables {
    ssh_ingress_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [
    var.ssh_ingress_cidrs,
  ]
}

run "ssh_from_half_the_internet_is_refused" {
  command = plan

  variables {
    ssh_ingress_cidrs = ["203.0.113.7/32", "128.0.0.0/1"]
  }

  expect_failures = [
    var.ssh_ingress_cidrs,
  ]
}

run "ssh_from_a_slash_7_is_refused" {
  command = plan

  variables {
    ssh_ingress_cidrs = ["10.0.0.0/7"]
  }

  expect_failures = [
    var.ssh_ingress_cidrs,
  ]
}

run "a_slash_8_and_the_limits_are_taken" {
  command = plan

  variables {
    name                        = "a2345678901234567890"
    ssh_ingress_cidrs           = ["10.0.0.0/8"]
    vpc_cidr                    = "10.73.0.0/20"
    pairs                       = 16
    result_volume_size_gib      = 16384
    rekognition_rate_per_second = 0.1
    text_download_max_bytes     = 5242880
    idle_stop_minutes           = 10080
  }

  assert {
    condition     = aws_subnet.public[0].cidr_block == "10.73.1.0/24"
    error_message = "The subnet is ${aws_subnet.public[0].cidr_block}."
  }
}
