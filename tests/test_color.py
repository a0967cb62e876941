"""color: against scikit-image in float64, in numpy, Keras and torch; gradients; refusals."""

import subprocess
import sys
import warnings

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as reference

from course_utils import color

AGREES = 1e-4  # the promise, in Lab units and in RGB units


class Numpy:
    """One backend's way in and out; every test below speaks channels-last numpy."""

    def tensor(self, x):
        return np.asarray(x)

    def array(self, y):
        return np.asarray(y)

    def plane(self, y):
        """A result without channel axis."""
        return np.asarray(y)


class Keras(Numpy):
    def tensor(self, x):
        return pytest.importorskip("tensorflow").constant(np.asarray(x))


class Torch(Numpy):
    def tensor(self, x):
        torch = pytest.importorskip("torch")
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, -3)))

    def array(self, y):
        return np.moveaxis(y.detach().numpy(), -3, -1)


@pytest.fixture(params=[Numpy, Keras, Torch], ids=lambda kind: kind.__name__.lower())
def backend(request):
    return request.param()


def cube(steps=17):
    """All colors of a regular grid over the sRGB cube, corners included: (n*n, n, 3) float64."""
    axis = np.linspace(0, 1, steps)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, steps, 3)


def edges():
    """The 12 edges of the sRGB cube, 256 8-bit colors each: (12, 256, 3)."""
    found = []
    for moving in range(3):
        for corner in np.ndindex(2, 2):
            edge = np.insert(255 * np.array(corner), moving, 0) * np.ones((256, 1))
            edge[:, moving] = np.arange(256)
            found.append(edge)
    return np.array(found, np.uint8)


def random_colors():
    """Uniform, near black, near white, and gray colors: (4, 4000, 3) float64."""
    rng = np.random.default_rng(7)
    uniform = rng.random((4000, 3))
    return np.stack([uniform, uniform**6, 1 - uniform**6, uniform[:, :1].repeat(3, 1)])


def difference(x, y):
    return np.abs(np.asarray(x, np.float64) - y).max()


# Values


@pytest.mark.parametrize("rgb", [cube(), edges(), random_colors()], ids=["cube", "edges", "random"])
def test_rgb_to_lab_is_scikit_image(backend, rgb):
    lab = backend.array(color.rgb_to_lab(backend.tensor(rgb)))
    assert lab.shape == rgb.shape and lab.dtype == np.float32
    assert difference(lab, reference.rgb2lab(rgb)) < AGREES


@pytest.mark.parametrize("rgb", [cube(), edges(), random_colors()], ids=["cube", "edges", "random"])
def test_lab_to_rgb_is_scikit_image(backend, rgb):
    lab = reference.rgb2lab(rgb)
    back = backend.array(color.lab_to_rgb(backend.tensor(lab)))
    assert back.shape == lab.shape and back.dtype == np.float32
    assert difference(back, reference.lab2rgb(lab)) < AGREES


def test_lab_to_rgb_is_scikit_image_outside_the_gamut(backend):
    rng = np.random.default_rng(3)
    lab = rng.uniform([0, -128, -128], [100, 128, 128], (100, 100, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of negative Z
        truth = reference.lab2rgb(lab)
    back = backend.array(color.lab_to_rgb(backend.tensor(lab)))
    assert difference(back, truth) < AGREES
    assert back.min() == 0 and back.max() == 1


def test_known_anchors():
    # Published CIELAB of the sRGB primaries; other tables round the matrix in the fifth digit.
    rgb = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]], np.uint8)
    lab = [[53.241, 80.092, 67.203], [87.735, -86.183, 83.179], [32.297, 79.188, -107.860]]
    lab += [[100, 0, 0], [0, 0, 0]]
    assert difference(color.rgb_to_lab(rgb), np.array(lab)) < 0.01


def test_mid_gray_by_hand():
    # sRGB 0.5 is linear light 0.214041; its cube root times 116, less 16, is 53.389.
    L, a, b = color.rgb_to_lab([0.5, 0.5, 0.5])
    assert L == pytest.approx(116 * 0.2140411 ** (1 / 3) - 16, abs=1e-3)
    assert abs(a) < 0.01 and abs(b) < 0.01


