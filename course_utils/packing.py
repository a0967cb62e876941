"""Pictures inside a stored result: small whole numbers as text that json can hold."""

import base64

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pack(x: ArrayLike) -> str:
    """Numbers in -128…127, rounded to whole ones, as base64 text of signed bytes.

    Raises ValueError for numbers that a signed byte cannot hold.
    """
    whole = np.round(np.asarray(x))
    if not (whole.min() >= -128 and whole.max() <= 127):  # written so that NaN is refused too
        raise ValueError(f"x spans {whole.min():g} to {whole.max():g}; bytes hold -128 to 127.")
    return base64.b64encode(whole.astype(np.int8).tobytes()).decode()


def unpack(text: str, *shape: int) -> NDArray[np.float32]:
    """What `pack` stored, in the shape that it had; -1 for one length that follows.

    >>> unpack(pack([[1, -2], [3, 4]]), 2, 2).tolist()
    [[1.0, -2.0], [3.0, 4.0]]
    """
    return np.frombuffer(base64.b64decode(text), np.int8).reshape(shape).astype(np.float32)
