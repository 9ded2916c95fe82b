# What AWS would answer, as far as a test looks at it.

mock_resource "aws_s3_bucket" {
  defaults = {
    arn    = "arn:aws:s3:::the-images"
    bucket = "the-images"
    id     = "the-images"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    name = "the-role"
  }
}

mock_resource "aws_iam_instance_profile" {
  defaults = {
    name = "the-profile"
  }
}

mock_resource "aws_key_pair" {
  defaults = {
    key_name = "the-key-pair"
  }
}

mock_resource "aws_instance" {
  defaults = {
    id         = "i-0123456789abcdef0"
    private_ip = "10.73.1.4"
  }
}

mock_resource "aws_eip" {
  defaults = {
    public_ip = "198.51.100.4"
  }
}

mock_resource "aws_subnet" {
  defaults = {
    id = "subnet-0123456789abcdef0"
  }
}

mock_resource "aws_security_group" {
  defaults = {
    id = "sg-0123456789abcdef0"
  }
}

mock_resource "aws_ebs_volume" {
  defaults = {
    id = "vol-0123456789abcdef0"
  }
}

mock_data "aws_ec2_instance_type" {
  defaults = {
    supported_architectures = ["x86_64"]
  }
}

# The zones in Atlanta and Boston are a local and a wavelength zone.
mock_data "aws_ec2_instance_type_offerings" {
  defaults = {
    locations = ["us-east-1-atl-1a", "us-east-1-wl1-bos-wlz-1", "us-east-1b", "us-east-1a"]
  }
}

mock_data "aws_availability_zones" {
  defaults = {
    names = ["us-east-1c", "us-east-1b", "us-east-1a"]
  }
}

mock_data "aws_ssm_parameter" {
  defaults = {
    insecure_value = "ami-0123456789abcdef0"
  }
}

mock_data "aws_ami_ids" {
  defaults = {
    ids = ["ami-0fedcba9876543210"]
  }
}

mock_data "aws_s3_bucket" {
  defaults = {
    arn                         = "arn:aws:s3:::my-photos"
    bucket                      = "my-photos"
    bucket_regional_domain_name = "my-photos.s3.us-east-1.amazonaws.com"
  }
}

mock_data "aws_subnet" {
  defaults = {
    id                = "subnet-0fedcba9876543210"
    vpc_id            = "vpc-0fedcba9876543210"
    availability_zone = "us-east-1c"
  }
}

override_resource {
  target = aws_sqs_queue.indexes
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:the-indexes"
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/the-indexes"
  }
}

override_resource {
  target = aws_sqs_queue.dead_letter
  values = {
    arn = "arn:aws:sqs:us-east-1:123456789012:the-dead-letters"
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/the-dead-letters"
  }
}
