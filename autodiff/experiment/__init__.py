"""What adrun does: configs, data, training runs, logs, pictures, comparisons."""
