"""The U-Net on Lite0's maps: the same network in torch and, from lesson 04, in Keras."""

import re

import numpy as np
import pytest
import torch

from course_utils.networks import lite0
from course_utils.networks.unet import Unet, groups
from experiments import lesson

DECODER = ["mix", *(f"levels.{i}.{j}" for i in range(4) for j in range(2))]


def numbered(layer):
    """The order in which Keras made layers of one kind."""
    return int((re.findall(r"_(\d+)$", layer.name) or [0])[0])


def keras_twin(net):
    """Lesson 04's network with the weights of a torch U-Net."""
    import keras

    encoder = lite0.keras_encoder("random", 1)
    model = lesson("04").colorizer(encoder)
    state = {k: v.numpy() for k, v in net.state_dict().items()}
    inside = {layer.name for layer in encoder.layers}
    rest = [layer for layer in model.layers if layer.name not in inside]
    convs = sorted((x for x in rest if isinstance(x, keras.layers.Conv2D)), key=numbered)
    norms = [x for x in rest if isinstance(x, keras.layers.BatchNormalization)]
    parts = ("weight", "bias", "running_mean", "running_var")
    for place, conv, norm in zip(DECODER, convs, sorted(norms, key=numbered)):
        conv.set_weights([state[f"{place}.0.weight"].transpose(2, 3, 1, 0)])
        norm.set_weights([state[f"{place}.1.{part}"] for part in parts])
    head = state["head.weight"].transpose(2, 3, 1, 0), state["head.bias"]
    convs[-1].set_weights(head)
    for layer in encoder.layers:
        if not layer.weights:
            continue
        name = re.sub(r"^blocks_(\d)_(\d)_", r"blocks.\1.\2.", layer.name)
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([state[f"encoder.network.{name}.{part}"] for part in parts])
        else:
            turn = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0)
            layer.set_weights([state[f"encoder.network.{name}.weight"].transpose(turn)])
    return model


def test_lesson_04_teaches_the_network_that_is_shipped():
    net = Unet(2, weights="random", seed=3)
    for module in net.modules():  # norms that do something
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
    net.eval()
    model = keras_twin(net)
    trained = sum(p.numel() for p in net.parameters())
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == trained
    x = np.random.default_rng(0).uniform(0, 1, (2, 64, 96, 1)).astype(np.float32)
    with torch.no_grad():
        half = net(torch.from_numpy(x).movedim(-1, 1))
        whole = torch.nn.functional.interpolate(half, scale_factor=2, mode="bilinear")
    theirs = np.asarray(model(x, training=False))
    ours = whole.movedim(1, -1).numpy()
    assert theirs.shape == (2, 64, 96, 2)
    assert np.abs(ours - theirs).max() < 1e-3 * max(1, np.abs(ours).max())


@pytest.mark.parametrize("finest", [2, 4, 8, 16])
def test_it_ends_at_the_stride_that_was_asked_for(finest):
    net = Unet(7, finest, "random").eval()
    with torch.no_grad():
        assert net(torch.rand(1, 1, 64, 96)).shape == (1, 7, 64 // finest, 96 // finest)


def test_the_vector_is_about_the_whole_picture():
    net = Unet(2, weights="random").eval()
    x = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        maps = net.encoder(x)
        vector = maps[-1].mean((2, 3))
        assert torch.allclose(net.decode(maps, vector), net(x), atol=1e-6)
        other = net.decode(maps, vector + 1)
    heard = (other - net(x)).abs().amax(1) > 0
    assert heard.float().mean() > 0.99  # at every position, but where all ReLUs are shut


def test_the_encoder_learns_at_its_own_rate():
    net = Unet(2, weights="random")
    slow, fast = groups(net, 1e-3, 1e-4)
    assert (slow["lr"], fast["lr"]) == (1e-4, 1e-3)
    found = [*slow["params"], *fast["params"]]
    assert len(found) == len({id(p) for p in found}) == len(list(net.parameters()))
    assert {id(p) for p in slow["params"]} == {id(p) for p in net.encoder.parameters()}
