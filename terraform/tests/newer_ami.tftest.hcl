# A newer AMI is for the next host, not for the running one.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  ssh_ingress_cidrs    = ["203.0.113.7/32"]
  ssh_public_key_file  = "tests/files/key.pub"
  ssh_private_key_file = "tests/files/key"
  images_dir           = "tests/files/images"
  inventory_file       = "../build/terraform/check/inventory.yml"
}

run "the_hosts_run" {
  assert {
    condition     = alltrue([for host in aws_instance.worker : host.ami == "ami-0123456789abcdef0"])
    error_message = "The hosts are not made from the AMI of the parameter."
  }

  assert {
    condition     = file(output.inventory_file) == local.inventory_text
    error_message = "The inventory is not what was written."
  }
}

run "a_newer_ami_leaves_them_alone" {
  command = plan

  override_data {
    target = data.aws_ssm_parameter.ami
    values = { insecure_value = "ami-0fedcba9876543210" }
  }

  assert {
    condition     = data.aws_ssm_parameter.ami[0].insecure_value == "ami-0fedcba9876543210"
    error_message = "This test shows nothing: the parameter names the AMI it named before."
  }

  assert {
    condition     = alltrue([for host in aws_instance.worker : host.ami == "ami-0123456789abcdef0"])
    error_message = "A newer AMI would replace a running host."
  }
}
