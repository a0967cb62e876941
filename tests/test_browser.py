"""The page that colorizes in the visitor's browser: tried in Chromium, compared with Python."""

import gzip
import io
import json
import struct
import threading
import zlib

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from course_utils import color, files
from course_utils.colorizer import BEST, LABEL, Colorizer, label, names
from course_utils.photos import album
from deploy.browser import build, serving

DONE = "#frame:not([aria-busy])"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The page with the shipped files, built once."""
    folder = tmp_path_factory.mktemp("browser")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "source", lambda name: files.CHECKPOINTS / f"{name}.onnx")
        try:
            build.build(folder)
        except OSError as error:
            pytest.skip(str(error))
    return folder


@pytest.fixture
def site(folder):
    """A server of the page on this machine, and its address."""
    server = serving.server(folder)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def page(folder, browser):
    """The page, open in Chromium, for all tests that leave it as usable as it was."""
    server = serving.server(folder)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    page = opened(browser.new_page(), f"http://127.0.0.1:{server.server_port}/")
    yield page
    page.close()
    server.shutdown()
    server.server_close()


def opened(page, address):
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def a_file(rgb, kind="PNG", name="photo", **options):
    """A picture as a visitor chooses it."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, kind, **options)
    suffix = kind.lower().replace("jpeg", "jpg")
    kind = f"image/{kind.lower()}"
    return {"name": f"{name}.{suffix}", "mimeType": kind, "buffer": buffer.getvalue()}


def said(page, file):
    """Choose a file; what the page says when it is done."""
    page.set_input_files("#file", file)
    page.wait_for_selector(DONE)
    return page.inner_text("#status")


def result(page, folder):
    """The path of the file that Download gives."""
    with page.expect_download() as download:
        page.click("#download")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def pixels(path):
    return np.array(Image.open(path).convert("RGB"))


def apart(one, other):
    return np.abs(one.astype(int) - other)


# --- the same pixels as Python


@pytest.mark.parametrize("name", names())
def test_every_colorizer_gives_the_pixels_that_python_gives(name, page, tmp_path):
    rgb = album("test")[names().index(name)].rgb
    page.select_option("#model", name)
    assert said(page, a_file(rgb)).startswith(f"In color: {rgb.shape[1]} × {rgb.shape[0]} pixels")
    off = apart(pixels(result(page, tmp_path)), Colorizer.load(name).colorize(rgb))
    assert off.max() <= 2 and (off > 0).mean() < 0.001
    page.select_option("#model", BEST)


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (1031, 97), (160, 160)], ids=str)
def test_sizes_of_all_kinds(shape, page, tmp_path):
    rgb = np.random.default_rng(7).integers(0, 256, (*shape, 3), np.uint8)
    said(page, a_file(rgb))
    off = apart(pixels(result(page, tmp_path)), Colorizer.load(BEST).colorize(rgb))
    assert off.max() <= 2 and (off > 0).mean() < 0.001


def test_black_stays_black_white_white_and_lightness_as_it_was(page, tmp_path):
    gray = np.linspace(0, 255, 256).round().astype(np.uint8)
    rgb = np.repeat(np.broadcast_to(gray, (200, 256))[..., None], 3, 2)
    said(page, a_file(rgb))
    painted = pixels(result(page, tmp_path))
    assert not painted[:, 0].any() and (painted[:, -1] == 255).all()
    assert np.ptp(painted.astype(int), axis=2).max() > 10, "nothing was colored"
    assert np.abs(color.L(painted) - color.L(rgb)).max() < 1


def test_temperature_and_rare_colors_are_those_of_python(page, tmp_path):
    name, rgb = "05_quantized_classification", album("test")[1].rgb
    said(page, a_file(rgb))
    assert page.is_hidden("#T")
    page.select_option("#model", name)
    for control, value in (("#T", "0.3"), ("#rebalance", "0.5")):
        page.locator(control).fill(value)
        page.locator(control).dispatch_event("change")
    page.wait_for_selector(DONE)
    assert (page.inner_text("#T_said"), page.inner_text("#rebalance_said")) == ("0.30", "50 %")
    painted = pixels(result(page, tmp_path))
    page.select_option("#model", BEST)
    page.wait_for_selector(DONE)
    model = Colorizer.load(name)
    assert apart(painted, model.colorize(rgb, 0.3, 0.5)).max() <= 2
    assert apart(painted, model.colorize(rgb)).mean() > 1, "the settings changed nothing"


