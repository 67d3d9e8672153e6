"""A run on disk: its folder, its log and its summary."""
