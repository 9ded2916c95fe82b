# The hosts of each pair.

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

run "two_hosts_with_a_volume_each_are_closed_and_encrypted" {
  command = plan

  assert {
    condition     = length(aws_instance.worker) == 2 && alltrue([for host in aws_instance.worker : host.metadata_options[0].http_tokens == "required" && host.metadata_options[0].http_put_response_hop_limit == 1])
    error_message = "A host's metadata answers without a token, or further than one hop."
  }

  assert {
    condition     = alltrue([for host in aws_instance.worker : host.root_block_device[0].encrypted]) && alltrue([for volume in aws_ebs_volume.state : volume.encrypted])
    error_message = "A host's root disk or a volume is not encrypted."
  }

  assert {
    condition     = keys(aws_eip.worker) == ["worker_a", "worker_b"] && keys(aws_iam_instance_profile.worker) == ["worker_a", "worker_b"]
    error_message = "A host has no Elastic IP or no profile."
  }

  assert {
    condition     = { for worker, host in aws_instance.worker : worker => host.tags.Name } == { worker_a = "carscribe-worker-a", worker_b = "carscribe-worker-b" }
    error_message = "A host has another name."
  }

  assert {
    condition     = data.aws_ssm_parameter.ami[0].name == "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" && output.ssh_user == "ec2-user"
    error_message = "The AMI is that of ${data.aws_ssm_parameter.ami[0].name}, the user ${output.ssh_user}."
  }

  assert {
    condition     = keys(aws_volume_attachment.state) == ["worker_a", "worker_b"] && alltrue([for worker, attachment in aws_volume_attachment.state : attachment.instance_id == aws_instance.worker[worker].id && attachment.device_name == "/dev/sdf" && attachment.stop_instance_before_detaching])
    error_message = "A volume is elsewhere than at its worker's host, or its removal would hang."
  }

  assert {
    condition     = alltrue([for volume in aws_ebs_volume.state : volume.type == "gp3" && volume.size == 1])
    error_message = "A volume is of another type or size."
  }
}

run "each_pair_has_two_hosts_of_its_own" {
  command = plan

  variables {
    pairs = 2
  }

  assert {
    condition = { for worker, host in aws_instance.worker : worker => host.tags.Name } == {
      worker_a   = "carscribe-worker-a"
      worker_b   = "carscribe-worker-b"
      worker_a_2 = "carscribe-worker-a-2"
      worker_b_2 = "carscribe-worker-b-2"
    }
    error_message = "The hosts have other names."
  }

  assert {
    condition = alltrue([
      for made in [aws_eip.worker, aws_ebs_volume.state, aws_volume_attachment.state, aws_iam_instance_profile.worker] : keys(made) == keys(aws_instance.worker)
    ])
    error_message = "A host has no address, volume or profile of its own."
  }

  assert {
    condition     = { for worker, profile in aws_iam_instance_profile.worker : worker => profile.name_prefix }["worker_b_2"] == "carscribe-worker-b-2-"
    error_message = "A profile has another name."
  }
}

run "debian_is_found_by_its_public_parameter" {
  command = plan

  variables {
    operating_system = "debian12"
  }

  assert {
    condition     = data.aws_ssm_parameter.ami[0].name == "/aws/service/debian/release/12/latest/amd64" && output.ssh_user == "admin"
    error_message = "The AMI is that of ${data.aws_ssm_parameter.ami[0].name}, the user ${output.ssh_user}."
  }
}

run "the_ami_follows_the_architecture_of_the_type" {
  command = plan

  variables {
    instance_type = "t4g.micro"
  }

  override_data {
    target = data.aws_ec2_instance_type.worker
    values = { supported_architectures = ["arm64"] }
  }

  assert {
    condition     = data.aws_ssm_parameter.ami[0].name == "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    error_message = "The AMI is that of ${data.aws_ssm_parameter.ami[0].name}."
  }
}

run "an_ami_of_ones_own_is_used" {
  command = plan

  variables {
    ami_id = "ami-0fedcba9876543210"
  }

  assert {
    condition     = alltrue([for host in aws_instance.worker : host.ami == "ami-0fedcba9876543210"]) && length(data.aws_ssm_parameter.ami) == 0
    error_message = "A host uses another AMI than ami_id."
  }
}
