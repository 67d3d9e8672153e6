"""The same training step side by side: this project's engine, NumPy by hand, and the other libraries."""
