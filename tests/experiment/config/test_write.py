from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from autodiff.experiment.config import yaml_source
from autodiff.experiment.config.config import Config
from autodiff.experiment.config.write import as_yaml

ROOT = Path(__file__).parents[3]
GOOD = {"activation": "relu", "optimizer": "sgd", "learning_rate": 0.01, "epochs": 10}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "learning_rate": st.floats(1e-300, 1e300),
            "seed": st.integers(0, 2**64 - 1),
            "hidden": st.lists(st.integers(1, 99), max_size=32),
            "dataset": st.fixed_dictionaries({}, optional={"noise": st.floats(0, 10), "classes": st.integers(2, 7)}),
            "dtype": st.sampled_from(["float32", "float64"]),
            "batch_size": st.integers(1, 200),
        },
    )
)
def test_what_is_written_reads_back_as_the_same_config(fields: dict[str, object]) -> None:
    config = Config.model_validate(GOOD | fields)
    document = yaml_source.parse(as_yaml(config))
    assert Config.model_validate(document.value) == config
    assert not document.problems
