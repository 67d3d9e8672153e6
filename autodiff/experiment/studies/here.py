"""The runs of a study, one after the other in this process."""

from collections.abc import Iterator, Sequence

from autodiff.experiment.config.load import Experiment
from autodiff.experiment.errors import InputError, RunError
from autodiff.experiment.interrupts import Interrupts
from autodiff.experiment.progress import Progress
from autodiff.experiment.runs.place import Place, claimed
from autodiff.experiment.runs.run import Options, Outcome, failed, run


class Here:
    """Trains one run after the other; see `Execution`."""

    def __init__(self, interrupts: Interrupts, visible: bool) -> None:
        """`visible` tells whether a line of progress may be shown."""
        self.interrupts = interrupts
        self.visible = visible

    def outcomes(self, experiments: Sequence[Experiment], options: Options) -> Iterator[Outcome]:
        """Yield what each run came to, up to the one that is interrupted."""
        for number, experiment in enumerate(experiments, 1):
            position = f"run {number} of {len(experiments)}" if len(experiments) > 1 else ""
            try:
                with claimed(options.results, experiment.name) as place:
                    yield run(experiment, options, Progress(self.visible, position), place, self.interrupts)
            except (InputError, RunError) as error:  # the place could not be claimed
                yield failed(experiment, Place(options.results, experiment.name), error)
            if self.interrupts.asked:
                return
