terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # A state for each target: `python -m carscribe` passes the path.
  # backend_override.tf.example moves the state to S3.
  backend "local" {}
}
