"""Networks as ONNX graphs: the session that runs one, and the frame that makes it a colorizer."""

import copy
import io
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

OPSET = 17
Run = Callable[..., np.ndarray]  # a network in its framework: run(x, T, rebalance)
THREADS = 2

# What stands around every network, as ONNX text: what `network_out` is computed from is put in by
# `frame`. Mod has the sign of its second argument, so `missing` is 0..multiple-1.
FRAME = """
<ir_version: 8, opset_import: ["" : {opset}]>
colorizer (float[N,1,H,W] L{inputs}) => (float[N,2,H,W] ab)
<float hundred = {{100.0}}, float scale = {{{scale!r}}}, int64[2] multiple = {{{m}, {m}}},
 int64[6] before = {{0, 0, 0, 0, 0, 0}}, int64[2] origin = {{0, 0}}, int64[2] axes = {{2, 3}}
 {defaults}>
{{
  unit = Div (L, hundred)
  size = Shape <start = 2> (L)
  negative = Neg (size)
  missing = Mod (negative, multiple)
  pads = Concat <axis = 0> (before, missing)
  padded = Pad <mode = "edge"> (unit, pads)
  network_in = Transpose <perm = [{to_network}]> (padded)
  channels_first = Transpose <perm = [{from_network}]> (network_out)
  scaled = Mul (channels_first, scale)
  ab = Slice (scaled, origin, size, axes)
}}
"""


