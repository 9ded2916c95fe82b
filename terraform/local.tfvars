# TARGET=local: the emulator and containers on this machine.
operating_system     = "debian12"
ssh_ingress_cidrs    = ["127.0.0.0/8"]
bucket_force_destroy = true