def test_what_is_transparent_lies_on_white(page, tmp_path):
    rgba = np.zeros((60, 80, 4), np.uint8)
    rgba[:30] = 40, 90, 160, 255
    said(page, a_file(rgba))
    assert (pixels(result(page, tmp_path))[31:] >= 254).all()


# --- the file


def test_a_jpeg_is_upright_labelled_and_keeps_what_its_camera_said(page, tmp_path):
    rgb = album("test")[0].rgb
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E], exif[0x8298] = "Großmutter, 1931".encode(), "© Anna".encode()
    exif.get_ifd(0x8769)[0x9003] = "1931:05:01 12:00:00"
    exif.get_ifd(0x8825)[1] = "N"
    turned = np.ascontiguousarray(np.rot90(rgb))  # 6: to be turned clockwise
    photo = a_file(turned, "JPEG", "grandmother", exif=exif, quality=95, subsampling=0)
    said(page, photo)
    path = result(page, tmp_path)
    assert path.name == "grandmother_colorized.jpg"
    model = Colorizer.load(BEST)
    assert label(path) == (LABEL + BEST, model.fingerprint(photo["buffer"]))
    with Image.open(path) as image:
        assert image.size == (rgb.shape[1], rgb.shape[0])
        assert {layer[1:3] for layer in image.layer} == {(1, 1)}, "color at half resolution"
        kept = image.getexif()
    wanted = "Großmutter, 1931; " + LABEL + BEST
    assert kept[0x010E].encode("latin-1").decode() == wanted
    assert 0x0112 not in kept and kept[0x8298].encode("latin-1").decode() == "© Anna"
    assert kept.get_ifd(0x8769)[0x9003] == "1931:05:01 12:00:00"
    assert kept.get_ifd(0x8825)[1] == "N"
    upright = np.array(
        Image.open(io.BytesIO(photo["buffer"])).transpose(Image.Transpose.ROTATE_270)
    )
    assert apart(pixels(path), model.colorize(upright)).mean() < 1


@pytest.mark.parametrize("endian", ["<", ">"])
def test_a_png_keeps_its_texts_and_is_labelled_in_both_places(endian, page, tmp_path):
    from PIL.PngImagePlugin import PngInfo

    texts, exif = PngInfo(), Image.Exif()
    texts.add_text("Author", "Anna")
    texts.add_itxt("Description", "Omsk, зима")
    exif.endian, exif[0x013B] = endian, "Anna"
    said(page, a_file(np.full((20, 30, 3), 90, np.uint8), pnginfo=texts, exif=exif))
    path = result(page, tmp_path)
    assert label(path)[0] == LABEL + BEST
    with Image.open(path) as image:
        image.load()
        assert image.text["Description"] == "Omsk, зима; " + LABEL + BEST
        assert image.text["Author"] == "Anna" and image.getexif()[0x013B] == "Anna"


