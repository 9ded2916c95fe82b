output "region" {
  description = "Region of everything."
  value       = var.region
}

output "bucket" {
  description = "Name of the bucket that holds the images."
  value       = local.bucket_name
}

output "image_prefix" {
  description = "What the keys of the images begin with."
  value       = var.image_prefix
}

output "results_prefix" {
  description = "What the keys of the results in the bucket begin with; empty if none are put there."
  value       = local.results_prefix
}

output "image_count" {
  description = "Number of images that Terraform uploads; null with an existing bucket."
  value       = var.existing_bucket == null ? length(local.image_files) : null
}

output "queue_url" {
  description = "URL of the queue between the workers of the first pair."
  value       = aws_sqs_queue.indexes["1"].url
}

output "dead_letter_queue_url" {
  description = "URL of the first pair's queue for messages that nobody understands."
  value       = aws_sqs_queue.dead_letter["1"].url
}

output "queue_urls" {
  description = "URL of the queue between the workers of each pair, by its number."
  value       = { for pair, queue in aws_sqs_queue.indexes : pair => queue.url }
}

output "dead_letter_queue_urls" {
  description = "URL of each pair's queue for messages that nobody understands, by its number."
  value       = { for pair, queue in aws_sqs_queue.dead_letter : pair => queue.url }
}

output "hosts" {
  description = "Instance id, Elastic IP and private address of each host, by its name."
  value = {
    for key, worker in local.workers : worker.host => {
      instance_id     = aws_instance.worker[key].id
      address         = aws_eip.worker[key].public_ip
      private_address = aws_instance.worker[key].private_ip
    }
  }
}

output "ssh_user" {
  description = "User to log in as on all hosts."
  value       = local.operating_systems[var.operating_system].user
}

output "volume_ids" {
  description = "Id of the volume that holds each worker's state, by its host's name."
  value       = { for key, worker in local.workers : worker.host => aws_ebs_volume.state[key].id }
}

output "rekognition_rate_per_second" {
  description = "Rekognition quota that the workers stay under, in calls a second of each operation."
  value       = local.rekognition_rate_per_second
}

output "rekognition_rates_elsewhere" {
  description = "The same quota in each other region that is asked, by its name."
  value       = local.rekognition_rates_elsewhere
}

output "inventory_file" {
  description = "Ansible inventory of this deployment."
  value       = local.inventory_file
}
