"""A config as YAML."""

import yaml

from autodiff.experiment.config.config import Config


def as_yaml(config: Config) -> str:
    """Return every field that applies, defaults filled in, as YAML that reads back as this config."""
    return str(yaml.safe_dump(config.resolved(), sort_keys=False, default_flow_style=None))
