"""Every image that people have comes in as (H, W, 3) uint8 RGB, or fails with its name."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from dwpose_annotator import load_image
from dwpose_annotator.images import MAX_PIXELS, save_image
from dwpose_annotator.resize import output_size_hw, short_side_hw

HEIGHT, WIDTH = 40, 60
GREY16 = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)


@pytest.fixture
def rgb():
    """A smooth colourful image, so that lossy formats stay close to it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x * 4, y * 6, 255 - x * 2 - y], axis=-1).astype(np.uint8)


def _is_image(array, size_hw=(HEIGHT, WIDTH)):
    return array.shape == (*size_hw, 3) and array.dtype == np.uint8 and array.flags.c_contiguous


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp"])
def test_lossless_formats_are_exact(suffix, rgb, tmp_path):
    path = tmp_path / f"photo.{suffix}"
    Image.fromarray(rgb).save(path, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(load_image(path), rgb)
    np.testing.assert_array_equal(load_image(str(path)), rgb)


def test_jpeg_has_the_pixels_that_pillow_sees(rgb, tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(rgb).save(path, quality=90)
    with Image.open(path) as image:
        np.testing.assert_array_equal(load_image(path), np.asarray(image))


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16", "F", "I"])
def test_grey_becomes_three_equal_channels(mode, rgb, tmp_path):
    path = tmp_path / ("grey.tiff" if mode in ("F", "I") else "grey.png")
    if mode == "I;16":
        Image.fromarray(GREY16).save(path)
        expected = np.rint(GREY16 / 257)
    elif mode == "I":
        Image.fromarray(GREY16.astype(np.int32)).save(path)
        expected = np.rint(GREY16 / 257)
    elif mode == "F":
        Image.fromarray((GREY16 / 65535).astype(np.float32)).save(path)
        expected = np.rint(GREY16 / 257)
    else:
        grey = Image.fromarray(rgb).convert(mode)
        grey.save(path)
        expected = np.asarray(grey.convert("L"))
    image = load_image(path)
    assert _is_image(image)
    for channel in range(3):
        np.testing.assert_allclose(image[..., channel], expected, atol=1)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bit_colour(suffix, rgb, tmp_path):
    path = tmp_path / f"deep.{suffix}"
    cv2.imwrite(str(path), rgb[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(load_image(path), rgb)


def test_transparency_is_white(rgb, tmp_path):
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, WIDTH // 2 :] = 255
    path = tmp_path / "cut_out.png"
    Image.fromarray(np.dstack([rgb, alpha])).save(path)
    image = load_image(path)
    assert (image[:, : WIDTH // 2] == 255).all()
    np.testing.assert_array_equal(image[:, WIDTH // 2 :], rgb[:, WIDTH // 2 :])


def test_palette_transparency_is_white(tmp_path):
    path = tmp_path / "palette.png"
    image = Image.new("P", (8, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(0, (0, 0, 4, 4))
    image.save(path, transparency=0)
    loaded = load_image(path)
    assert (loaded[:, :4] == 255).all()
    assert (loaded[:, 4:] == (0, 0, 255)).all()


def test_half_transparency_cuts_fractions_off():
    rgba = np.array([[[10, 20, 30, 128]]], np.uint8)
    # 10 * 128/255 + 255 * 127/255 = 132.02, and so on
    assert load_image(rgba).tolist() == [[[132, 137, 142]]]


@pytest.mark.parametrize("suffix", ["jpg", "tiff"])
def test_cmyk(suffix, rgb, tmp_path):
    path = tmp_path / f"print.{suffix}"
    Image.fromarray(rgb).convert("CMYK").save(path)
    image = load_image(path)
    assert _is_image(image)
    assert np.abs(image.astype(int) - rgb).mean() < 3


@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_first_frame_of_an_animation(suffix, tmp_path):
    path = tmp_path / f"moving.{suffix}"
    first, second = (Image.new("RGB", (9, 7), colour) for colour in ("red", "lime"))
    first.save(path, save_all=True, append_images=[second], duration=40)
    image = load_image(path)
    assert _is_image(image, (7, 9))
    assert (np.abs(image.astype(int) - (255, 0, 0)) <= 2).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_exif_orientation(orientation, suffix, rgb, tmp_path):
    path = tmp_path / f"turned.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(rgb).save(path, exif=exif, **({"quality": 95} if suffix == "jpg" else {}))
    turns = {1: rgb, 2: rgb[:, ::-1], 3: rgb[::-1, ::-1], 4: rgb[::-1]}
    turns |= {5: rgb.swapaxes(0, 1), 6: np.rot90(rgb, -1), 8: np.rot90(rgb)}
    turns[7] = np.rot90(rgb, 2).swapaxes(0, 1)
    image = load_image(path)
    assert image.shape == turns[orientation].shape
    assert np.abs(image.astype(int) - turns[orientation]).mean() < 2


@pytest.mark.parametrize("size_wh", [(1, 1), (20000, 20), (20, 20000)])
def test_extreme_sizes(size_wh, tmp_path):
    path = tmp_path / "extreme.png"
    Image.new("RGB", size_wh, "red").save(path)
    assert _is_image(load_image(path), size_wh[::-1])


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tiff", "webp"])
def test_truncated_files_are_named(suffix, tmp_path):
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.RandomState(0).randint(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(noise).save(path)
    data = path.read_bytes()
    for kept in (len(data) // 2, 30):
        path.write_bytes(data[:kept])
        with pytest.raises(ValueError, match=f"cut.{suffix}"):
            load_image(path)


def test_corrupt_png_is_named(rgb, tmp_path):
    path = tmp_path / "corrupt.png"
    Image.fromarray(rgb).save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"corrupt\.png"):
        load_image(path)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"hello " * 99, "not an image"), (b"<svg/>", "known")]
)
def test_files_that_are_no_images(content, reason, tmp_path):
    path = tmp_path / "fake.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"fake.png.*{reason}"):
        load_image(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        load_image(tmp_path / "nowhere.png")
    with pytest.raises(ValueError, match="a folder"):
        load_image(tmp_path)


def test_decompression_bomb_is_refused_before_decoding(tmp_path):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(ValueError, match=f"bomb.png.*{MAX_PIXELS}"):
        load_image(path)


def test_arrays(rgb):
    np.testing.assert_array_equal(load_image(rgb), rgb)
    np.testing.assert_array_equal(load_image(rgb.astype(np.uint16) * 257), rgb)
    np.testing.assert_array_equal(load_image(rgb / 255), rgb)
    np.testing.assert_array_equal(load_image(rgb[..., 0]), np.repeat(rgb[..., :1], 3, axis=2))
    np.testing.assert_array_equal(load_image(rgb[..., :1]), np.repeat(rgb[..., :1], 3, axis=2))
    assert _is_image(load_image(rgb[::2, ::-3]), (HEIGHT // 2, WIDTH // 3))
    assert set(np.unique(load_image(rgb > 99))) == {0, 255}


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((3, 0, 3), np.uint8),
        np.zeros((3, 3, 5), np.uint8),
        np.zeros((2, 3, 3, 3), np.uint8),
        np.zeros((3, 3, 3), np.int64),
        np.full((3, 3, 3), 200.0),
        np.full((3, 3, 3), np.nan),
        np.full((3, 3, 3), -0.1),
    ],
)
def test_wrong_arrays(array):
    with pytest.raises(ValueError, match="image"):
        load_image(array)


def test_wrong_types():
    with pytest.raises(ValueError, match="bytes"):
        load_image(b"\xff\xd8\xff")


def test_pil_images(rgb):
    np.testing.assert_array_equal(load_image(Image.fromarray(rgb)), rgb)
    assert (load_image(Image.new("RGBA", (3, 2))) == 255).all()


def test_saved_image_comes_back(rgb, tmp_path):
    save_image(tmp_path / "map.png", rgb)
    np.testing.assert_array_equal(load_image(tmp_path / "map.png"), rgb)
    assert [file.name for file in tmp_path.iterdir()] == ["map.png"]


def test_failed_save_keeps_the_old_file(rgb, tmp_path, monkeypatch):
    path = tmp_path / "map.png"
    save_image(path, rgb)
    before = path.read_bytes()

    def no_space(_source, _target):
        raise OSError("No space left on device")

    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(OSError, match="No space"):
        save_image(path, np.zeros_like(rgb))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["map.png"]


def test_unwritable_places(rgb, tmp_path):
    with pytest.raises(OSError, match=r"cannot write .*map\.png"):
        save_image(tmp_path / "missing" / "map.png", rgb)
    for name in ("map.nope", "map"):
        with pytest.raises(ValueError, match="ending"):
            save_image(tmp_path / name, rgb)
    with pytest.raises(ValueError, match="uint8 RGB"):
        save_image(tmp_path / "map.png", rgb[..., 0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("size_hw", "resolution", "expected"),
    [
        ((480, 640), 512, (512, 704)),  # 682.67 / 64 = 10.67 -> 11
        ((512, 512), 512, (512, 512)),
        ((1080, 1920), 540, (512, 960)),  # 540 / 64 = 8.44 -> 8
        ((20, 20000), 64, (64, 64000)),
        ((100, 100), 1, (64, 64)),
    ],
)
def test_output_size(size_hw, resolution, expected):
    assert output_size_hw(size_hw, resolution) == expected


def test_output_size_wants_pixels():
    with pytest.raises(ValueError, match="resolution"):
        output_size_hw((100, 100), 0)


def test_short_side():
    assert short_side_hw((480, 640), 512) == (512, 683)
    assert short_side_hw((1920, 1080), 512) == (910, 512)
    assert short_side_hw((1, 5000), 64) == (64, 320000)
