"""Writes pictures/: one picture in many formats, by Pillow (`pip install pillow`), for ImageDecoderTests.swift and pictures.c.

Red is 30 x + 10 y, green 255 - 40 y, blue 9 x y, of 7 columns and 5 rows.
"""

import pathlib

from PIL import Image

folder = pathlib.Path(__file__).parent / "pictures"
image = Image.new("RGB", (7, 5))
image.putdata([(30 * x + 10 * y, 255 - 40 * y, 9 * x * y) for y in range(5) for x in range(7)])
with_alpha = image.convert("RGBA")
with_alpha.putalpha(Image.frombytes("L", (7, 5), bytes(7 * i for i in range(35))))
red = image.getchannel("R")
deep = Image.new("I;16", (7, 5))
deep.putdata([257 * value for value in red.getdata()])

FILES = {
    "rgb.bmp": (image, {}),
    "alpha.bmp": (with_alpha, {}),
    "palette.bmp": (image.quantize(64), {}),
    "gray.bmp": (red, {}),
    "rgb.ppm": (image, {}),
    "gray.pgm": (red, {}),
    "bits.pbm": (red.convert("1", dither=Image.Dither.NONE), {}),
    "rgb.png": (image, {}),
    "alpha.png": (with_alpha, {}),
    "palette.png": (image.quantize(64), {}),
    "gray16.png": (deep, {}),
    "smooth.jpg": (image, {"quality": 100, "subsampling": 0}),
    "progressive.jpg": (image, {"quality": 60, "progressive": True}),
    "gray.jpg": (red, {"quality": 100}),
    "inks.jpg": (image.convert("CMYK"), {"quality": 100}),
    "lossless.webp": (with_alpha, {"lossless": True, "exact": True}),
    "lossy.webp": (image, {"quality": 80}),
    "plain.tiff": (image, {}),
    "lzw.tiff": (image, {"compression": "tiff_lzw"}),
    "deflate-alpha.tiff": (with_alpha, {"compression": "tiff_adobe_deflate"}),
    "fax.tiff": (red.convert("1", dither=Image.Dither.NONE), {"compression": "group4"}),
    "jpeg.tiff": (image, {"compression": "jpeg"}),
    # The first row of the file is the right column of the picture.
    "turned.tiff": (image.transpose(Image.Transpose.ROTATE_90), {"tiffinfo": {274: 6}}),
    "gray16.tiff": (deep, {}),
    "rgb.jp2": (image, {}),
    "alpha.jp2": (with_alpha, {}),
    "lossy.jp2": (image, {"irreversible": True}),
    "stream.j2k": (image, {"no_jp2": True}),
}

folder.mkdir(exist_ok=True)
for name, (picture, options) in FILES.items():
    picture.save(folder / name, "JPEG2000" if name.endswith(("jp2", "j2k")) else None, **options)
