"""DDColor and DeOldify through the colorizer contract, with stubs of their shapes."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from course_utils import color
from course_utils.colorizer import Colorizer
from deploy import adapt

RNG = np.random.default_rng(0)


class Ab(nn.Module):
    """A stub of DDColor: ab from gray RGB in 0..1, a known function of it."""

    def forward(self, rgb):
        return torch.cat([40 * rgb[:, :1], -30 * rgb[:, 2:]], 1)


class Tint(nn.Module):
    """A stub of DeOldify: RGB in 0..255 from gray RGB in 0..255."""

    def forward(self, rgb):
        return rgb * torch.tensor([1.0, 0.8, 0.6]).view(1, 3, 1, 1)


def exported(module, path, size, batch=1, opset=17, half=False):
    x = torch.rand(batch, 3, size, size)
    if half:
        module, x = module.half(), x.half()
    options = {"opset_version": opset, "dynamo": False, "input_names": ["in"]}
    torch.onnx.export(module, (x,), str(path), output_names=["out"], **options)
    return path


def L_of(height, width):
    return RNG.uniform(0, 100, (height, width, 1)).astype(np.float32)


@pytest.mark.parametrize("opset", [11, 13, 17])
def test_ddcolor_gives_the_ab_of_its_network(tmp_path, opset):
    source = exported(Ab(), tmp_path / "dd.onnx", 64, opset=opset)
    model = Colorizer.load(adapt.adapt(source, tmp_path / "out.onnx", "ddcolor"))
    L = L_of(64, 64)
    gray = color.lab_to_rgb(np.concatenate([L, 0 * L, 0 * L], -1))
    wanted = np.concatenate([40 * gray[..., :1], -30 * gray[..., 2:]], -1)
    assert model.size == 64
    np.testing.assert_allclose(model.ab(L), wanted, atol=0.01)
    both = model.ab(np.stack([L, L[::-1]]))  # a network of one picture takes two
    np.testing.assert_allclose(both[1], wanted[::-1], atol=0.01)


def test_deoldify_gives_the_ab_of_its_rgb(tmp_path):
    source = exported(Tint(), tmp_path / "deoldify.onnx", 64)
    model = Colorizer.load(adapt.adapt(source, tmp_path / "out.onnx", "deoldify"))
    L = L_of(64, 64)
    gray = color.lab_to_rgb(np.concatenate([L, 0 * L, 0 * L], -1))
    wanted = color.ab(gray * np.array([1, 0.8, 0.6], np.float32))
    np.testing.assert_allclose(model.ab(L), wanted, atol=0.02)
    rgb = RNG.integers(0, 256, (40, 70, 3), dtype=np.uint8)
    painted = model.colorize(rgb)
    assert painted.shape == rgb.shape
    assert np.abs(color.L(painted) - color.L(rgb)).max() < 1  # L stays the photograph's


def test_float16_files_are_taken(tmp_path):
    source = exported(Tint(), tmp_path / "half.onnx", 32, half=True)
    model = Colorizer.load(adapt.adapt(source, tmp_path / "out.onnx", "deoldify"))
    assert np.isfinite(model.ab(L_of(20, 30))).all()


def test_it_says_where_it_comes_from(tmp_path):
    source = exported(nn.Conv2d(3, 2, 3, padding=1), tmp_path / "dd.onnx", 32)
    model = Colorizer.load(adapt.adapt(source, tmp_path / "out.onnx", "ddcolor"))
    assert model.metadata["parameters"] == 3 * 2 * 9 + 2
    assert "dd.onnx" in model.metadata["architecture"] and model.metadata["seed"] is None
    assert model.metadata["licence"] == "Apache-2.0"


@pytest.mark.parametrize(
    "make, kind, size, said",
    [
        (lambda p: p, "ddcolor", None, "There is no file"),
        (lambda p: p.write_bytes(b"no graph"), "ddcolor", None, "cannot be read as ONNX"),
        (lambda p: exported(Ab(), p, 32), "ddcolour", None, "kind is 'ddcolour'"),
        (lambda p: exported(Ab(), p, 32), "ddcolor", 64, "takes 32 x 32 pixels, not 64"),
        (lambda p: exported(nn.Flatten(), p, 32), "ddcolor", None, "is no ddcolor"),
        (lambda p: exported(Ab(), p, 32), "deoldify", None, "output of 3 channels"),
    ],
)
def test_what_is_no_such_network_gets_a_sentence(tmp_path, make, kind, size, said):
    source = tmp_path / "in.onnx"
    make(source)
    with pytest.raises((ValueError, FileNotFoundError), match=said) as error:
        adapt.adapt(source, tmp_path / "out.onnx", kind, size)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.onnx").exists()


def test_the_command(tmp_path):
    source, result = exported(Ab(), tmp_path / "dd.onnx", 32), tmp_path / "out.onnx"
    words = [sys.executable, "-m", "deploy.adapt", str(source), "--kind", "ddcolor", "-o"]
    done = subprocess.run([*words, str(result)], capture_output=True, text=True)
    assert done.returncode == 0 and "--model" in done.stdout, done.stderr
    assert Colorizer.load(result).size == 32
