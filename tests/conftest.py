"""The tests of tests/oracle/ compare with PyTorch and run when asked for: `python -m pytest tests/oracle`."""

collect_ignore = ["oracle"]
