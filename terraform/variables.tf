variable "name" {
  description = "Name of the deployment, the beginning of all names in AWS: 1 to 20 lower-case letters, digits and hyphens, beginning with a letter."
  type        = string
  default     = "carscribe"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.name))
    error_message = "name is \"${var.name}\": use 1 to 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  description = "AWS region of everything, one that has Rekognition."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = contains(local.rekognition_regions, var.region)
    error_message = "region is \"${var.region}\", which has no Rekognition: use one of ${join(", ", local.rekognition_regions)}."
  }
}

variable "tags" {
  description = "Tags of everything that is made, such as { CostCenter = \"4711\" }, where an organization demands them: at most 7 (an object of S3 takes ten), of letters, digits, blanks and any of + - = . _ : / @, keys to 128 characters, values to 256. None begins with aws:, and none is called Project, Deployment, ManagedBy or Name, in any case, or differs from another in case alone."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 7 && alltrue([for key, value in var.tags : can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value))])
    error_message = "tags is ${jsonencode(var.tags)}: use at most 7, of letters, digits, blanks and any of + - = . _ : / @, keys to 128 characters, values to 256."
  }

  validation {
    condition     = alltrue([for key in keys(var.tags) : !contains(["project", "deployment", "managedby", "name"], lower(key)) && !startswith(lower(key), "aws:")]) && length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags)
    error_message = "tags has the keys ${join(", ", keys(var.tags))}: none begins with aws:, none is called Project, Deployment, ManagedBy or Name, in any case, and no two differ in case alone."
  }
}

# --- network -----------------------------------------------------------------

variable "ssh_ingress_cidrs" {
  description = "IPv4 networks that may reach SSH on the hosts, such as [\"203.0.113.7/32\"]. No default: it is your own address."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.ssh_ingress_cidrs) > 0
    error_message = "ssh_ingress_cidrs is empty, so Ansible could not reach the hosts: name your own address, such as [\"203.0.113.7/32\"]."
  }

  validation {
    condition     = alltrue([for cidr in var.ssh_ingress_cidrs : can(cidrnetmask(cidr)) && try(cidrsubnet(cidr, 0, 0) == cidr, false)])
    error_message = "ssh_ingress_cidrs holds ${join(", ", var.ssh_ingress_cidrs)}: each must be an IPv4 network with no host bits set, such as 203.0.113.7/32."
  }

  validation {
    condition     = var.any_ssh_ingress_allowed || alltrue([for cidr in var.ssh_ingress_cidrs : try(tonumber(split("/", cidr)[1]) >= 8, true)])
    error_message = "ssh_ingress_cidrs holds ${join(", ", var.ssh_ingress_cidrs)}, which opens SSH to a large part of the internet: name your own address, or set any_ssh_ingress_allowed = true if that is what you want."
  }
}

variable "any_ssh_ingress_allowed" {
  description = "Whether ssh_ingress_cidrs may hold networks larger than a /8, such as 0.0.0.0/0."
  type        = bool
  default     = false
  nullable    = false
}

variable "vpc_cidr" {
  description = "IPv4 network of the VPC that is made, a /16 to /20; its second /24 is the hosts' subnet. Not used with existing_subnet_id."
  type        = string
  default     = "10.73.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 20, false)
    error_message = "vpc_cidr is \"${var.vpc_cidr}\": use an IPv4 network from /16 to /20, such as 10.73.0.0/16."
  }
}

variable "existing_subnet_id" {
  description = "Id of a public subnet to use in place of a VPC of its own."
  type        = string
  default     = null

  validation {
    condition     = var.existing_subnet_id == null || can(regex("^subnet-[0-9a-f]+$", var.existing_subnet_id))
    error_message = "existing_subnet_id is \"${coalesce(var.existing_subnet_id, "null")}\": use the id of a subnet, such as subnet-0123456789abcdef0."
  }
}

# --- images ------------------------------------------------------------------

variable "images_dir" {
  description = "Folder whose JPEG (.jpg, .jpeg, .jpe, .jfif) and PNG files are uploaded to the bucket. Not used with existing_bucket."
  type        = string
  default     = "../images"
  nullable    = false
}

variable "existing_bucket" {
  description = "Name of a bucket that holds the images already, in place of one of its own; no image in it is ever changed or destroyed."
  type        = string
  default     = null

  validation {
    condition     = var.existing_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.existing_bucket))
    error_message = "existing_bucket is \"${coalesce(var.existing_bucket, "null")}\": use a bucket's name alone, 3 to 63 lower-case letters, digits, hyphens and dots, without s3://."
  }
}

variable "lab_bucket" {
  description = "Name of the bucket for the images that carscribe has made itself, NAME-images- and 26 digits; `make up` gives it in a Learner Lab. There, by reports of its users, a policy denies what the provider asks of each bucket that it makes (s3:GetBucketObjectLockConfiguration), and nothing that it asks of a bucket's settings and objects. Not used with existing_bucket."
  type        = string
  default     = null

  validation {
    condition     = var.lab_bucket == null || can(regex("^[a-z][a-z0-9-]{0,19}-images-[0-9]{26}$", var.lab_bucket))
    error_message = "lab_bucket is \"${coalesce(var.lab_bucket, "null")}\": leave it out, `make up` gives it; a bucket of yours is existing_bucket."
  }
}