def session(data: bytes, threads: int = THREADS) -> Any:
    """A quiet onnxruntime session on the CPU, of a graph's bytes.

    Its threads sleep while they wait: awake, they take the cores from everything else, and
    a session beside four others was two to five times as slow.

    Raises ImportError where onnxruntime is missing, and onnxruntime's own errors for what it cannot
    read.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ImportError(
            'Shipped networks run on onnxruntime: pip install "color-from-gray[onnx]".'
        ) from None
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def softmax_inside(data: bytes) -> Any:
    """A session of a graph's bytes whose first answer is the softmax inside, (N, bins, h, w).

    Of a colorizer with a temperature that is the distribution whose mean it takes, at the
    resolution of its network. ValueError for a graph without one, or with several.
    """
    import onnx

    model = onnx.load_from_string(data)
    found = [node for node in model.graph.node if node.op_type == "Softmax"]
    if len(found) != 1:
        raise ValueError(f"The graph has {len(found)} softmaxes; a distribution needs one.")
    model.graph.output.insert(0, onnx.ValueInfoProto(name=found[0].output[0]))
    return session(model.SerializeToString())


def scalars(T: float | None, rebalance: bool) -> dict[str, float]:
    """{name: default} of the inputs that a graph has beside L."""
    if T is not None:
        return {"T": float(T)} | ({"rebalance": 0.0} if rebalance else {})
    if rebalance:
        raise ValueError("rebalance needs T: what gives weights to bins has a temperature too.")
    return {}


def frame(
    network: Any,
    scale: float,
    multiple: int,
    T: float | None = None,
    channels_last: bool = False,
    rebalance: bool = False,
) -> Any:
    """The graph of the colorizer contract around a network's.

    network: a model with one input, L / 100, and one output, ab / scale; with T, the default
        temperature, that is its second input; with rebalance, that is its third.
    multiple: what its height and width must be multiples of. channels_last: its layout.
    """
    import onnx

    beside = scalars(T, rebalance)
    text = FRAME.format(
        opset=OPSET,
        scale=float(scale),
        m=multiple,
        to_network="0, 2, 3, 1" if channels_last else "0, 1, 2, 3",
        from_network="0, 3, 1, 2" if channels_last else "0, 1, 2, 3",
        inputs="".join(f", float {name}" for name in beside),
        defaults="".join(f", float {name} = {{{value!r}}}" for name, value in beside.items()),
    )
    model = onnx.parser.parse_model(text)
    inside = onnx.compose.add_prefix(network, "network/").graph
    inputs = [node.name for node in inside.input]
    around = list(model.graph.node)
    place = [node.input[0] for node in around].index("network_out")
    join = dict(zip(inputs, ["network_in", *beside]))
    join |= {"network_out": inside.output[0].name}
    joints = [onnx.helper.make_node("Identity", [old], [new]) for new, old in join.items()]
    enter = [node for node in joints if node.output[0] != "network_out"]
    leave = [node for node in joints if node.output[0] == "network_out"]
    del model.graph.node[:]
    model.graph.node.extend([*around[:place], *enter, *inside.node, *leave, *around[place:]])
    model.graph.initializer.extend(inside.initializer)
    onnx.checker.check_model(model, full_check=True)
    return model


def halve(model: Any) -> Any:
    """A copy whose kernels are stored as float16 and cast to float32 when a session starts.

    Half the file, the same arithmetic and speed. Only tensors of two axes and 1,024 numbers or
    more: biases, normalization and constants stay exact. A weight moves by 2**-11 of itself, or by
    3e-8 where it is below 6e-5, at most.
    """
    import onnx

    half = copy.deepcopy(model)
    casts = []
    for tensor in half.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or values.size < 1024:
            continue
        if not np.abs(values).max() <= np.finfo(np.float16).max:
            continue
        name, stored = tensor.name, f"{tensor.name}/float16"
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), stored))
        to = onnx.TensorProto.FLOAT
        casts.append(onnx.helper.make_node("Cast", [stored], [name], to=to))
    nodes = [*casts, *half.graph.node]
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    return half


def from_keras(model: Any) -> tuple[Any, Run]:
    """(network, run): a Keras model as a channels-last ONNX model, and as run(x) in Keras.

    run takes and gives float32 arrays with channels *first*. Both are of a float32 copy.
    Raises ValueError for another backend than TensorFlow and for fixed or other shapes.
    """
    import keras
    import onnx

    if keras.backend.backend() != "tensorflow":  # on torch, strided padding is frozen silently
        raise ValueError("Keras must run on TensorFlow to export: set KERAS_BACKEND=tensorflow.")
    if model.input_shape != (None, None, None, 1) or model.output_shape[-1:] != (2,):
        raise ValueError(
            f"The model maps {model.input_shape} to {model.output_shape}; it must map "
            "(None, None, None, 1) to two channels: build it on keras.Input((None, None, 1))."
        )
    float32 = _float32(model)
    signature = [keras.InputSpec(shape=model.input_shape, dtype="float32")]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        file = Path(folder, "network.onnx")
        float32.export(
            file, format="onnx", verbose=False, opset_version=OPSET, input_signature=signature
        )
        network = onnx.load(file)

    def run(x):
        with keras.device("cpu:0"):
            y = float32(np.moveaxis(x, 1, -1), training=False)
        return np.moveaxis(np.asarray(keras.ops.convert_to_numpy(y)), -1, 1)

    return network, run


def _float32(model):
    """A float32 copy of a Keras model whose upsampling can be traced at an unknown size."""
    import keras
    import tensorflow as tf

    def clone(layer):
        if isinstance(layer, keras.layers.UpSampling2D):  # Keras asks if its symbolic size is <= 0

            def upsample(x, factors=layer.size, method=layer.interpolation):
                return tf.image.resize(x, tf.shape(x)[1:3] * factors, method)

            return keras.layers.Lambda(upsample, name=layer.name, dtype="float32")
        return type(layer).from_config(layer.get_config() | {"dtype": "float32"})

    x = keras.Input((None, None, 1))
    float32 = keras.models.clone_model(model, x, clone_function=clone, recursive=True)
    float32.set_weights(model.get_weights())
    return float32


def from_torch(
    module: Any, multiple: int, T: float | None = None, rebalance: bool = False
) -> tuple[Any, Run]:
    """(network, run): a torch module as an ONNX model, and as run(x, T, rebalance) in torch.

    run takes and gives float32 arrays. Both are of a copy in float32, in evaluation mode, on the
    CPU. The module is traced once, at some multiple of `multiple`: a loop whose length depends on
    the size is frozen.
    """
    import onnx
    import torch

    module = copy.deepcopy(module).float().cpu().eval()
    side = multiple * -(-16 // multiple)
    beside = scalars(T, rebalance)
    given = [torch.rand(2, 1, side, side + multiple), *map(torch.tensor, beside.values())]
    dynamic = {0: "N", 2: "H", 3: "W"}
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):  # deprecated; its successor needs onnxscript
        torch.onnx.export(
            module,
            tuple(given),
            buffer,  # pyright: ignore[reportArgumentType] (it takes files, its type does not say so)
            input_names=["L", *beside],
            output_names=["ab"],
            dynamic_axes={"L": dynamic, "ab": dynamic},
            opset_version=OPSET,
            dynamo=False,
        )

    def run(x, *beside):
        with torch.inference_mode():
            return module(torch.from_numpy(x), *map(torch.tensor, beside)).numpy()

    return onnx.load_from_string(buffer.getvalue()), run