def test_gamut_of_srgb():
    steps = np.arange(0, 256, 5, dtype=np.uint8)
    lab = color.rgb_to_lab(np.stack(np.meshgrid(steps, steps, steps), -1))
    assert lab[..., 0].min() == 0 and lab[..., 0].max() == pytest.approx(100, abs=AGREES)
    ends = [lab[..., 1].min(), lab[..., 1].max(), lab[..., 2].min(), lab[..., 2].max()]
    assert ends == pytest.approx([-86.183, 98.233, -107.857, 94.478], abs=6e-4)
    assert np.abs(lab[..., 1:] / color.AB_SCALE).max() < 1  # what a tanh can reach
    assert np.abs(lab[..., 1:] / 100).max() > 1  # what a scale of 100 could not


def test_a_gray_value_is_not_lightness():
    gray = np.arange(256, dtype=np.uint8)
    L = color.rgb_to_lab(gray[:, None].repeat(3, axis=1))[:, 0]
    miss = np.abs(L - 100 * (gray / 255))
    assert miss.max() == pytest.approx(3.389, abs=1e-3) and miss.argmax() == 128


# Round trips


@settings(max_examples=200, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=0, max_dims=3, max_side=4).map(lambda shape: (*shape, 3)),
        elements=st.floats(0, 1, width=32),
    )
)
def test_floats_come_back(rgb):
    lab = color.rgb_to_lab(rgb)
    assert lab.shape == rgb.shape and lab.dtype == np.float32
    assert (np.abs(lab[..., 1:]) < color.AB_SCALE).all()
    assert color.in_gamut(lab).all() and color.in_gamut(lab).shape == rgb.shape[:-1]
    assert np.abs(color.lab_to_rgb(lab, clip=False) - rgb).max() < 2e-5
    assert difference(lab, reference.rgb2lab(rgb.astype(np.float64))) < AGREES


def test_bytes_come_back_exactly(backend):
    rng = np.random.default_rng(5)
    rgb = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    back = backend.array(color.lab_to_rgb(color.rgb_to_lab(backend.tensor(rgb))))
    assert (np.round(back * 255).astype(np.uint8) == rgb).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_float_type_gives_float32(backend, dtype):
    rgb = cube(5).astype(dtype)
    lab = color.rgb_to_lab(backend.tensor(rgb))
    assert difference(backend.array(lab), reference.rgb2lab(rgb.astype(np.float64))) < AGREES
    for result in (lab, color.lab_to_rgb(lab), *color.split(lab)):
        assert "float32" in str(result.dtype)


def test_a_picture_is_the_same_whole_or_in_parts(backend):
    # Larger than the blocks that a CPU converts at a time, and no multiple of them.
    rng = np.random.default_rng(9)
    rgb = rng.random((3, 211, 307, 3), dtype=np.float32)
    whole = backend.array(color.rgb_to_lab(backend.tensor(rgb)))
    parts = [backend.array(color.rgb_to_lab(backend.tensor(part))) for part in rgb]
    assert difference(whole, np.stack(parts)) < 5e-5
    assert difference(whole, reference.rgb2lab(rgb.astype(np.float64))) < AGREES
    back = backend.array(color.lab_to_rgb(backend.tensor(whole)))
    assert difference(back, rgb) < 2e-5


def test_views_are_read_right_and_left_alone():
    rgb = np.random.default_rng(2).random((3, 8, 10))
    before = rgb.copy()
    view = rgb.transpose(1, 2, 0)[::-1, ::2]
    lab = color.rgb_to_lab(view)
    assert difference(lab, reference.rgb2lab(view)) < AGREES
    color.lab_to_rgb(lab)
    assert (rgb == before).all()


# in_gamut, split, join


def test_in_gamut(backend):
    lab = np.array([[[50, 0, 0], [50, 100, 100], [0, 0, 0], [100, 0, 0], [20, 0, 90], [101, 0, 0]]])
    inside = backend.plane(color.in_gamut(backend.tensor(lab.astype(np.float32)), tol=1e-3))
    assert inside.tolist() == [[True, False, True, True, False, False]]