variable "image_prefix" {
  description = "What the keys of the images begin with, such as \"photos/2024/\"; empty for the whole bucket. No leading slash, and none of * ? $, which mean something else in a policy."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.image_prefix) <= 512 && !startswith(var.image_prefix, "/") && !can(regex("[*?$]", var.image_prefix))
    error_message = "image_prefix is \"${var.image_prefix}\": use at most 512 characters, no leading slash, and none of * ? $."
  }
}

variable "results_prefix" {
  description = "Folders in the images' bucket into which each worker puts a run's results for other programs, such as \"carscribe-results/\"; null for none. At most 512 letters, digits and any of . _ = -, a slash behind each folder. A run whose image_prefix covers them passes them over, as it does all that is no picture."
  type        = string
  default     = null

  validation {
    condition     = var.results_prefix == null || try(length(var.results_prefix) <= 512 && can(regex("^([A-Za-z0-9_][A-Za-z0-9._=-]*/)+$", var.results_prefix)), false)
    error_message = "results_prefix is \"${coalesce(var.results_prefix, " ")}\": use folders, such as carscribe-results/, of at most 512 letters, digits and any of . _ = -, with a slash behind each; or null for none."
  }
}

variable "kms_key_arns" {
  description = "ARNs of the KMS keys under which images of an existing bucket are encrypted; each worker may then use them through S3. None for S3's own encryption."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])
    error_message = "kms_key_arns holds ${join(", ", var.kms_key_arns)}: use the ARNs of keys, such as arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab, and no aliases."
  }
}

variable "bucket_force_destroy" {
  description = "Whether destroying the bucket also destroys objects in it that Terraform did not upload. Acts from the state: apply it before destroying."
  type        = bool
  default     = false
  nullable    = false
}

# --- hosts -------------------------------------------------------------------

variable "pairs" {
  description = "Number of pairs of hosts, each with its own queue and its share of the images: a whole number from 1 to 16."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.pairs >= 1 && var.pairs <= 16 && floor(var.pairs) == var.pairs
    error_message = "pairs is ${var.pairs}: use a whole number from 1 to 16."
  }
}

variable "instance_type" {
  description = "EC2 instance type of all hosts, such as t3.micro."
  type        = string
  default     = "t3.micro"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type is \"${var.instance_type}\": use a family and a size, such as t3.micro."
  }
}

variable "operating_system" {
  description = "Operating system of all hosts: \"al2023\" (Amazon Linux 2023) or \"debian12\"."
  type        = string
  default     = "al2023"
  nullable    = false

  validation {
    condition     = contains(keys(local.operating_systems), var.operating_system)
    error_message = "operating_system is \"${var.operating_system}\": use one of ${join(", ", keys(local.operating_systems))}."
  }
}

variable "ami_id" {
  description = "AMI to use in place of the newest public one of the operating system: one of your account, of Amazon or of Debian."
  type        = string
  default     = null

  validation {
    condition     = var.ami_id == null || can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "ami_id is \"${coalesce(var.ami_id, "null")}\": use the id of an AMI, such as ami-0123456789abcdef0."
  }
}

variable "existing_instance_profile" {
  description = "Name of an instance profile for all hosts in place of one for each, such as LabInstanceProfile; no IAM resource is made then."
  type        = string
  default     = null

  validation {
    condition     = var.existing_instance_profile == null || can(regex("^[A-Za-z0-9+=,.@_-]{1,128}$", var.existing_instance_profile))
    error_message = "existing_instance_profile is \"${coalesce(var.existing_instance_profile, "null")}\": use the profile's name, not its ARN."
  }
}

variable "permissions_boundary" {
  description = "ARN of a managed policy that bounds the roles, where an account demands one. Not used with existing_instance_profile."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary))
    error_message = "permissions_boundary is \"${coalesce(var.permissions_boundary, "null")}\": use the ARN of a policy, such as arn:aws:iam::123456789012:policy/boundary."
  }
}

variable "existing_key_pair" {
  description = "Name of a key pair in the region in place of one of its own, such as vockey; ssh_private_key_file is its private key."
  type        = string
  default     = null
}

