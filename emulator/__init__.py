"""The local target: an emulator of AWS on one machine."""
