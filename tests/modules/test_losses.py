import autodiff as ad


def test_the_loss_module_is_the_function():
    logits = ad.Tensor([[1.0, 2.0], [3.0, 1.0]], requires_grad=True)
    loss = ad.CrossEntropyLoss()(logits, [0, 1])
    assert loss.item() == ad.functional.cross_entropy(logits, [0, 1]).item()
    loss.backward()
    assert logits.grad is not None