def test_in_gamut_is_what_the_tolerance_says(backend):
    rng = np.random.default_rng(4)
    lab = rng.uniform([0, -110, -110], [100, 110, 110], (50, 50, 3)).astype(np.float32)
    rgb = backend.array(color.lab_to_rgb(backend.tensor(lab), clip=False))
    assert difference(rgb, unclipped_reference(lab.astype(np.float64))) < AGREES
    for tol in (1e-4, 0.1):
        inside = backend.plane(color.in_gamut(backend.tensor(lab), tol))
        assert inside.shape == (50, 50) and 0 < inside.mean() < 1
        assert (inside == ((rgb >= -tol) & (rgb <= 1 + tol)).all(-1)).all()
    clipped = backend.array(color.lab_to_rgb(backend.tensor(lab)))
    assert (clipped == np.clip(rgb, 0, 1)).all() and (rgb < 0).any() and (rgb > 1).any()


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)], ids=["one", "batch", "video"])
def test_split_and_join_undo_each_other(backend, batch):
    lab = np.random.default_rng(1).normal(0, 50, (*batch, 5, 7, 3)).astype(np.float32)
    L, ab = color.split(backend.tensor(lab))
    assert (backend.array(L) == lab[..., :1]).all() and backend.array(L).shape[-1] == 1
    assert (backend.array(ab) == lab[..., 1:]).all() and backend.array(ab).shape[-1] == 2
    joined = color.join(L, ab)
    assert type(joined) is type(backend.tensor(lab)) and (backend.array(joined) == lab).all()
    batched = backend.array(color.rgb_to_lab(backend.tensor(np.abs(lab) / 500)))
    assert difference(batched, reference.rgb2lab(np.abs(lab) / 500)) < AGREES


# within_gamut

ANY_AB = arrays.arrays(np.float32, (6, 2), elements=st.floats(-400, 400, width=32))
ANY_L = arrays.arrays(np.float32, (6, 1), elements=st.floats(0, 100, width=32))


@given(ANY_L, ANY_AB)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_chroma_shrinks_where_it_must_and_L_and_hue_stay(L, ab):
    held = color.within_gamut(L, ab)
    rgb = np.round(255 * color.with_ab(L, held)).astype(np.uint8)
    assert difference(color.L(rgb), L) <= 0.5
    assert (held[(ab == 0).all(-1)] == 0).all()
    assert difference(held[:, 0] * ab[:, 1], held[:, 1] * ab[:, 0]) < 1e-2  # one direction
    assert (held * ab >= 0).all() and (np.abs(held) <= np.abs(ab)).all()
    unclipped = color.lab_to_rgb(color.join(L, held), clip=False)
    assert unclipped.min() > -2e-4 and unclipped.max() < 1 + 2e-4


@given(st.integers(0, 255), ANY_AB)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_black_white_and_what_has_no_color_stay_gray(value, ab):
    gray = np.full((6, 3), value, np.uint8)
    L = color.L(gray)
    ab = np.where(value in (0, 255), ab, 0 * ab)
    assert (np.round(255 * color.with_ab(L, color.within_gamut(L, ab))) == gray).all()


def test_what_sRGB_holds_is_left_alone_and_no_more_is_lost_than_must(backend):
    lab = color.rgb_to_lab(edges())
    L, ab = color.split(backend.tensor(lab))
    assert (backend.array(color.within_gamut(L, ab)) == lab[..., 1:]).all()
    chromatic = np.hypot(*np.moveaxis(lab[..., 1:], -1, 0)) > 10
    back = backend.array(color.within_gamut(L, 2 * ab))[chromatic]
    full = lab[chromatic][:, 1:]
    lost = 1 - np.hypot(*back.T) / np.hypot(*full.T)
    # Some rays leave sRGB and come back: twice as far out may also hold less than the edge.
    assert np.median(lost) < 0.01 and lost.max() < 0.3


# Gradients


