# Endpoint and credentials come from the environment alone, so the same files
# serve AWS and the emulator.
provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}
