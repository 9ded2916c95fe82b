# AWS Academy Learner Lab: no IAM resource can be made, the key pair exists,
# and its private key is the downloaded labsuser.pem. What aws.tfvars sets wins.
region                    = "us-east-1"
existing_instance_profile = "LabInstanceProfile"
existing_key_pair         = "vockey"
ssh_private_key_file      = "~/.ssh/labsuser.pem"
bucket_force_destroy      = true
