"""Int8 copies of colorizers: the gate decides what becomes an integer and what is written."""

import numpy as np
import onnx
import pytest

from course_utils import course
from course_utils.colorizer import Colorizer, names
from course_utils.colorizer import graph as onnx_graph
from course_utils.colorizer.model import GIVEN
from deploy import int8

CHANNELS = 8
LAYERS = 12  # convolutions of a toy: three groups


def toy(path, spread=None, T=None, layers=LAYERS):
    """A colorizer of 3x3 convolutions that add to what they get, in a file.

    spread: the place of a convolution whose channels differ by a factor of a million, which one
    scale for all of them cannot hold: between it and the next, 8 bits keep only the largest.
    """
    rng = np.random.default_rng(1)
    nodes, weights, x = [], {}, "L"
    for i in range(layers):
        entering, leaving = (1 if i == 0 else CHANNELS), (2 if i == layers - 1 else CHANNELS)
        kernel = rng.normal(0, 1, (leaving, entering, 3, 3)) / (4.5 * entering) ** 0.5
        if i == spread:
            kernel[0] *= 1e6
        if spread is not None and i == spread + 1:
            kernel[:, 0] /= 1e6
        weights[f"w{i}"] = kernel.astype(np.float32)
        nodes.append(onnx.helper.make_node("Conv", [x, f"w{i}"], [f"c{i}"], pads=[1] * 4))
        nodes.append(onnx.helper.make_node("Relu", [f"c{i}"], [x := f"r{i}"]))
    nodes.pop()  # ab has signs
    nodes.append(onnx.helper.make_node("Mul", [f"c{layers - 1}", "T" if T else "one"], ["y"]))
    value, floats = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    inputs = [value("L", floats, ["N", 1, "H", "W"])] + ([value("T", floats, [])] if T else [])
    graph = onnx.helper.make_graph(
        nodes,
        "toy",
        inputs,
        [value("y", floats, ["N", 2, "H", "W"])],
        [onnx.numpy_helper.from_array(w, n) for n, w in weights.items()]
        + ([] if T else [onnx.numpy_helper.from_array(np.float32(1), "one")]),
    )
    opset = [onnx.helper.make_opsetid("", onnx_graph.OPSET)]
    network = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    model = onnx_graph.frame(network, 20.0, 4, T)
    told = dict.fromkeys(GIVEN, "toy") | {"parameters": "1", "size": "48", "version": "0"}
    told |= {"seed": "1", "metrics": "[]"} | ({"T": str(T)} if T else {})
    onnx.helper.set_model_props(model, told)
    onnx.save(model, path)
    return path


def integer_convolutions(path):
    """How many convolutions of a file read their weights from integers."""
    graph = onnx.load(path).graph
    integers = {t.name for t in graph.initializer if t.data_type == onnx.TensorProto.INT8}
    made = {n.output[0] for n in graph.node if n.op_type == "DequantizeLinear"} & {
        n.output[0] for n in graph.node if n.input and n.input[0] in integers
    }
    return sum(n.op_type == "Conv" and n.input[1] in made for n in graph.node)


@pytest.mark.parametrize("T", [None, 2.0])
def test_a_copy_keeps_the_contract_and_the_colors(tmp_path, T):
    source = toy(tmp_path / "mine.onnx", T=T)
    assert int8.main([str(source), "-o", str(tmp_path / "small")]) == 0
    path = tmp_path / "small" / "mine.onnx"
    model, small = Colorizer.load(source), Colorizer.load(path)
    assert integer_convolutions(path) == LAYERS
    assert {k: v for k, v in small.metadata.items() if k != "int8"} == model.metadata
    assert "calibrated" in small.metadata["int8"] and small.T == T
    L = np.random.default_rng(2).uniform(20, 80, (2, 33, 50, 1)).astype(np.float32)
    for t in {None, T}:
        a, b = model.ab(L, t), small.ab(L, t)
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.99 and not np.array_equal(a, b)


@pytest.mark.parametrize("spread", [1, 6, 9])
def test_what_breaks_the_gate_stays_float_and_nothing_else(tmp_path, spread):
    found = int8.quantize(toy(tmp_path / "mine.onnx", spread))
    group = spread // int8.GROUP
    assert found.gate.passed
    assert len(found.floats) == int8.GROUP and found.convolutions == LAYERS
    assert [f"c{i}" for i in range(group * int8.GROUP, (group + 1) * int8.GROUP)] == [
        f"c{i}" for i in numbers(found)
    ]
    path = int8.write(found, tmp_path / "mine.onnx", tmp_path / "small.onnx")
    assert integer_convolutions(path) == LAYERS - int8.GROUP


def numbers(found):
    """The places of the convolutions that stayed float: their weights are not integers."""
    graph = found.model.graph
    return [
        int(node.input[1].rpartition("w")[2])
        for node in graph.node
        if node.op_type == "Conv" and not node.input[1].endswith("DequantizeLinear_Output")
    ]


def test_a_file_that_cannot_pass_is_not_written(tmp_path, capsys):
    source = toy(tmp_path / "mine.onnx", 1, layers=4)
    assert int8.main([str(source), "-o", str(tmp_path / "small")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is not written" in said and "0.5 and 3.0 are allowed" in said
    assert not (tmp_path / "small").exists()


def test_a_model_without_convolutions_gets_one_sentence(tmp_path, capsys):
    network = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {onnx_graph.OPSET}]>'
        "n (float[N,1,H,W] L) => (float[N,2,H,W] y) { y = Concat <axis = 1> (L, L) }"
    )
    model = onnx_graph.frame(network, 1.0, 1)
    told = dict.fromkeys(GIVEN, "toy") | {"parameters": "1", "size": "48", "version": "0"}
    onnx.helper.set_model_props(model, told | {"seed": "1", "metrics": "[]"})
    onnx.save(model, tmp_path / "flat.onnx")
    for wrong, said in ((tmp_path / "flat.onnx", "no convolutions"), ("nothing", "no colorizer")):
        assert int8.main([str(wrong), "-o", str(tmp_path)]) == 1
        assert said in capsys.readouterr().err


def test_the_gate_counts_pixels_of_both_channels():
    a = [np.zeros((1, 2, 10, 10), np.float32), np.zeros((1, 2, 5, 20), np.float32)]
    b = [x.copy() for x in a]
    b[0][0, :, 0, :4] = [[3.0], [4.0]]  # 5 units in 4 of 200 pixels
    gate = int8.moved(a, b)
    assert gate.mean == pytest.approx(0.1) and gate.p99 == pytest.approx(5.0)
    assert not gate.passed and int8.Gate(0.5, 3.0).passed and not int8.Gate(0.51, 0.6).passed


# What is stored.


def test_the_stored_files_pass_and_two_are_twice_as_fast():
    result = course.result("09/int8")
    rows = [row for row in result["rows"].values() if row["passed"]]
    assert set(result["rows"]) == set(names())
    for row in rows:
        assert int8.Gate(**row["moved"]).passed and row["int8"]["MB"] < row["float"]["MB"]
        assert len(row["floats"]) < row["convolutions"]
    assert sum(row["ratio"] >= 2 for row in rows) >= 2


@pytest.mark.stress
def test_a_stored_row_is_what_quantizing_gives():
    row = course.result("09/int8")["rows"]["02_mse_regression"]
    found = int8.quantize("02_mse_regression")
    assert found.floats == row["floats"]
    assert found.gate.mean == pytest.approx(row["moved"]["mean"], rel=0.05)
