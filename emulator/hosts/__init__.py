"""Containers as EC2 instances: what Terraform made in the emulator, as hosts one can SSH to.

Each instance becomes a container that boots systemd and sshd at the private
address that the API reports; its Elastic IP is NAT on this machine, as it is
on AWS; an attached volume is a loop device on a sparse file.
"""
