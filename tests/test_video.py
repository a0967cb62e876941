"""Video: the parts of the filter on clips of known motion, and files of every kind, and kills."""

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from test_colorizer import toy

from course_utils import __main__ as cli
from course_utils import color, paintbox
from course_utils.colorizer import Colorizer
from course_utils.video import converting, measures, steady, streams

av = pytest.importorskip("av")


# The filter.


@pytest.fixture(scope="module")
def clip():
    return paintbox.clip(4, 96, 5)


@pytest.fixture(scope="module")
def textured():
    """L (H, W, 1) with detail of every size, so that its motion can be seen."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(0).standard_normal((110, 130))
    rough = sum(s * gaussian_filter(noise, s) for s in (1, 2, 4, 8))
    return (50 + 12 * rough / rough.std()).clip(0, 100).astype(np.float32)[..., None]


def test_the_warp_repeats_what_stays_in_view_exactly(clip):
    for t in range(1, len(clip)):
        moved = steady.warp(clip.ab[t - 1], clip.flow[t])
        stays = ~clip.fresh[t]
        assert np.array_equal(moved[stays], clip.ab[t][stays])


def test_the_warp_is_bilinear_and_repeats_the_border():
    before = np.float32([[[0.0], [10.0], [30.0]]])  # one row
    right = np.full((1, 3, 2), [0.25, 0], np.float32)
    assert steady.warp(before, right)[0, :, 0].tolist() == [2.5, 15, 30]
    assert steady.warp(before, right - [5, 7])[0, :, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("library", ["cv2", "skimage"])
def test_the_flow_leads_back_to_where_things_were(textured, library, monkeypatch):
    if library == "skimage":
        monkeypatch.setitem(sys.modules, "cv2", None)
    before, now = textured[2:98, 5:115], textured[4:100, 2:112]  # moved by (-3, 2) in the window
    found = steady.flow(now, before)[15:-15, 15:-15]
    assert found.dtype == np.float32
    assert np.abs(np.median(found, (0, 1)) - [-3, 2]).max() < 0.2
    assert np.mean(np.abs(found - [-3, 2]).max(-1) < 0.5) > 0.95


def test_tiny_frames_have_no_flow():
    assert not steady.flow(np.zeros((3, 40, 1), np.float32), np.ones((3, 40, 1), np.float32)).any()


def test_confidence_falls_where_something_was_hidden(clip):
    sure = steady.confidence(clip.L[1], clip.L[0], clip.flow[1])
    assert sure.shape == (96, 96, 1) and sure.min() >= 0 and sure.max() <= 1
    assert sure[~clip.fresh[1]].min() > 0.99 and sure[clip.fresh[1]].mean() < 0.4


def test_light_that_flickers_everywhere_is_no_doubt(clip):
    plain = steady.confidence(clip.L[1], clip.L[0], clip.flow[1])
    brighter = steady.confidence(clip.L[1] + 7, clip.L[0], clip.flow[1])
    assert np.abs(plain - brighter).max() < 1e-3


def test_nothing_is_sure_beyond_the_border():
    L, out = np.full((5, 6, 1), 40, np.float32), np.zeros((5, 6, 2), np.float32)
    out[:, 0, 0], out[0, :, 1] = -1, -2
    sure = steady.confidence(L, L, out)[..., 0]
    assert not sure[:, 0].any() and not sure[0].any() and (sure[1:, 1:] == 1).all()


def test_cuts_are_found_and_pans_and_flashes_are_none():
    scenes = [paintbox.clip(24, 96, seed, width=64) for seed in range(5)]
    shots = [*scenes, *(paintbox.clip(24, 64, seed) for seed in range(5))]
    for shot in shots:
        pairs = list(zip(shot.L[1:], shot.L[:-1]))
        assert not any(steady.is_cut(*pair) for pair in pairs)
        assert not any(steady.is_cut((1.2 * now + 9).clip(0, 100), old) for now, old in pairs)


def test_a_cut_between_photographs(album_L):
    found = [steady.is_cut(*pair) for pair in zip(album_L[1:], album_L)]
    assert np.mean(found) > 0.9


@pytest.fixture(scope="module")
def album_L():
    from course_utils import photos

    return [color.L(rgb) for rgb in photos.load("album", "test", 64)]


def test_black_frames_are_cut_from_pictures_and_not_from_black(album_L):
    black = np.zeros_like(album_L[0])
    assert steady.is_cut(black, album_L[0]) and steady.is_cut(album_L[0], black)
    assert not steady.is_cut(black, black + 0.1)


def test_smooth_mixes_where_it_is_sure():
    ab, old = np.zeros((1, 2, 2), np.float32), np.full((1, 2, 2), 10, np.float32)
    sure = np.float32([[[1.0], [0.0]]])
    assert steady.smooth(ab, old, sure, 0.8)[0].tolist() == [[8, 8], [0, 0]]
    assert np.array_equal(steady.smooth(ab, old, sure, 0), ab)


def test_the_filter_calms_a_flicker_without_losing_the_truth():
    ways = {"frames": [], "steady": []}
    for seed in range(4):
        shot = paintbox.clip(12, 96, seed, width=72)
        rng = np.random.default_rng(seed)
        flicker = shot.ab + 6 * rng.standard_normal((12, 1, 1, 2)).astype(np.float32)
        filter = steady.Steady()
        calm = np.stack([filter(*frame) for frame in zip(shot.L, flicker)])
        sure = 1 - shot.fresh[..., None].astype(np.float32)
        for name, ab in (("frames", flicker), ("steady", calm)):
            unsteady = measures.warping_error(ab, shot.flow, sure).mean()
            ways[name].append((unsteady, measures.error(ab, shot.ab).mean()))
    frames, calm = (np.mean(ways[name], 0) for name in ways)
    assert calm[0] < 0.4 * frames[0] and calm[1] < frames[1]


def test_the_filter_begins_anew_at_a_cut_and_counts_it(album_L):
    filter, ab = steady.Steady(), np.random.default_rng(1).normal(0, 20, (3, 64, 64, 2))
    for L, values in zip([album_L[0], album_L[0], album_L[5]], ab):
        out = filter(L, values)
    assert filter.cuts == 1 and np.array_equal(out, ab[2])


def test_strength_0_is_frame_by_frame(album_L):
    filter, ab = steady.Steady(0), np.random.default_rng(1).normal(0, 20, (3, 64, 64, 2))
    assert all(np.array_equal(filter(album_L[0], values), values) for values in ab)


# Measures.


def test_gray_is_perfectly_steady_and_wrong(clip):
    gray, sure = np.zeros_like(clip.ab), 1 - clip.fresh[..., None].astype(np.float32)
    assert not measures.warping_error(gray, clip.flow, sure).any()
    assert measures.color_drift(gray) == 0 < measures.error(gray, clip.ab).min()
    assert measures.warping_error(clip.ab, clip.flow, sure) == pytest.approx(0, abs=1e-6)
    assert not measures.error(clip.ab, clip.ab).any()


def test_warping_error_is_the_size_of_a_jump(clip):
    ab, sure = clip.ab.copy(), 1 - clip.fresh[..., None].astype(np.float32)
    ab[2:] += [3, 4]
    assert measures.warping_error(ab, clip.flow, sure) == pytest.approx([0, 5, 0], abs=1e-4)


def test_drift_sees_colors_change_and_not_move(clip):
    changed = clip.ab + np.float32([0, 9, 0, 9])[:, None, None, None]
    assert measures.color_drift(changed) > 5 * measures.color_drift(clip.ab)
    far = np.float32([-90, 90])[:, None, None, None] * np.ones((2, 5, 5, 2), np.float32)
    assert measures.color_drift(far) == pytest.approx(np.log(2))


def test_flows_of_a_clip(textured):
    L = np.stack([textured[t : t + 96, : 2 * 48] for t in range(3)])
    motion, sure = measures.flows(L)
    assert motion.shape == (3, 96, 96, 2) and not motion[0].any() and not sure[0].any()
    assert np.abs(np.median(motion[1:], (1, 2)) - [0, 1]).max() < 0.2 and sure[1:].mean() > 0.9


# Files.


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A colorizer whose ab is (-L, L) / 4."""
    folder = tmp_path_factory.mktemp("model")
    graph = "f = Constant <value = float {0.25}> () s = Mul (L, f) t = Neg (s) "
    return Colorizer.load(toy(folder / "toy.onnx", graph + "ab = Concat <axis = 1> (t, s)"))


