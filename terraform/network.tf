# A VPC with one public subnet for all hosts, or an existing subnet.

locals {
  vpc_id            = one(concat(aws_vpc.main[*].id, data.aws_subnet.existing[*].vpc_id))
  subnet_id         = one(concat(aws_subnet.public[*].id, data.aws_subnet.existing[*].id))
  availability_zone = one(concat(aws_subnet.public[*].availability_zone, data.aws_subnet.existing[*].availability_zone))
}

data "aws_subnet" "existing" {
  count = var.existing_subnet_id == null ? 0 : 1

  id = var.existing_subnet_id
}

# Local and wavelength zones must be opted in to, and have neither every type nor this network.
data "aws_availability_zones" "ordinary" {
  #checkov:skip=CKV_AWS_394:A zone that AWS adds changes nothing that is up: the subnet ignores another zone, and every zone serves.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

# Not every zone has every type: us-east-1e has no t3.
data "aws_ec2_instance_type_offerings" "zones" {
  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [var.instance_type]
  }

  lifecycle {
    postcondition {
      condition     = length(setintersection(self.locations, data.aws_availability_zones.ordinary.names)) > 0
      error_message = "instance_type is \"${var.instance_type}\", which no ordinary availability zone of ${var.region} offers: use another, such as t3.micro."
    }
  }
}

resource "aws_vpc" "main" {
  #checkov:skip=CKV2_AWS_11:Two hosts that live for hours and take SSH from one address; flow logs would outlive them and cost more than they do.
  count = var.existing_subnet_id == null ? 1 : 0

  cidr_block           = var.vpc_cidr
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# Nothing uses the default security group; empty, it permits nothing by mistake.
resource "aws_default_security_group" "empty" {
  count = var.existing_subnet_id == null ? 1 : 0

  vpc_id  = aws_vpc.main[0].id
  ingress = []
  egress  = []

  tags = { Name = "${var.name}-default-empty" }
}

resource "aws_subnet" "public" {
  count = var.existing_subnet_id == null ? 1 : 0

  vpc_id            = aws_vpc.main[0].id
  cidr_block        = local.subnet_cidr
  availability_zone = sort(setintersection(data.aws_ec2_instance_type_offerings.zones.locations, data.aws_availability_zones.ordinary.names))[0]

  tags = { Name = "${var.name}-public" }

  lifecycle {
    # Another zone would replace the volumes too.
    ignore_changes = [availability_zone]
  }
}

resource "aws_internet_gateway" "main" {
  count = var.existing_subnet_id == null ? 1 : 0

  vpc_id = aws_vpc.main[0].id

  tags = { Name = var.name }
}

resource "aws_route_table" "public" {
  count = var.existing_subnet_id == null ? 1 : 0

  vpc_id = aws_vpc.main[0].id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route" "internet" {
  count = var.existing_subnet_id == null ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main[0].id
}

resource "aws_route_table_association" "public" {
  count = var.existing_subnet_id == null ? 1 : 0

  subnet_id      = aws_subnet.public[0].id
  route_table_id = aws_route_table.public[0].id
}

# Images reach worker B without leaving Amazon's network.
resource "aws_vpc_endpoint" "s3" {
  count = var.existing_subnet_id == null ? 1 : 0

  vpc_id            = aws_vpc.main[0].id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.public[0].id]

  tags = { Name = "${var.name}-s3" }
}

resource "aws_security_group" "worker" {
  name_prefix = "${var.name}-worker-"
  description = "SSH from the operator, HTTP and HTTPS out"
  vpc_id      = local.vpc_id

  tags = { Name = "${var.name}-worker" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  for_each = var.ssh_ingress_cidrs

  security_group_id = aws_security_group.worker.id
  description       = "SSH from ${each.key}"
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = each.key

  tags = { Name = "${var.name}-ssh" }
}

# AWS APIs and package repositories; their addresses are not known beforehand.
resource "aws_vpc_security_group_egress_rule" "web" {
  for_each = { http = 80, https = 443 }

  security_group_id = aws_security_group.worker.id
  description       = "${upper(each.key)} out"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  cidr_ipv4         = "0.0.0.0/0"

  tags = { Name = "${var.name}-${each.key}" }
}
