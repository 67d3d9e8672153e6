import pytest

import autodiff as ad

SCHEDULES = {
    "cosine": lambda optimizer: ad.CosineAnnealingLR(optimizer, 20, warmup=5),
    "step": lambda optimizer: ad.StepLR(optimizer, 3, 0.5),
    "exponential": lambda optimizer: ad.ExponentialLR(optimizer, 0.9, warmup=3),
    "linear": lambda optimizer: ad.LinearLR(optimizer, 1.0, 0.0, 10),
}
each_schedule = pytest.mark.parametrize("make", SCHEDULES.values(), ids=SCHEDULES)


def sgd(rate=0.5):
    return ad.SGD([ad.Parameter(1.0)], rate)


def rates(schedule, count):
    found = []
    for _ in range(count):
        schedule.step()
        found.append(schedule.optimizer.learning_rate)
    return found


def test_a_warm_up_rises_in_a_straight_line_and_moves_the_rest_along():
    optimizer = sgd(1.0)
    schedule = ad.StepLR(optimizer, 2, 0.5, warmup=4)
    assert [optimizer.learning_rate, *rates(schedule, 7)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.5, 0.5]


def test_cosine_and_line_stay_at_their_ends():
    assert rates(ad.CosineAnnealingLR(sgd(), 2, minimum=0.125), 4)[1:] == [0.125, 0.125, 0.125]
    assert rates(ad.LinearLR(sgd(), 1.0, 0.5, 2), 4) == [0.375, 0.25, 0.25, 0.25]


@each_schedule
def test_a_schedule_is_resumed(make):
    whole, half, resumed = make(sgd()), make(sgd()), make(sgd(0.1))
    expected = rates(whole, 12)
    assert rates(half, 6) == expected[:6]
    resumed.load_state_dict(half.state_dict())
    assert resumed.optimizer.learning_rate == expected[5]
    assert rates(resumed, 6) == expected[6:]


def test_groups_keep_their_own_learning_rates():
    optimizer = ad.ParameterGroups(sgd(0.5), sgd(0.25))
    schedule = ad.ExponentialLR(optimizer, 0.5)
    schedule.step()
    assert [member.learning_rate for member in optimizer.members] == [0.25, 0.125]
    with pytest.raises(ValueError, match="2 learning rates for 1 groups"):
        ad.ExponentialLR(sgd(), 0.5).load_state_dict(schedule.state_dict())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: ad.CosineAnnealingLR(o, 0), ValueError, "steps must be 1 or more, found 0"),
        (lambda o: ad.CosineAnnealingLR(o, 2.5), TypeError, "steps must be a whole number, found 2.5"),
        (lambda o: ad.StepLR(o, 2, 0.0), ValueError, "gamma must be a finite number above 0"),
        (lambda o: ad.ExponentialLR(o, 0.9, warmup=-1), ValueError, "warmup must be 0 or more"),
        (lambda o: ad.LinearLR(o, -1.0), ValueError, "start_factor must be a finite number, 0 or more"),
        (lambda o: ad.StepLR(o.parameters, 2), TypeError, "a schedule takes an optimizer, found a list"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make(sgd())


def test_a_captured_step_follows_a_schedule():
    def train(way):
        p = ad.Parameter([1.0, 2.0])
        optimizer = ad.Adam([p], 0.1)
        schedule = ad.CosineAnnealingLR(optimizer, 20, warmup=4)

        @way
        def step():
            loss = (p * p).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        for _ in range(20):
            step()
            schedule.step()
        return p.data.tolist()

    assert train(ad.capture) == pytest.approx(train(lambda step: step), rel=1e-5)