def film(path, n=13, size=(48, 64), codec="libx264", pixels="yuv420p", times=None, **more):
    """A film of n frames in which a bar moves, 25 a second or at `times`; perhaps with sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *size, pixels
        stream.codec_context.time_base = Fraction(1, 12800)
        if "rotation" in more:
            stream.set_display_rotation(more["rotation"])
        voice = container.add_stream("aac", rate=44100) if more.get("sound") else None
        for i in range(n):
            rgb = np.full((*size, 3), (90, 110, 120), np.uint8)
            rgb[:, (3 * i) % size[1] :][:, :9] = 220
            rgb[: size[0] // 4] //= 2  # darker above
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = (times[i] if times else 512 * i), Fraction(1, 12800)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if voice:
            wave = np.sin(np.arange(1024 * 22) / 20).astype(np.float32)
            for k, part in enumerate(wave.reshape(22, 1, 1024)):
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 44100, 1024 * k
                container.mux(voice.encode(frame))
            container.mux(voice.encode())
    return path


def run(source, result, model, strength=0.9):
    return list(converting.colorize(source, result, model, strength))


def times(path):
    with av.open(str(path)) as container:
        return [float(f.pts * f.time_base) for f in container.decode(video=0)]


def sound(path):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(audio=0) if p.size]


def test_a_film_without_loss_is_its_painted_frames(tmp_path, model):
    source, result = film(tmp_path / "in.mp4", sound=True), tmp_path / "out.mkv"
    assert run(source, result, model) == list(range(1, 14))
    filter = steady.Steady()
    for frame, made in zip(streams.frames(source), streams.frames(result), strict=True):
        assert np.array_equal(made.rgb, converting.paint(frame.rgb, model, filter))
    assert sound(result) == sound(source)
    first = times(result)[0]  # sound may begin before the picture: Matroska then moves both
    expected = [first + each - times(source)[0] for each in times(source)]
    assert times(result) == pytest.approx(expected, abs=0.001)  # Matroska counts milliseconds
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mp4", "out.mkv"]


def test_strength_0_is_colorize(tmp_path, model):
    source, result = film(tmp_path / "in.mp4", n=3), tmp_path / "out.mkv"
    run(source, result, model, 0)
    for frame, made in zip(streams.frames(source), streams.frames(result), strict=True):
        assert np.array_equal(made.rgb, model.colorize(frame.rgb))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"sound": True},
        {"times": [0, 100, 900, 5000, 5001, 9000, 70000]},
        {"size": (45, 63), "pixels": "yuv444p"},
        {"pixels": "yuv420p10le"},
        {"codec": "ffv1", "pixels": "gray", "suffix": ".mkv"},
        {"codec": "ffv1", "pixels": "gray10le", "suffix": ".mkv"},
        {"rotation": 90, "size": (48, 80)},
        {"codec": "mpeg4", "suffix": ".avi"},
        {"codec": "libx264", "suffix": ".ts"},
    ],
    ids=lambda more: " ".join(map(str, more.values())) or "plain",
)
def test_films_of_every_kind(tmp_path, model, more):
    n = len(more.get("times", [])) or 7
    source = film(tmp_path / f"in{more.get('suffix', '.mp4')}", n, **{
        k: v for k, v in more.items() if k != "suffix"
    })  # fmt: skip
    result = tmp_path / "out.mp4"
    assert len(run(source, result, model)) == n
    shown = list(streams.frames(source))
    made = list(streams.frames(result))
    assert [f.rgb.shape for f in made] == [f.rgb.shape for f in shown]
    assert times(result) == pytest.approx(times(source), abs=2e-4)
    light = [np.abs(color.L(a.rgb) - color.L(b.rgb)).mean() for a, b in zip(shown, made)]
    assert max(light) < 2.5  # 4:2:0 blurs color, and L with it, at edges
    assert np.abs(color.ab(made[-1].rgb)).mean() > 5
    if more.get("sound"):
        assert sound(result) == sound(source)


def test_what_was_turned_stands_upright(tmp_path, model):
    source = film(tmp_path / "in.mp4", n=2, size=(48, 80), rotation=90)
    frame = next(streams.frames(source)).rgb
    assert frame.shape == (80, 48, 3)
    assert frame[:, :8].mean() < frame[:, 24:].mean() - 30  # dark above is now dark at the left


def test_the_label_says_who_colored_it(tmp_path, model):
    source, result = film(tmp_path / "in.mp4", n=2), tmp_path / "out.mp4"
    run(source, result, model)
    with av.open(str(result)) as container:
        assert container.metadata["comment"] == "colorized by Color from Gray, toy"


def test_a_repeated_run_goes_on_and_gives_the_same_bytes(tmp_path, model, monkeypatch):
    monkeypatch.setattr(converting, "PIECE", 5)
    source = film(tmp_path / "in.mp4", sound=True)
    run(source, tmp_path / "whole.mp4", model)
    for stop in (3, 5, 11):  # within a piece and at its end
        result = tmp_path / f"{stop}.mp4"
        counts = converting.colorize(source, result, model)
        assert [next(counts) for _ in range(stop)][-1] == stop
        counts.close()
        assert not result.exists()
        went_on = run(source, result, model)[0]
        assert went_on == (stop - 1) // 5 * 5 + 1  # the last piece is whole when the next begins
        assert result.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_another_model_or_strength_does_not_go_on_from_there(tmp_path, model, monkeypatch):
    monkeypatch.setattr(converting, "PIECE", 5)
    source, result = film(tmp_path / "in.mp4"), tmp_path / "out.mkv"
    counts = converting.colorize(source, result, model, 0.5)
    assert [next(counts) for _ in range(7)]
    counts.close()
    assert run(source, result, model, 0.6)[0] == 1


def test_a_result_is_never_overwritten(tmp_path, model):
    source, result = film(tmp_path / "in.mp4", n=2), tmp_path / "out.mp4"
    result.write_text("mine")
    with pytest.raises(FileExistsError, match="out.mp4"):
        run(source, result, model)
    assert result.read_text() == "mine"


def bad(folder, kind):
    """The path of something that is no video."""
    path = folder / "in.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "sound":
        with av.open(str(path), "w") as container:
            voice = container.add_stream("aac", rate=44100)
            silence = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate = 44100
            container.mux([*voice.encode(frame), *voice.encode()])
    elif kind == "half":
        path.write_bytes(film(folder / "whole.mp4").read_bytes()[:900])
    elif kind != "missing":
        text = {"empty": b"", "text": b"no film\n" * 99, "zeros": bytes(9999)}
        text["playlist"] = b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXTINF:10,\nin.mp4\n"
        path.write_bytes(text[kind])
    return path


@pytest.mark.parametrize(
    "kind",
    ["missing", "empty", "text", "zeros", "playlist", "folder", "pipe", "sound", "half"],
)
def test_what_is_no_video_gets_one_sentence(tmp_path, model, capsys, kind):
    source = bad(tmp_path, kind)
    arguments = ["video", str(source), "-o", str(tmp_path / "out.mp4")]
    assert cli.main([*arguments, "--model", str(model.path)]) == 1
    out, err = capsys.readouterr()
    assert not out and len(err.splitlines()) == 1 and "in.mp4" in err
    assert not (tmp_path / "out.mp4").exists()


def test_a_torn_film_ends_where_it_ends(tmp_path, model):
    whole = film(tmp_path / "whole.ts", n=60).read_bytes()
    torn = tmp_path / "in.ts"
    torn.write_bytes(whole[: len(whole) // 2])
    n = len(run(torn, tmp_path / "out.mp4", model))
    assert 10 < n < 60 and len(times(tmp_path / "out.mp4")) == n


def test_the_command(tmp_path, model, capsys):
    source, result = film(tmp_path / "in.mp4", n=3), tmp_path / "out.mp4"
    arguments = ["video", str(source), "-o", str(result), "--model", str(model.path)]
    assert cli.main(arguments) == 0
    assert capsys.readouterr() == (f"3 frames colorized: {result}\n", "")
    assert cli.main(arguments) == 1 and "already" in capsys.readouterr().err
    wrong = [*arguments[:3], str(tmp_path / "out.gif"), *arguments[4:]]
    assert cli.main(wrong) == 1 and ".mkv" in capsys.readouterr().err
    again = [*arguments[:3], str(tmp_path / "b.mp4"), *arguments[4:], "--smooth", "1"]
    assert cli.main(again) == 1 and "below 1" in capsys.readouterr().err


def test_without_pyav_a_sentence_says_what_to_install(tmp_path, model, monkeypatch):
    source = film(tmp_path / "in.mp4", n=2)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match="pip install"):
        run(source, tmp_path / "out.mp4", model)


# What takes long.


def command(source, result, model):
    words = ["video", source, "-o", result, "--model", model.path]
    return [sys.executable, "-m", "course_utils", *map(str, words)]


@pytest.mark.stress
def test_kill_9_and_again(tmp_path, model):
    source = film(tmp_path / "in.mp4", n=400, size=(120, 160), sound=True)
    subprocess.run(command(source, tmp_path / "whole.mp4", model), check=True)
    result, kills = tmp_path / "out.mp4", 0
    while not result.exists():
        child = subprocess.Popen(command(source, result, model), stdout=subprocess.DEVNULL)
        began = list(tmp_path.glob("out.mp4.*.parts/*.npz"))
        while child.poll() is None and kills < 4:
            time.sleep(0.05)
            if len(list(tmp_path.glob("out.mp4.*.parts/*.npz"))) > len(began):
                child.send_signal(signal.SIGKILL)
                kills += 1
                break
        child.wait()
    assert kills >= 2
    assert result.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.stress
def test_ten_minutes_stay_within_a_gigabyte(tmp_path, model):
    """The peak of memory, in a process of its own; 2 frames a second of 640 x 360.

    Not `ru_maxrss`: Linux counts in it the memory of the process that started this one.
    """
    if not Path("/proc/self/status").is_file():
        pytest.skip("the peak of memory is read from /proc, which this system does not have")
    ticks = [6400 * i for i in range(1200)]
    source = film(tmp_path / "in.mp4", 1200, (360, 640), times=ticks)
    assert times(source)[-1] == pytest.approx(599.5)
    code = (
        "import sys; from course_utils.__main__ import main; main(sys.argv[1:]);"
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    words = command(source, tmp_path / "out.mp4", model)[3:]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert len(times(tmp_path / "out.mp4")) == 1200, done.stderr
    assert int(done.stdout.split()[-1]) < 2**20  # kilobytes


def test_real_clips_have_no_cut(shared_data):
    if not Path(shared_data, "video").is_dir():
        pytest.skip("needs the clips of video/")
    for name in ("flower", "stream-of-water", "carphone_pristine"):
        frames = streams.frames(shared_data / "video" / f"{name}.mp4")
        L = [color.L(frame.rgb[::4, ::4]) for _, frame in zip(range(60), frames)]
        assert not any(steady.is_cut(*pair) for pair in zip(L[1:], L))
