# Who reaches the hosts, and what they reach.

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

run "ssh_comes_in_and_the_web_goes_out" {
  command = plan

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.ssh : "${rule.ip_protocol} ${rule.from_port}-${rule.to_port} ${rule.cidr_ipv4}"] == ["tcp 22-22 203.0.113.7/32"]
    error_message = "Something else than SSH from 203.0.113.7/32 comes in."
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_egress_rule.web : "${rule.ip_protocol} ${rule.from_port}-${rule.to_port} ${rule.cidr_ipv4}"] == ["tcp 80-80 0.0.0.0/0", "tcp 443-443 0.0.0.0/0"]
    error_message = "Something else than HTTP and HTTPS goes out."
  }

  assert {
    condition     = alltrue([for host in aws_instance.worker : host.vpc_security_group_ids == toset([aws_security_group.worker.id])])
    error_message = "A host has another security group."
  }

  assert {
    condition     = length(aws_default_security_group.empty) == 1 && length(aws_default_security_group.empty[0].ingress) + length(aws_default_security_group.empty[0].egress) == 0
    error_message = "The VPC's default security group permits something."
  }

  assert {
    condition     = aws_subnet.public[0].cidr_block == "10.73.1.0/24"
    error_message = "The subnet is ${aws_subnet.public[0].cidr_block}."
  }

  assert {
    condition     = aws_subnet.public[0].availability_zone == "us-east-1a"
    error_message = "The zone is ${aws_subnet.public[0].availability_zone}."
  }

  assert {
    condition     = aws_route.internet[0].destination_cidr_block == "0.0.0.0/0" && aws_vpc_endpoint.s3[0].vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3[0].service_name == "com.amazonaws.us-east-1.s3"
    error_message = "The subnet has no route to the internet, or no endpoint for S3."
  }
}

run "an_existing_subnet_makes_no_network" {
  command = plan

  variables {
    existing_subnet_id = "subnet-0fedcba9876543210"
  }

  assert {
    condition     = length(aws_vpc.main) + length(aws_subnet.public) + length(aws_internet_gateway.main) + length(aws_route_table.public) + length(aws_vpc_endpoint.s3) + length(aws_default_security_group.empty) == 0
    error_message = "A network is planned beside the one that exists."
  }

  assert {
    condition     = alltrue([for host in aws_instance.worker : host.subnet_id == "subnet-0fedcba9876543210"]) && aws_security_group.worker.vpc_id == "vpc-0fedcba9876543210" && alltrue([for volume in aws_ebs_volume.state : volume.availability_zone == "us-east-1c"])
    error_message = "A host, the security group or the volume is elsewhere than the existing subnet."
  }
}

run "the_internet_may_come_in_if_that_is_asked_for" {
  command = plan

  variables {
    ssh_ingress_cidrs       = ["0.0.0.0/0"]
    any_ssh_ingress_allowed = true
  }

  assert {
    condition     = [for rule in aws_vpc_security_group_ingress_rule.ssh : rule.cidr_ipv4] == ["0.0.0.0/0"]
    error_message = "SSH is not open to the internet, although it was asked for."
  }
}
