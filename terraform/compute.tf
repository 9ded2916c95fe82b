# Two hosts for each pair, their addresses and their key pair.

locals {
  architecture = contains(data.aws_ec2_instance_type.worker.supported_architectures, "arm64") ? "arm64" : "x86_64"
  ami_id       = coalesce(var.ami_id, one(data.aws_ssm_parameter.ami[*].insecure_value))
  key_name     = var.existing_key_pair == null ? one(aws_key_pair.operator[*].key_name) : var.existing_key_pair

  learner_lab         = var.existing_instance_profile == "LabInstanceProfile"
  learner_lab_regions = ["us-east-1", "us-west-2"]
  learner_lab_sizes   = ["nano", "micro", "small", "medium", "large"]

  learner_lab_instances_max = 9
}

data "aws_ec2_instance_type" "worker" {
  instance_type = var.instance_type
}

data "aws_ssm_parameter" "ami" {
  count = var.ami_id == null ? 1 : 0

  name = local.operating_systems[var.operating_system].ami_parameters[local.architecture]
}

# EC2 tells of an AMI that is not there only when the host is made.
data "aws_ami_ids" "chosen" {
  count = var.ami_id == null ? 0 : 1

  owners = ["self", "amazon", "136693071363"] # the last is Debian

  filter {
    name   = "image-id"
    values = [var.ami_id]
  }

  filter {
    name   = "architecture"
    values = [local.architecture]
  }

  lifecycle {
    postcondition {
      condition     = length(self.ids) == 1
      error_message = "ami_id is \"${var.ami_id}\", and neither your account nor Amazon nor Debian has that AMI for ${local.architecture} in ${var.region}: name another, or none to take the newest of ${var.operating_system}."
    }
  }
}

resource "aws_key_pair" "operator" {
  count = var.existing_key_pair == null ? 1 : 0

  key_name_prefix = "${var.name}-"
  public_key      = trimspace(file(pathexpand(var.ssh_public_key_file)))
}

# What a host must be made anew for; a newer AMI of the same is no reason.
resource "terraform_data" "operating_system" {
  input = {
    operating_system = var.operating_system
    architecture     = local.architecture
    ami_id           = var.ami_id
  }
}

resource "aws_instance" "worker" {
  #checkov:skip=CKV_AWS_126:Hosts for hours whose workers report every second themselves; detailed monitoring costs as much as they do.
  #checkov:skip=CKV_AWS_135:t3 and newer types are EBS-optimized always, and older ones refuse the setting.
  for_each = local.workers

  ami                    = local.ami_id
  instance_type          = var.instance_type
  subnet_id              = local.subnet_id
  vpc_security_group_ids = [aws_security_group.worker.id]
  key_name               = local.key_name
  iam_instance_profile   = local.instance_profiles[each.key]

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
  }

  tags = { Name = "${var.name}-${each.value.host}" }

  lifecycle {
    ignore_changes       = [ami]
    replace_triggered_by = [terraform_data.operating_system]

    precondition {
      condition     = !local.learner_lab || contains(local.learner_lab_regions, var.region)
      error_message = "region is \"${var.region}\", and a Learner Lab works only in ${join(" and ", local.learner_lab_regions)}."
    }

    precondition {
      condition     = !local.learner_lab || contains(local.learner_lab_sizes, split(".", var.instance_type)[1])
      error_message = "instance_type is \"${var.instance_type}\", and a Learner Lab has only the sizes ${join(", ", local.learner_lab_sizes)}."
    }

    precondition {
      condition     = !local.learner_lab || 2 * var.pairs <= local.learner_lab_instances_max
      error_message = "pairs is ${var.pairs}, which is ${2 * var.pairs} hosts, and a Learner Lab has at most ${local.learner_lab_instances_max} instances."
    }

    precondition {
      condition     = !local.learner_lab || var.result_volume_size_gib <= 100
      error_message = "result_volume_size_gib is ${var.result_volume_size_gib}, and a Learner Lab has volumes of at most 100 GiB."
    }

    precondition {
      condition     = var.existing_key_pair != "vockey" || var.region == "us-east-1"
      error_message = "existing_key_pair is \"vockey\", which a Learner Lab has only in us-east-1: set region = \"us-east-1\"; or in aws.tfvars existing_key_pair = null and ssh_private_key_file = \"../build/ssh/id_ed25519\", and a key pair is made there."
    }
  }
}

# They stay over a stop and a start, and so does the inventory.
resource "aws_eip" "worker" {
  #checkov:skip=CKV2_AWS_19:The host is named by instance; the check follows no each.key.
  for_each = local.workers

  domain   = "vpc"
  instance = aws_instance.worker[each.key].id

  tags = { Name = "${var.name}-${each.value.host}" }

  depends_on = [aws_internet_gateway.main]
}
