"""What a config says, and how its mistakes are told."""