def test_damaged_exif_is_no_reason_to_refuse_a_photograph(page, tmp_path):
    photo = a_file(np.full((20, 30, 3), 90, np.uint8), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\0\0ab")
    assert said(page, photo).startswith("In color")
    assert label(result(page, tmp_path))[0] == LABEL + BEST


def test_the_first_picture_carries_its_label_too(folder):
    assert label(folder / "sample_color.png")[0] == LABEL + BEST
    gray, painted = pixels(folder / "sample.png"), pixels(folder / "sample_color.png")
    assert np.array_equal(Colorizer.load(BEST).colorize(gray), painted)


# --- what it refuses


def a_bomb(width, height):
    """The head of a PNG of that size; it holds no pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body


REFUSED = {
    "IMG_1.heic": (b"\0\0\0\x18ftypheic" + bytes(100), "HEIC picture"),
    "scan.tif": (b"II*\0" + bytes(100), "TIFF picture"),
    "film.mp4": (b"\0\0\0\x18ftypisom" + bytes(100), "video"),
    "page.pdf": (b"%PDF-1.7" + bytes(100), "PDF"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "drawing"),
    "empty.png": (b"", "empty"),
    "noise.jpg": (b"no picture at all", "damaged, no picture or far too large"),
    "bomb.png": (a_bomb(12000, 12000), "144 million pixels"),
    "bigger_bomb.png": (a_bomb(60000, 60000), "far too large"),
    "cut.png": (a_bomb(300, 200)[:60], "damaged or cut short"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_photograph_gets_one_sentence(name, page):
    data, why = REFUSED[name]
    words = said(page, {"name": name, "mimeType": "image/png", "buffer": data})
    assert why in words and words.startswith(name) and words.endswith("."), words
    assert words.count(".") == 2 and page.locator("#status.failed").count() == 1
    assert page.is_visible("#color"), "what was there before is gone"
    page.select_option("#model", BEST)
    page.locator("#model").dispatch_event("change")
    page.wait_for_selector(DONE)
    assert page.inner_text("#status").startswith("In color"), "settings act on the refused file"


# --- quick, private, offline


def test_the_page_stays_awake_and_the_last_wish_counts(page):
    big = a_file(np.tile(album("test")[0].rgb, (8, 6, 1)), name="big")
    page.evaluate(
        "() => { window.said = new Set(); window.ticks = 0; setInterval(() => {"
        " ticks++; said.add(document.querySelector('#status').textContent) }, 50) }"
    )
    words = said(page, big)
    ticks, seen = page.evaluate("[ticks, [...said]]")
    seconds = float(page.get_attribute("#status", "data-all"))
    assert ticks > 0.5 * seconds / 0.05, "the page slept"
    assert any(line.startswith("Adding color: ") for line in seen), seen
    assert words.startswith("In color: 2304 × 1920 pixels")
    page.set_input_files("#file", big)
    assert "20 × 30" in said(page, a_file(np.full((30, 20, 3), 90, np.uint8), name="small"))
    page.wait_for_timeout(500)
    assert "20 × 30" in page.inner_text("#status"), "an older job answered last"


def test_nothing_leaves_the_machine_and_it_works_without_network(site, browser):
    server, address = site
    context = browser.new_context()
    asked = []
    context.on("request", lambda request: asked.append(request))
    page = opened(context.new_page(), address)
    page.wait_for_selector("#offline:not(:empty)", state="attached")
    secret = a_file(album("test")[0].rgb, name="secret")
    assert said(page, secret).startswith("In color")
    assert len(asked) > 10
    for request in asked:
        assert request.method == "GET" and request.post_data_buffer is None, request.url
        assert request.url.startswith((address, f"blob:{address}")), request.url
        assert "secret" not in request.url and "?" not in request.url
    server.shutdown()
    server.server_close()
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert said(page, secret).startswith("In color")
    page.select_option("#model", names()[0])
    page.wait_for_selector(DONE)
    assert "could not be fetched: connect once" in page.inner_text("#status")
    context.close()


def test_the_policy_lets_no_script_in_and_nothing_out(page, site):
    assert "unsafe-inline" not in build.POLICY and "'unsafe-eval'" not in build.POLICY
    assert page.get_attribute("meta[http-equiv=Content-Security-Policy]", "content") == build.POLICY
    blocked = page.evaluate(
        "() => fetch('https://example.org/', {method: 'POST'}).then(() => 'sent', String)"
    )
    assert "TypeError" in blocked
    run = page.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'ran = 1';"
        "document.body.append(script); script.remove(); return 'ran' in window }"
    )
    assert not run


# --- for everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_screen_readers_and_narrow_screens(width, scheme, page):
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    page.select_option("#model", "05_quantized_classification")  # shows all controls
    page.wait_for_selector(DONE)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.select_option("#model", BEST)
    page.wait_for_selector(DONE)


def test_dark_mode_leaves_pictures_as_they_are(page):
    seen = []
    page.locator("#split").fill("100")  # the gray picture alone, but for the line at the edge
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        shot = Image.open(io.BytesIO(page.locator("#frame").screenshot())).convert("RGB")
        width, height = shot.size
        middle = (width // 5, height // 5, width * 4 // 5, height * 4 // 5)
        seen.append(
            (np.array(shot.crop(middle)), page.evaluate("getComputedStyle(document.body).color"))
        )
    assert np.array_equal(seen[0][0], seen[1][0]) and seen[0][1] != seen[1][1]


def test_the_slider_obeys_keys_and_pointer(page):
    shown = "document.querySelector('#split').value"
    clipped = "getComputedStyle(document.querySelector('#color')).clipPath"
    page.locator("#split").fill("40")
    page.focus("#split")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(shown) == "41" and "41%" in page.evaluate(clipped)
    page.keyboard.press("Home")
    assert page.evaluate(shown) == "0"
    box = page.locator("#frame").bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 3)
    assert abs(int(page.evaluate(shown)) - 75) <= 3


def test_controls_are_reached_by_keys_in_reading_order(site, browser):
    page = opened(browser.new_page(), site[1])
    order = []
    for _ in range(4):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id"))
    assert order == ["split", "file", "download", "model"]
    page.close()


# --- building and serving


def test_optional_inputs_become_inputs_and_the_answer_stays():
    name = "05_quantized_classification"
    data = build.for_the_web(files.CHECKPOINTS / f"{name}.onnx")
    session = onnxruntime.InferenceSession(data)
    assert [node.name for node in session.get_inputs()] == ["L", "T", "rebalance"]
    L = np.random.default_rng(0).uniform(0, 100, (1, 1, 40, 50)).astype(np.float32)
    feeds = {"L": L, "T": np.float32(0.4), "rebalance": np.float32(0.2)}
    [ab] = session.run(["ab"], {k: np.asarray(v) for k, v in feeds.items()})
    wanted = Colorizer.load(name).ab(L[0].transpose(1, 2, 0), 0.4, 0.2)
    assert np.abs(ab[0].transpose(1, 2, 0) - wanted).max() < 1e-4
    path = files.CHECKPOINTS / f"{BEST}.onnx"
    assert build.for_the_web(path) == path.read_bytes()


def test_a_file_that_passed_the_gate_is_taken_before_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    assert build.source(BEST) == files.CHECKPOINTS / f"{BEST}.onnx"
    small = tmp_path / "build" / "int8" / f"{BEST}.onnx"
    small.parent.mkdir(parents=True)
    small.write_bytes(b"")
    assert build.source(BEST) == small


def test_what_is_kept_at_the_first_visit_is_there(folder):
    about = json.loads((folder / "build.json").read_text("utf-8"))
    for file in about["first"]:
        assert (folder / file).exists(), file
    page_files = {path.name for path in folder.iterdir() if path.is_file()} - {"sw.js"}
    assert page_files <= set(about["first"]), "a file of the page is not kept"
    assert "BUILD" not in (folder / "sw.js").read_text("utf-8").partition("\n\n")[2]
    notices = (folder / "licences.txt").read_text("utf-8")
    for word in ("Microsoft", "Apache License", "Prokudin-Gorskii", *names()):
        assert word in notices


def test_the_runtime_is_stored_packed_and_whole(folder):
    packed = folder / "vendor" / (build.RUNTIME[3] + ".gz")
    whole = build.ROOT / "build" / "vendor" / build.RUNTIME[3]
    assert gzip.decompress(packed.read_bytes()) == whole.read_bytes()
    assert packed.stat().st_size < whole.stat().st_size / 3


def test_a_page_may_have_the_best_colorizer_alone(tmp_path):
    try:
        page = build.build(tmp_path, [BEST])
    except OSError as error:
        pytest.skip(str(error))
    assert len(list((tmp_path / "models").iterdir())) == 1
    assert page.read_text("utf-8").count("<option") == 1


def test_the_server_gives_types_and_headers(site):
    requests = pytest.importorskip("requests")
    for file, kind in (
        ("", "text/html"),
        ("page.js", "text/javascript"),
        (build.RUNTIME[2], "text/javascript"),
        (build.RUNTIME[3] + ".gz", "application/gzip"),
        ("app.webmanifest", "application/manifest+json"),
    ):
        file = f"vendor/{file}" if file.startswith("onnx") else file
        answer = requests.head(site[1] + file, timeout=5)
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert build.POLICY in answer.headers["Content-Security-Policy"]
