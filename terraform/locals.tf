locals {
  # Documented by AWS; a test compares the list with the one of botocore.
  rekognition_regions = [
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ap-southeast-5", "ap-southeast-7", "ca-central-1", "eu-central-1", "eu-south-2",
    "eu-west-1", "eu-west-2", "il-central-1", "sa-east-1", "us-east-1", "us-east-2",
    "us-west-1", "us-west-2",
  ]

  # Calls a second of each operation, account and region: the documented quota.
  documented_rekognition_rates = {
    for region in local.rekognition_regions : region => contains(["us-east-1", "us-west-2", "eu-west-1"], region) ? 50 : 5
  }
  rekognition_rate_per_second = coalesce(var.rekognition_rate_per_second, local.documented_rekognition_rates[var.region])
  rekognition_rates_elsewhere = {
    for region, rate in var.rekognition_regions : region => rate == null ? local.documented_rekognition_rates[region] : rate
  }

  # Of everything; an organization may refuse what is made without its own.
  tags = merge(var.tags, {
    Project    = "carscribe"
    Deployment = var.name
    ManagedBy  = "Terraform"
  })

  # Empty for none.
  results_prefix = var.results_prefix == null ? "" : var.results_prefix

  subnet_cidr = cidrsubnet(var.vpc_cidr, 24 - tonumber(split("/", var.vpc_cidr)[1]), 1)

  # The AMI's public SSM parameter, by the architecture of the instance type.
  operating_systems = {
    al2023 = {
      user = "ec2-user"
      ami_parameters = {
        x86_64 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
        arm64  = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
      }
    }
    debian12 = {
      user = "admin"
      ami_parameters = {
        x86_64 = "/aws/service/debian/release/12/latest/amd64"
        arm64  = "/aws/service/debian/release/12/latest/arm64"
      }
    }
  }

  # What each pair's resources have at the end of their addresses and names:
  # the first pair's, which have been there longest, nothing.
  pairs = {
    for pair in range(1, var.pairs + 1) : tostring(pair) => {
      key  = pair == 1 ? "" : "_${pair}"
      name = pair == 1 ? "" : "-${pair}"
    }
  }

  # Each worker by its address.
  workers = merge([
    for pair, suffix in local.pairs : {
      for letter, partner in { a = "b", b = "a" } : "worker_${letter}${suffix.key}" => {
        host                     = "worker-${letter}${suffix.name}"
        letter                   = letter
        pair                     = pair
        partner                  = "worker-${partner}${suffix.name}"
      }
    }
  ]...)
}
