"""Pictures of computations: what was computed from what, its values and gradients."""
