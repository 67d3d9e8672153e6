"""PyTorch as it is by default, with its fused optimizers."""

from importlib import import_module

from benchmarks.training.work import BETAS, EPSILON, MOMENTUM, Row, Training, make_problem, repeated


def make(row: Row) -> Training:
    """Return the training of a row."""
    torch = import_module("torch")
    torch.set_num_threads(1)
    problem = make_problem(row)
    layers = []
    for weight, bias in problem.layers:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
        layers += [linear, torch.nn.ReLU() if row.activation == "ReLU" else torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*layers[:-1])
    if row.optimizer == "Adam":
        optimizer = torch.optim.Adam(model.parameters(), row.learning_rate, BETAS, EPSILON, fused=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), row.learning_rate, MOMENTUM, fused=True)
    points, labels = torch.from_numpy(problem.points), torch.from_numpy(problem.labels)

    def step() -> float:
        loss = torch.nn.functional.cross_entropy(model(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return repeated(step)
