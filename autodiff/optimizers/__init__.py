"""Optimizers, what sets their learning rate, and what limits gradients, in PyTorch's definitions."""
