"""The local target: a stand-in for AWS on one machine."""
