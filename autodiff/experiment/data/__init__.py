"""The points that are classified."""