variable "ssh_public_key_file" {
  description = "Public key, ED25519 or RSA, for a key pair of its own. Not used with existing_key_pair."
  type        = string
  default     = "../build/ssh/id_ed25519.pub"
  nullable    = false

  validation {
    condition     = var.existing_key_pair != null || fileexists(pathexpand(var.ssh_public_key_file))
    error_message = "ssh_public_key_file is \"${var.ssh_public_key_file}\", and there is no such file: make a key with 'ssh-keygen -t ed25519 -f FILE', or name yours."
  }

  validation {
    condition     = var.existing_key_pair != null || can(regex("^ssh-(ed25519|rsa) ", file(pathexpand(var.ssh_public_key_file)))) || !fileexists(pathexpand(var.ssh_public_key_file))
    error_message = "ssh_public_key_file is \"${var.ssh_public_key_file}\", which holds no public key of type ssh-ed25519 or ssh-rsa, the two that EC2 takes."
  }
}

variable "ssh_private_key_file" {
  description = "Private key that Ansible uses; it stays where it is."
  type        = string
  default     = "../build/ssh/id_ed25519"
  nullable    = false

  validation {
    condition     = fileexists(pathexpand(var.ssh_private_key_file))
    error_message = "ssh_private_key_file is \"${var.ssh_private_key_file}\", and there is no such file: name the private key of the hosts' key pair."
  }
}

variable "result_volume_size_gib" {
  description = "Size of each worker's volume, which holds its state and results, in GiB: a whole number from 1 to 16384."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.result_volume_size_gib >= 1 && var.result_volume_size_gib <= 16384 && floor(var.result_volume_size_gib) == var.result_volume_size_gib
    error_message = "result_volume_size_gib is ${var.result_volume_size_gib}: use a whole number from 1 to 16384."
  }
}

# --- Ansible -----------------------------------------------------------------

variable "rekognition_rate_per_second" {
  description = "Your account's Rekognition quota, in calls a second of each operation, from 0.1 to 1000; null for the documented quota of the region."
  type        = number
  default     = null

  validation {
    condition     = var.rekognition_rate_per_second == null || try(var.rekognition_rate_per_second >= 0.1 && var.rekognition_rate_per_second <= 1000, false)
    error_message = "rekognition_rate_per_second is ${coalesce(var.rekognition_rate_per_second, 0)}: use a number from 0.1 to 1000, or null for the documented quota of the region."
  }
}

variable "rekognition_regions" {
  description = "Other regions whose Rekognition quota is used too, each with your account's quota there in calls a second of each operation, from 0.1 to 1000, or null for the documented one, such as { us-west-2 = null, eu-west-1 = 100 }. Images go there as bytes: they leave the bucket's region."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for region in keys(var.rekognition_regions) : contains(local.rekognition_regions, region)])
    error_message = "rekognition_regions holds ${join(", ", setsubtract(keys(var.rekognition_regions), local.rekognition_regions))}, which has no Rekognition: use some of ${join(", ", local.rekognition_regions)}."
  }

  validation {
    condition     = !contains(keys(var.rekognition_regions), var.region)
    error_message = "rekognition_regions holds ${var.region}, the region of everything, which is always asked: leave it out, and give its quota as rekognition_rate_per_second."
  }

  validation {
    condition     = alltrue([for rate in values(var.rekognition_regions) : rate == null || try(rate >= 0.1 && rate <= 1000, false)])
    error_message = "rekognition_regions is ${jsonencode(var.rekognition_regions)}: give each region a number from 0.1 to 1000, or null for its documented quota."
  }
}

variable "text_download_max_bytes" {
  description = "Up to this size worker B downloads an image to read its text; of a larger one it tells Rekognition where it lies in S3. A whole number from 0 to 5242880, above which Rekognition takes no bytes."
  type        = number
  default     = 524288
  nullable    = false

  validation {
    condition     = var.text_download_max_bytes >= 0 && var.text_download_max_bytes <= 5242880 && floor(var.text_download_max_bytes) == var.text_download_max_bytes
    error_message = "text_download_max_bytes is ${var.text_download_max_bytes}: use a whole number from 0 to 5242880."
  }
}

variable "idle_stop_minutes" {
  description = "After so many minutes without a run a host stops itself, and costs its address and its disks alone; 0 for never. A whole number from 0 to 10080, a week."
  type        = number
  default     = 120
  nullable    = false

  validation {
    condition     = var.idle_stop_minutes >= 0 && var.idle_stop_minutes <= 10080 && floor(var.idle_stop_minutes) == var.idle_stop_minutes
    error_message = "idle_stop_minutes is ${var.idle_stop_minutes}: use a whole number from 0 (never) to 10080 (a week)."
  }
}

variable "inventory_file" {
  description = "Where the Ansible inventory is written, a .yml file."
  type        = string
  default     = "../build/inventory.yml"
  nullable    = false

  validation {
    condition     = endswith(var.inventory_file, ".yml")
    error_message = "inventory_file is \"${var.inventory_file}\": its name must end in .yml."
  }
}

variable "known_hosts_file" {
  description = "Where SSH keeps the host keys of this deployment."
  type        = string
  default     = "../build/known_hosts"
  nullable    = false

  validation {
    condition     = !can(regex("[\"'\\\\]", var.known_hosts_file))
    error_message = "known_hosts_file is ${var.known_hosts_file}: SSH takes no quotes or backslashes in this name."
  }
}
