from dataclasses import replace

import numpy as np

from autodiff.experiment.config.config import Config
from autodiff.experiment.data.about import About
from autodiff.experiment.pictures.of_training import confusion_of, film_of, votes_of
from autodiff.experiment.training.training import Training, train


def trained(**changed: object) -> Training:
    small = {"activation": "tanh", "optimizer": "sgd", "learning_rate": 0.5, "epochs": 6, "hidden": [8]}
    return train(Config.model_validate(small | changed), lambda epoch, measured: None)


def test_a_film_shows_the_points_and_networks_of_a_run() -> None:
    training = trained()
    film = film_of("one", Config(activation="tanh", optimizer="sgd", learning_rate=0.5, epochs=6), training)
    assert film.features is training.points.features
    assert film.held_out is not None
    assert film.held_out.features is training.held_out.features
    assert [frame.epoch for frame in film.frames] == list(training.snapshots)
    assert all(frame.logits is training.snapshots[frame.epoch] for frame in film.frames)


def test_the_confusion_is_counted_on_held_out_points_where_there_are_some() -> None:
    training = trained()
    for some, of in ((training, "held-out"), (replace(training, held_out=None), "training")):
        points = some.held_out or some.points
        chosen = training.snapshots[6](points.features).argmax(axis=1)
        counts, names, named = confusion_of(some)
        for true in range(3):
            for predicted in range(3):
                assert counts[true, predicted] == sum((points.labels == true) & (chosen == predicted))
        assert (names, named) == (["0", "1", "2"], of)
    assert confusion_of(replace(training, about=About((), ("a", "b", "c"))))[1] == ["a", "b", "c"]


def test_the_votes_are_those_of_the_last_networks() -> None:
    trainings = [trained(seed=seed) for seed in (3, 4)]
    votes = votes_of("one", trainings)
    assert votes.features is trainings[0].points.features
    some = np.random.default_rng(0).normal(size=(10, 2))
    for logits, training in zip(votes.logits, trainings, strict=True):
        assert np.array_equal(logits(some), training.snapshots[6](some))