def awkward_rgb():
    """Black, white, the primaries, both sides of the curve's joint, beyond [0, 1]: (1, 10, 3)."""
    rgb = [[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.2, 0.9]]
    rgb += [[0.04045] * 3, [0.0404] * 3, [-0.01, 0.5, 1.01], [-0.3, -1, 2]]
    return np.array([rgb], np.float32)


def awkward_lab():
    """Black, white, colors of negative linear light, of negative Z, of negative L: (1, 6, 3)."""
    lab = [[0, 0, 0], [100, 0, 0], [50, -120, 0], [20, 0, 110], [5, 110, 110], [-20, 0, 0]]
    return np.array([lab], np.float32)


def torch_gradient(function, x):
    """The function's values and d(sum of values)/dx, channels-last."""
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(np.moveaxis(x, -1, -3).copy()).requires_grad_()
    y = function(x)
    y.sum().backward()
    return Torch().array(y), Torch().array(x.grad)


def keras_gradient(function, x):
    tf = pytest.importorskip("tensorflow")
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return y.numpy(), tape.gradient(y, x).numpy()


def unclipped(lab):
    return color.lab_to_rgb(lab, clip=False)


def unclipped_reference(lab):
    """scikit-image to linear light in float64; its last step would clip."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of negative Z
        light = reference.lab2xyz(lab) @ np.linalg.inv(color.XYZ_FROM_RGB).T
    curve = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(light > 0.0031308, curve, 12.92 * light)


@pytest.mark.parametrize("gradient", [torch_gradient, keras_gradient], ids=["torch", "keras"])
def test_gradients_are_finite_everywhere(gradient):
    for function, x in [
        (color.rgb_to_lab, awkward_rgb()),
        (color.lab_to_rgb, awkward_lab()),
        (unclipped, awkward_lab()),
    ]:
        value, slope = gradient(function, x)
        assert np.isfinite(value).all() and np.isfinite(slope).all()


@pytest.mark.parametrize("gradient", [torch_gradient, keras_gradient], ids=["torch", "keras"])
def test_gradients_are_the_slopes_of_scikit_image(gradient):
    rgb = np.random.default_rng(6).uniform(0.1, 0.9, (1, 50, 3)).astype(np.float32)
    lab = reference.rgb2lab(rgb.astype(np.float64))
    step = 1e-5
    for function, truth, x in [
        (color.rgb_to_lab, reference.rgb2lab, rgb),
        (color.lab_to_rgb, reference.lab2rgb, lab.astype(np.float32)),
        (unclipped, unclipped_reference, awkward_lab()),
    ]:
        _, slope = gradient(function, x)
        x = x.astype(np.float64)
        for channel in range(3):
            shift = step * np.eye(3)[channel]
            wanted = (truth(x + shift) - truth(x - shift)).sum(-1) / (2 * step)
            assert slope[..., channel] == pytest.approx(wanted, rel=1e-3, abs=1e-3)


# Graphs, symbols, devices


def test_inside_tf_function_of_unknown_size():
    tf = pytest.importorskip("tensorflow")
    rgb = cube().astype(np.float32)[None]

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32)])
    def there_and_back(x):
        L, ab = color.split(color.rgb_to_lab(x))
        lab = color.join(L, ab)
        return lab, color.lab_to_rgb(lab), color.in_gamut(lab), color.within_gamut(L, ab)

    lab, back, inside, held = there_and_back(rgb)
    assert difference(held, lab[..., 1:]) == 0
    assert difference(lab, reference.rgb2lab(rgb.astype(np.float64))) < AGREES
    assert difference(back, rgb) < 2e-5 and inside.numpy().all()


def test_inside_a_keras_model():
    keras = pytest.importorskip("keras")
    rgb = cube().astype(np.float32)[None]
    pixels = keras.Input((None, None, 3))
    L, ab = color.split(color.rgb_to_lab(pixels))
    model = keras.Model(pixels, [L, ab, color.lab_to_rgb(color.join(L, ab))])
    assert [out.shape[-1] for out in model.outputs] == [1, 2, 3]
    L, ab, back = model(rgb)
    assert difference(np.concatenate([L, ab], -1), reference.rgb2lab(rgb.astype(float))) < AGREES
    assert difference(back, rgb) < 2e-5


def test_torch_keeps_the_device_and_the_subclass():
    torch = pytest.importorskip("torch")
    rgb = torch.rand(2, 3, 4, 5)
    # A tensor that the package made itself, and forgot to place, would stand on this device.
    with torch.device("meta"):
        lab = color.rgb_to_lab(rgb)
        results = [lab, color.lab_to_rgb(lab), color.in_gamut(lab), *color.split(lab)]
        results.append(color.rgb_to_lab((255 * rgb).to(torch.uint8)))
    assert {result.device.type for result in results} == {"cpu"}

    class Picture(torch.Tensor):
        """What fastai gives its batches."""

    assert isinstance(color.rgb_to_lab(rgb.as_subclass(Picture)), Picture)


def test_nothing_is_still_something(backend):
    empty = backend.tensor(np.zeros((0, 4, 4, 3), np.float32))
    assert backend.array(color.lab_to_rgb(color.rgb_to_lab(empty))).shape == (0, 4, 4, 3)
    L, ab = color.L(empty), color.ab(empty)
    assert backend.array(L).shape == (0, 4, 4, 1)
    assert backend.array(color.within_gamut(L, ab)).shape == (0, 4, 4, 2)


# Refusals


def picture_with(value, dtype=np.float64):
    rgb = np.full((4, 5, 3), 0.5)
    rgb[1, 2, 0] = value
    return rgb.astype(dtype)


@pytest.mark.parametrize(
    "rgb, says",
    [
        (np.array([[[12.0, 200, 255]]]), r"rgb runs from 0 to 255.*divide a picture in 0..255"),
        (picture_with(1.002), r"0\.\.1"),
        (picture_with(-0.002), r"-0\.002"),
        (picture_with(np.nan), "NaN"),
        (picture_with(np.nan, np.float32), "NaN"),
        (picture_with(np.inf), "infinity"),
        (picture_with(1, np.int64), "int64.*uint8"),
        (picture_with(1, np.int8), "int8.*uint8"),
        (picture_with(1, np.uint16), "uint16.*uint8"),
        (picture_with(1, bool), "bool.*uint8"),
        (np.zeros((4, 5, 4), np.uint8), r"\(4, 5, 4\).*\(\.\.\., 3\).*alpha"),
        (np.zeros((3, 4, 5)), r"\(3, 4, 5\).*move the channels"),
        (np.zeros((4, 5)), "repeat gray"),
        (None, "rgb"),
    ],
)
def test_numpy_rgb_is_refused_in_one_sentence(rgb, says):
    with pytest.raises(ValueError, match=says) as refusal:
        color.rgb_to_lab(rgb)
    assert "\n" not in str(refusal.value) and str(refusal.value).endswith(".")


@pytest.mark.parametrize("low, high", [(0, 255), (-1.5, 1), (0, 3)])
def test_a_wrong_scale_of_rgb_is_recognized_in_every_framework(backend, low, high):
    rgb = np.linspace(low, high, 192, dtype=np.float32).reshape(8, 8, 3)
    for door in (color.rgb_to_lab, color.L, color.ab):
        with pytest.raises(ValueError, match=f"rgb runs from {low} to {high}, but floats") as error:
            door(backend.tensor(rgb))
        assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_a_wrong_scale_of_lab_is_recognized_in_every_framework(backend):
    lab = color.rgb_to_lab(cube())
    scaled = lab / np.float32([100, color.AB_SCALE, color.AB_SCALE])
    only_L = lab / np.float32([100, 1, 1])
    for wrong in (scaled, np.float32(scaled * [1, 0, 0])):
        with pytest.warns(UserWarning, match="No L is above 1, as if it were divided by 100"):
            color.lab_to_rgb(backend.tensor(wrong))
        with pytest.warns(UserWarning, match="No L is above 1"):
            color.with_ab(*color.split(backend.tensor(wrong)))
    dark = color.rgb_to_lab(np.random.default_rng(1).integers(0, 3, (20, 20, 3), np.uint8))
    with warnings.catch_warnings(action="error"):
        for right in (lab, dark, 0 * lab, only_L[:1, :1]):
            color.lab_to_rgb(backend.tensor(right))


def test_values_that_are_not_known_yet_are_not_asked_for():
    torch, tf = pytest.importorskip("torch"), pytest.importorskip("tensorflow")
    assert color.rgb_to_lab(torch.zeros(3, 4, 4, device="meta")).shape == (3, 4, 4)
    with warnings.catch_warnings(action="ignore"):
        traced = torch.jit.trace(color.rgb_to_lab, torch.rand(3, 4, 4), check_trace=False)
    assert traced(torch.full((3, 4, 4), 255.0)).shape == (3, 4, 4)
    rgb = torch.rand(2, 3, 4, 4, requires_grad=True)
    color.lab_to_rgb(color.rgb_to_lab(rgb)).sum().backward()
    assert torch.isfinite(rgb.grad).all()
    assert tf.function(color.rgb_to_lab)(tf.fill((4, 4, 3), 255.0)).shape == (4, 4, 3)


def test_a_slack_of_a_thousandth_is_no_mistake():
    lab = color.rgb_to_lab(np.array([[1.0009, 1, 1], [-0.0009, 0, 0]]))
    assert np.isfinite(lab).all() and not color.in_gamut(lab).any()


@pytest.mark.parametrize(
    "lab, says",
    [
        (np.zeros((4, 5, 2)), r"lab has shape \(4, 5, 2\)"),
        (np.zeros((4, 5, 3), np.uint8), "lab is uint8"),
        (picture_with(np.nan), "NaN"),
        (picture_with(-np.inf), "infinity"),
    ],
)
def test_numpy_lab_is_refused_in_one_sentence(lab, says):
    for function in (color.lab_to_rgb, color.in_gamut):
        with pytest.raises(ValueError, match=says):
            function(lab)


def test_tensors_of_wrong_type_or_shape_are_refused():
    torch, tf = pytest.importorskip("torch"), pytest.importorskip("tensorflow")
    for bad in (torch.zeros(2, 4, 5, 3), torch.zeros(3), tf.zeros((2, 3, 4, 5))):
        with pytest.raises(ValueError, match="rgb has shape"):
            color.rgb_to_lab(bad)
    for bad in (torch.zeros(3, 4, 5, dtype=torch.int64), tf.zeros((4, 5, 3), tf.int32)):
        with pytest.raises(ValueError, match="rgb is .*int"):
            color.rgb_to_lab(bad)


def test_join_refuses_what_does_not_fit():
    torch = pytest.importorskip("torch")
    L, ab = np.zeros((4, 5, 1)), np.zeros((4, 5, 2))
    with pytest.raises(ValueError, match=r"L has shape \(4, 5\)"):
        color.join(L[..., 0], ab)
    with pytest.raises(ValueError, match=r"ab has shape \(4, 5, 3\)"):
        color.join(L, np.zeros((4, 5, 3)))
    with pytest.raises(ValueError, match="L is a ndarray and ab a Tensor"):
        color.join(L, torch.zeros(2, 4, 5))


# Imports


def test_numpy_input_imports_no_framework():
    code = (
        "import sys, numpy as np; from course_utils import color;"
        "color.in_gamut(color.rgb_to_lab(np.zeros((2, 2, 3))));"
        "bad = {'torch', 'tensorflow', 'keras', 'jax', 'fastai', 'onnxruntime', 'sklearn',"
        " 'skimage', 'scipy', 'matplotlib'} & set(sys.modules); sys.exit(', '.join(bad) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_torch_input_imports_no_keras(monkeypatch):
    torch = pytest.importorskip("torch")
    for module in ("keras", "tensorflow"):
        monkeypatch.setitem(sys.modules, module, None)  # importing it now raises ImportError
    assert color.rgb_to_lab(torch.ones(3, 2, 2)).shape == (3, 2, 2)
    keras_like = type("Tensor", (), {"__module__": "keras.src"})
    with pytest.raises(ImportError):
        color.rgb_to_lab(keras_like())
