# What Ansible gets to know.

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

run "both_hosts_are_listed_by_role_with_address_and_arguments" {
  command = plan

  assert {
    condition = yamldecode(local.inventory_text).all.children.worker_a == {
      hosts = {
        worker-a = {
          ansible_host                    = "198.51.100.4"
          ansible_ssh_common_args         = "-F none -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new -o 'UserKnownHostsFile=\"${abspath("tests/files/known hosts")}\"' -o HostKeyAlias=i-0123456789abcdef0"
          private_address                 = "10.73.1.4"
          carscribe_pair                  = 1
          carscribe_partner               = "worker-b"
          carscribe_queue_url             = "https://sqs.us-east-1.amazonaws.com/123456789012/the-indexes"
          carscribe_dead_letter_queue_url = "https://sqs.us-east-1.amazonaws.com/123456789012/the-dead-letters"
          carscribe_volume_id             = "vol-0123456789abcdef0"
          carscribe_volume_device         = "/dev/sdf"
        }
      }
    }
    error_message = "worker-a is listed otherwise: ${local.inventory_text}"
  }

  assert {
    condition     = yamldecode(local.inventory_text).all.children.worker_b.hosts.worker-b == merge(yamldecode(local.inventory_text).all.children.worker_a.hosts.worker-a, { carscribe_partner = "worker-a" })
    error_message = "worker-b is listed otherwise: ${local.inventory_text}"
  }
}

run "each_pair_has_its_hosts_its_number_and_its_queue" {
  command = plan

  variables {
    pairs = 2
  }

  override_resource {
    target          = aws_sqs_queue.indexes["2"]
    override_during = plan
    values          = { url = "https://sqs.us-east-1.amazonaws.com/123456789012/the-second-indexes" }
  }

  override_resource {
    target          = aws_sqs_queue.dead_letter["2"]
    override_during = plan
    values          = { url = "https://sqs.us-east-1.amazonaws.com/123456789012/the-second-dead-letters" }
  }

  assert {
    condition = {
      for group, listed in yamldecode(local.inventory_text).all.children : group => {
        for host, variables in listed.hosts : host => [variables.carscribe_pair, variables.carscribe_partner]
      }
      } == {
      worker_a = { worker-a = [1, "worker-b"], worker-a-2 = [2, "worker-b-2"] }
      worker_b = { worker-b = [1, "worker-a"], worker-b-2 = [2, "worker-a-2"] }
    }
    error_message = "The pairs are listed otherwise: ${local.inventory_text}"
  }

  assert {
    condition = alltrue([
      for listed in yamldecode(local.inventory_text).all.children : alltrue([
        for variables in listed.hosts : (
          [variables.carscribe_queue_url, variables.carscribe_dead_letter_queue_url]
          == [output.queue_urls[variables.carscribe_pair], output.dead_letter_queue_urls[variables.carscribe_pair]]
        )
      ])
      ]) && output.queue_urls == {
      1 = "https://sqs.us-east-1.amazonaws.com/123456789012/the-indexes"
      2 = "https://sqs.us-east-1.amazonaws.com/123456789012/the-second-indexes"
    }
    error_message = "A host has another pair's queue: ${local.inventory_text}"
  }

  assert {
    condition     = yamldecode(local.inventory_text).all.vars.carscribe_pairs == 2
    error_message = "The number of pairs is another: ${local.inventory_text}"
  }
}

run "what_all_hosts_share_is_listed_once" {
  command = plan

  variables {
    image_prefix   = "photos/"
    results_prefix = "results/a=1/"
  }

  assert {
    condition = yamldecode(local.inventory_text).all.vars == {
      ansible_user                          = "ec2-user"
      ansible_ssh_private_key_file          = abspath("tests/files/key")
      carscribe_region                      = "us-east-1"
      carscribe_bucket                      = "the-images"
      carscribe_prefix                      = "photos/"
      carscribe_results_prefix              = "results/a=1/"
      carscribe_pairs                       = 1
      carscribe_rekognition_rate_per_second = 50
      carscribe_rekognition_regions         = ""
      carscribe_text_download_max_bytes     = 524288
      carscribe_idle_stop_minutes           = 120
    }
    error_message = "The variables are others: ${local.inventory_text}"
  }
}

run "the_rate_in_ireland_is_the_documented_quota" {
  command = plan

  variables {
    region = "eu-west-1"
  }

  assert {
    condition     = output.rekognition_rate_per_second == 50
    error_message = "The rate is ${output.rekognition_rate_per_second}."
  }
}

run "the_rate_in_oregon_is_the_documented_quota" {
  command = plan

  variables {
    region = "us-west-2"
  }

  assert {
    condition     = output.rekognition_rate_per_second == 50
    error_message = "The rate is ${output.rekognition_rate_per_second}."
  }
}

run "the_rate_in_frankfurt_is_the_documented_quota" {
  command = plan

  variables {
    region = "eu-central-1"
  }

  assert {
    condition     = output.rekognition_rate_per_second == 5
    error_message = "The rate is ${output.rekognition_rate_per_second}."
  }
}

run "a_raised_quota_is_used" {
  command = plan

  variables {
    rekognition_rate_per_second = 200
  }

  assert {
    condition     = yamldecode(local.inventory_text).all.vars.carscribe_rekognition_rate_per_second == 200
    error_message = "The rate is another than the given one."
  }
}

run "other_regions_are_listed_with_their_quota" {
  command = plan

  variables {
    rekognition_regions = { us-west-2 = null, us-east-2 = null, eu-west-1 = 100 }
  }

  assert {
    condition     = yamldecode(local.inventory_text).all.vars.carscribe_rekognition_regions == "eu-west-1=100,us-east-2=5,us-west-2=50"
    error_message = "The regions are ${yamldecode(local.inventory_text).all.vars.carscribe_rekognition_regions}."
  }
}
