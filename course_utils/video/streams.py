"""Video files, one frame at a time: nothing here holds more than a few frames in memory."""

import heapq
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# What may be opened. No playlists: they name other files, or addresses, and may have no end.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,flv,mpeg,mpegts,ogg,nut,dv,mxf,gif,rm"
MOST_RATE = 1000  # frames a second; what says more says nothing
KINDS = {
    ".mp4": ("libx264", "yuv420p", {"crf": "16", "preset": "veryfast"}),
    ".mov": ("libx264", "yuv420p", {"crf": "16", "preset": "veryfast"}),
    ".mkv": ("ffv1", "bgr0", {}),  # without loss, twenty times as large
}
BT709 = 1  # in FFmpeg's lists of matrices, primaries and curves
TICK = Fraction(1, 90_000)  # seconds, where a file has no time base
MOST_PIXELS = 2**25  # of a frame: 8K, with which a gigabyte of memory is left behind


class Frame(NamedTuple):
    """A frame: rgb uint8 (H, W, 3), upright; when it is shown and for how long, in ticks."""

    rgb: NDArray[np.uint8]
    pts: int
    duration: int
    aspect: Fraction  # width of a pixel by its height


class About(NamedTuple):
    """What a video file says of itself.

    total: about how many frames it holds, None if it does not say. rate: frames a second. tick:
    seconds. Times of frames count ticks: where they are irregular, they stay so.
    """

    total: int | None
    rate: Fraction
    tick: Fraction


def av() -> Any:
    """PyAV, or an ImportError with the remedy."""
    try:
        import av
    except ImportError:
        raise ImportError('Video needs PyAV: pip install "color-from-gray[video]".') from None
    return av


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its video stream. Raises OSError or ValueError, one sentence, without."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if not path.is_file():  # a pipe or a device may have no end
        raise ValueError(f"{path} is no file: save the clip in one, and name that.")
    only = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        container = av().open(str(path), options=only, metadata_errors="replace")
    except av().error.FFmpegError:
        raise ValueError(f"{path} is no video that can be read, or it is damaged.") from None
    with container:
        film = next((s for s in container.streams.video if _moves(s)), None)
        if film is None:
            raise ValueError(f"{path} holds no moving picture that can be read.")
        if film.codec_context.width * film.codec_context.height > MOST_PIXELS:
            raise ValueError(f"{path} is larger than 8K: make a smaller copy of it.")
        yield container, film


def _moves(stream):
    return stream.codec_context and not stream.disposition & stream.disposition.attached_pic


def about(path: Path) -> About:
    """What the file says; see `About`. Raises what `opened` raises."""
    with opened(path) as (container, film):
        rate = film.average_rate or film.guessed_rate or 0
        rate = Fraction(rate) if 0 < rate <= MOST_RATE else Fraction(25)
        seconds = (container.duration or 0) / av().time_base
        return About(film.frames or round(seconds * rate) or None, rate, film.time_base or TICK)


def frames(path: Path) -> Iterator[Frame]:
    """The frames of a file, in order; times only grow. What is damaged is left out, and warned of.

    A frame of another size than the first is brought to it. Ten bits become eight. Raises what
    `opened` raises, and ValueError where there is no frame.
    """
    said, last, damaged = about(path), None, 0
    step = max(1, round(1 / (said.rate * said.tick)))
    with opened(path) as (container, film):
        film.thread_type = "AUTO"
        size = {"width": film.codec_context.width, "height": film.codec_context.height}
        for frame in _decoded(container, film):
            if frame is None:
                damaged += 1
                continue
            pts = frame.pts if frame.pts is not None else (last or 0) + step
            last = pts if last is None else max(pts, last + 1)
            rgb = frame.to_ndarray(format="rgb24", **size)
            turns = round(frame.rotation / 90)  # to the left
            aspect = film.sample_aspect_ratio or Fraction(1)
            aspect = 1 / aspect if turns % 2 else aspect
            rgb = np.ascontiguousarray(np.rot90(rgb, turns))
            yield Frame(rgb, last, frame.duration or step, aspect)
    if last is None:
        raise ValueError(f"{path} holds no frame that can be read.")
    if damaged:
        warnings.warn(f"{path} is damaged: {damaged} parts of it are left out.", stacklevel=2)


def _decoded(container, film):
    """Decoded frames, None for a packet that cannot be decoded; a torn file ends where it ends."""
    packets = container.demux(film)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            decoded = packet.decode()
        except av().error.EOFError:
            return
        except av().error.InvalidDataError:
            yield None
            continue
        yield from decoded


@contextmanager
def writing(path: Path, kind: str, said: About) -> Iterator[Callable[[Frame], None]]:
    """A piece of film that `join` takes: gives the function that adds a frame; all of one size.

    kind: of KINDS. Each frame follows from frames before it, so pieces can be put in a row.
    """
    codec, pixels, options = KINDS[kind]
    with av().open(str(path), "w", format="nut") as container:
        film = container.add_stream(codec, rate=said.rate, options=options)
        context = film.codec_context
        context.time_base, context.max_b_frames = said.tick, 0
        context.colorspace = context.color_primaries = context.color_trc = BT709

        def add(frame: Frame) -> None:
            picture = av().VideoFrame.from_ndarray(frame.rgb, format="rgb24")
            if not context.is_open:
                film.width, film.height = picture.width, picture.height
                odd = picture.width % 2 or picture.height % 2  # no room in 4:2:0
                film.pix_fmt = pixels.replace("420", "444") if odd else pixels
                context.sample_aspect_ratio = frame.aspect
            picture = picture.reformat(format=film.pix_fmt, dst_colorspace="ITU709")
            picture.pts, picture.time_base = frame.pts, said.tick
            picture.duration = frame.duration
            container.mux(film.encode(picture))

        yield add
        container.mux(film.encode())


def join(pieces: list[Path], source: Path, path: Path, said: str) -> None:
    """Put pieces behind each other, copy the sound of `source`, and say in the comment what it is.

    Raises ValueError where the container does not hold sound of this kind.
    """
    with ExitStack() as stack:
        container, film = stack.enter_context(opened(source))
        written = stack.enter_context(av().open(str(path), "w"))
        written.metadata.update({**container.metadata, "comment": said})
        first = stack.enter_context(av().open(str(pieces[0])))
        new = written.add_stream_from_template(first.streams.video[0])
        new.time_base = first.streams.video[0].time_base
        rows, sounds = [_pieces(pieces, new)], container.streams.audio
        try:
            copies = {s.index: written.add_stream_from_template(s) for s in sounds}
            written.start_encoding()
        except (av().error.FFmpegError, ValueError):
            raise ValueError(
                f"{path.suffix} does not hold the sound of {source}: let the result end in .mkv."
            ) from None
        if copies:
            rows.append(_copies(container.demux(*sounds), copies))
        for packet in heapq.merge(*rows, key=lambda p: p.dts * p.time_base):
            written.mux(packet)


def _pieces(pieces, new):
    for piece in pieces:
        with av().open(str(piece)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size:
                    packet.dts, packet.stream = packet.pts, new  # no frame waits for a later one
                    yield packet


def _copies(packets, streams):
    for packet in packets:
        if packet.dts is not None:
            packet.stream = streams[packet.stream_index]
            yield packet
