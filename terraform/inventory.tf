# The Ansible inventory, written with built-ins alone: again when it is
# missing or edited, and removed on destroy.

locals {
  inventory_file   = abspath(pathexpand(var.inventory_file))
  known_hosts_file = abspath(pathexpand(var.known_hosts_file))

  ssh_arguments = {
    for key in keys(local.workers) : key => join(" ", [
      # The user's own configuration knows other hosts, and would lead elsewhere.
      "-F none",
      "-o IdentitiesOnly=yes",
      "-o StrictHostKeyChecking=accept-new",
      "-o 'UserKnownHostsFile=\"${replace(local.known_hosts_file, "'", "'\\''")}\"'",
      # A host that is made anew has a new key at its old address.
      "-o HostKeyAlias=${aws_instance.worker[key].id}",
    ])
  }

  inventory_hosts = {
    for key, worker in local.workers : key => {
      ansible_host                    = aws_eip.worker[key].public_ip
      ansible_ssh_common_args         = local.ssh_arguments[key]
      private_address                 = aws_instance.worker[key].private_ip
      carscribe_pair                  = tonumber(worker.pair)
      carscribe_partner               = worker.partner
      carscribe_queue_url             = aws_sqs_queue.indexes[worker.pair].url
      carscribe_dead_letter_queue_url = aws_sqs_queue.dead_letter[worker.pair].url
      carscribe_volume_id             = aws_ebs_volume.state[key].id
      carscribe_volume_device         = aws_volume_attachment.state[key].device_name
    }
  }

  inventory = {
    all = {
      vars = {
        ansible_user                          = local.operating_systems[var.operating_system].user
        ansible_ssh_private_key_file          = abspath(pathexpand(var.ssh_private_key_file))
        carscribe_region                      = var.region
        carscribe_bucket                      = local.bucket_name
        carscribe_prefix                      = var.image_prefix
        carscribe_results_prefix              = local.results_prefix
        carscribe_pairs                       = var.pairs
        carscribe_rekognition_rate_per_second = local.rekognition_rate_per_second
        carscribe_rekognition_regions         = join(",", [for region, rate in local.rekognition_rates_elsewhere : "${region}=${rate}"])
        carscribe_text_download_max_bytes     = var.text_download_max_bytes
        carscribe_idle_stop_minutes           = var.idle_stop_minutes
      }
      children = {
        for letter in ["a", "b"] : "worker_${letter}" => {
          hosts = { for key, worker in local.workers : worker.host => local.inventory_hosts[key] if worker.letter == letter }
        }
      }
    }
  }

  inventory_text       = "# Written by Terraform; an edit lasts until the next apply.\n${yamlencode(local.inventory)}"
  inventory_is_current = try(file(local.inventory_file), "") == local.inventory_text
}

resource "terraform_data" "inventory" {
  input = local.inventory_file

  triggers_replace = [
    local.inventory_file,
    local.inventory_text,
    # Always the same text, but not known beforehand, which is what makes
    # the plan write the file again.
    local.inventory_is_current ? "" : substr(timestamp(), 0, 0),
  ]

  provisioner "local-exec" {
    command = "mkdir -p \"$(dirname \"$INVENTORY_FILE\")\" && printf '%s' \"$INVENTORY_TEXT\" >\"$INVENTORY_FILE.new\" && mv \"$INVENTORY_FILE.new\" \"$INVENTORY_FILE\""
    quiet   = true

    environment = {
      INVENTORY_FILE = local.inventory_file
      INVENTORY_TEXT = local.inventory_text
    }
  }

  provisioner "local-exec" {
    when    = destroy
    command = "rm -f \"$INVENTORY_FILE\""
    quiet   = true

    environment = {
      INVENTORY_FILE = self.output
    }
  }
}
