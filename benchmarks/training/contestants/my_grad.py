"""MyGrad: tensors over NumPy, the optimizer by hand in NumPy."""

from importlib import import_module

from benchmarks.training.contestants.plain import adam, momentum
from benchmarks.training.work import Row, Training, make_problem, repeated


def make(row: Row) -> Training:
    """Return the training of a row."""
    mg = import_module("mygrad")
    activations = import_module("mygrad.nnet.activations")
    cross_entropy = import_module("mygrad.nnet.losses").softmax_crossentropy
    activate = activations.relu if row.activation == "ReLU" else activations.sigmoid
    problem = make_problem(row)
    tensors = [mg.tensor(values) for layer in problem.layers for values in layer]
    arrays = [tensor.data for tensor in tensors]
    update = (adam if row.optimizer == "Adam" else momentum)(arrays, row.learning_rate)

    def step() -> float:
        x = problem.points
        for i in range(0, len(tensors) - 2, 2):
            x = activate(mg.matmul(x, tensors[i].T) + tensors[i + 1])
        loss = cross_entropy(mg.matmul(x, tensors[-2].T) + tensors[-1], problem.labels)
        loss.backward()
        update([tensor.grad for tensor in tensors])
        return float(loss)

    return repeated(step)
