#!/usr/bin/env python3
"""Draw the photographs of examples/museum: brass, boxwood and pewter on linen, made of arithmetic.

    python3 -m venv art && art/bin/pip install pillow numpy
    art/bin/python scripts/draw_museum_images.py            # all of them, some seconds
    art/bin/python scripts/draw_museum_images.py M1987-001  # only those named

Each picture has its own seed, so a rerun gives the same picture. They may be used freely under the licence of
this repository.
"""

import math
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

OUT = Path(__file__).resolve().parent.parent / "examples" / "museum" / "content" / "photos"
W, H = 1120, 840
S = 2  # everything is drawn at twice the size
BRASS, STEEL, PEWTER, WOOD, BOX, IVORY, INK = (
    (203, 164, 92), (172, 178, 184), (158, 160, 158), (112, 68, 42), (206, 164, 100), (238, 230, 208), (38, 34, 30))


class Picture:
    """A backdrop on which layers are laid, each with its shadow."""

    def __init__(self, name, tone):
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        y, x = np.mgrid[0 : H * S, 0 : W * S].astype(np.float32)
        light = 1.12 - 0.42 * np.hypot(x / (W * S) - 0.32, (y / (H * S) - 0.22) * 0.8)
        weave = Image.fromarray(rng.normal(128, 30, (H // 2, W // 2)).clip(0, 255).astype(np.uint8))
        weave = np.asarray(weave.resize((W * S, H * S), Image.BICUBIC), np.float32) / 128 - 1
        rgb = np.array(tone, np.float32) * (light + 0.018 * weave)[..., None]
        self.image = Image.fromarray(rgb.clip(0, 255).astype(np.uint8))

    def lay(self, layer, shadow=26):
        if shadow:
            dark = Image.new("RGBA", layer.size, (24, 18, 12, 0))
            dark.putalpha(layer.getchannel("A").point(lambda a: a * 0.55))
            dark = dark.filter(ImageFilter.GaussianBlur(shadow * S / 2))
            self.image.paste(dark, (shadow * S // 2, shadow * S), dark)
        self.image.paste(layer, (0, 0), layer)

    def save(self, name):
        picture = self.image.resize((1024, 768), Image.LANCZOS)
        picture.save(OUT / f"{name}.jpg", quality=78, optimize=True, progressive=True)


def layer():
    image = Image.new("RGBA", (W * S, H * S), (0, 0, 0, 0))
    return image, ImageDraw.Draw(image)


def filled(shape, colour, shade):
    """A colour times a shade (an array of the picture's size), where `shape` draws a mask."""
    mask = Image.new("L", (W * S, H * S), 0)
    shape(ImageDraw.Draw(mask))
    rgb = (np.array(colour, np.float32) * shade[..., None]).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(rgb).convert("RGBA")
    image.putalpha(mask)
    return image


def axes():
    return np.mgrid[0 : H * S, 0 : W * S].astype(np.float32)


def turned(cx, cy, phase=0.0):
    """The sheen of metal turned on a lathe."""
    y, x = axes()
    angle = np.arctan2(y - cy * S, x - cx * S)
    return 0.82 + 0.17 * np.cos(2 * (angle - phase)) + 0.05 * np.cos(6 * angle + 1) - 0.0001 * (y - cy * S)


def round_bar(low, high, upright=True, edge=0.45):
    """The shade across a cylinder between two coordinates."""
    y, x = axes()
    t = ((x if upright else y) / S - low) / (high - low)
    return edge + (1.2 - edge) * np.exp(-(((t - 0.34) / 0.3) ** 2)) + 0.18 * np.exp(-(((t - 0.92) / 0.06) ** 2))


def grained(rng_seed, along_x=True):
    rng = np.random.default_rng(rng_seed)
    size = (24, 420) if along_x else (420, 24)
    grain = Image.fromarray(rng.normal(128, 40, size[::-1]).clip(0, 255).astype(np.uint8))
    y, x = axes()
    return 0.86 + 0.22 * (np.asarray(grain.resize((W * S, H * S), Image.BICUBIC), np.float32) / 255) - y / (H * S) * 0.12


def box(x0, y0, x1, y1, radius=0):
    return lambda d: d.rounded_rectangle([x0 * S, y0 * S, x1 * S, y1 * S], radius * S, fill=255)


def disc(cx, cy, r):
    return lambda d: d.ellipse([(cx - r) * S, (cy - r) * S, (cx + r) * S, (cy + r) * S], fill=255)


def poly(*points):
    return lambda d: d.polygon([(x * S, y * S) for x, y in points], fill=255)


def at(cx, cy, r, degrees):
    a = math.radians(degrees - 90)
    return cx + r * math.cos(a), cy + r * math.sin(a)


def line(d, a, b, width, colour=INK):
    d.line([a[0] * S, a[1] * S, b[0] * S, b[1] * S], fill=colour, width=max(1, round(width * S)))


def text(d, x, y, words, size, colour=INK):
    d.text((x * S, y * S), words, font=ImageFont.load_default(size * S), fill=colour, anchor="mm")


def dial(p, cx, cy, r, rim, face, steps, start=0, sweep=360, labels=(), lr=0.74, size=24):
    """A round instrument: rim, face, graduations and words around it."""
    p.lay(filled(disc(cx, cy, r), rim, turned(cx, cy, 0.8)), 34)
    p.lay(filled(disc(cx, cy, r * 0.9), rim, turned(cx, cy, 2.3) * 0.72), 0)
    y, x = axes()
    p.lay(filled(disc(cx, cy, r * 0.86), face, 1.06 - np.hypot(x - (cx - r * 0.4) * S, y - (cy - r * 0.5) * S) / (r * S * 9)), 0)
    image, d = layer()
    for i in range(steps + (sweep != 360)):
        a = start + sweep * i / steps
        long = i % 5 == 0
        line(d, at(cx, cy, r * 0.83, a), at(cx, cy, r * (0.75 if long else 0.79), a), 2.4 if long else 1.2)
    for i, words in enumerate(labels):
        a = start + sweep * i / (len(labels) - (sweep != 360) or 1)
        text(d, *at(cx, cy, r * lr * 0.9, a), words, size)
    p.lay(image, 0)


def hand(p, cx, cy, length, degrees, width, colour=INK, tail=0.25):
    image, d = layer()
    tip, back = at(cx, cy, length, degrees), at(cx, cy, length * tail, degrees + 180)
    left, right = at(cx, cy, width, degrees - 90), at(cx, cy, width, degrees + 90)
    d.polygon([(x * S, y * S) for x, y in (tip, left, back, right)], fill=colour)
    p.lay(image, 4)


def ruler(d, x0, x1, y, height, steps, down=True, size=16, first=0):
    for i in range(steps + 1):
        x, long = x0 + (x1 - x0) * i / steps, i % 8 == 0
        reach = height * (0.5 if long else 0.32 if i % 4 == 0 else 0.2)
        line(d, (x, y), (x, y + (reach if down else -reach)), 1.6)
        if long and i < steps:
            text(d, x + 12, y + (height * 0.62 if down else -height * 0.62), str(first + i // 8), size)


# ── The objects ──────────────────────────────────────────────────────────────────────────────────────────


def barometer(p):
    words = ("STORMY", "RAIN", "CHANGE", "FAIR", "VERY DRY")
    dial(p, 560, 420, 330, BRASS, IVORY, 60, 225, 270, words, 0.7, 21)
    hand(p, 560, 420, 228, 24, 8, (44, 60, 92))
    hand(p, 560, 420, 190, 352, 5, (168, 124, 52))
    p.lay(filled(disc(560, 420, 20), BRASS, turned(560, 420)), 4)


def compass(p):
    dial(p, 560, 420, 300, BRASS, (232, 226, 206), 72, 0, 360, ("N", "E", "S", "W"), 0.72, 34)
    for turn, length in ((45, 120), (0, 176)):
        for a in range(turn, 360 + turn, 90):
            for side, colour in ((-1, (52, 46, 40)), (1, (186, 170, 136))):
                image, d = layer()
                points = (at(560, 420, length, a), (560, 420), at(560, 420, 34, a + side * 45))
                d.polygon([(x * S, y * S) for x, y in points], fill=colour)
                p.lay(image, 0)
    hand(p, 560, 420, 210, 18, 9, (52, 74, 112), 0.05)
    hand(p, 560, 420, 210, 198, 9, (196, 196, 192), 0.05)
    p.lay(filled(disc(560, 420, 14), BRASS, turned(560, 420)), 3)


def sundial(p):
    p.lay(filled(box(250, 110, 870, 730, 6), (112, 118, 122), grained(5) * 0.95), 30)
    image, d = layer()
    for inset in (26, 88):
        d.rectangle([(250 + inset) * S, (110 + inset) * S, (870 - inset) * S, (730 - inset) * S], outline=(58, 62, 66), width=3 * S)
    hours = ("VI", "VII", "VIII", "IX", "X", "XI", "XII", "I", "II", "III", "IIII", "V", "VI")
    for i, words in enumerate(hours):
        a = math.degrees(math.atan(math.tan(math.radians((i - 6) * 14.99)) * 0.79)) if 0 < i < 12 else (i - 6) * 15
        reach = 1 / max(abs(math.sin(math.radians(a))), abs(math.cos(math.radians(a))))
        line(d, at(560, 560, 60, a), at(560, 560, min(222 * reach, 330), a), 2, (62, 66, 70))
        text(d, *at(560, 560, min(250 * reach, 372), a), words, 20, (226, 224, 214))
    p.lay(image, 0)
    image, d = layer()
    d.polygon([(x * S, y * S) for x, y in ((560, 560), (560, 300), (690, 330))], fill=(20, 20, 22, 110))
    p.lay(image.filter(ImageFilter.GaussianBlur(5 * S)), 0)
    p.lay(filled(poly((552, 566), (556, 296), (564, 296), (568, 566)), BRASS, round_bar(548, 572)), 6)


def weights(p):
    p.lay(filled(box(150, 560, 970, 690, 10), WOOD, grained(9) * 1.02), 34)
    x = 190
    for r, height in ((82, 210), (66, 168), (52, 132), (40, 104), (31, 82), (24, 64)):
        cx = x + r
        body = round_bar(x, x + 2 * r)
        p.lay(filled(box(cx - r * 0.16, 574 - height - r * 0.5, cx + r * 0.16, 580 - height), BRASS, round_bar(cx - r * 0.16, cx + r * 0.16)), 8)
        p.lay(filled(disc(cx, 574 - height - r * 0.55, r * 0.36), BRASS, round_bar(cx - r * 0.36, cx + r * 0.36)), 10)
        p.lay(filled(box(x, 574 - height, x + 2 * r, 600, 8), BRASS, body), 16)
        p.lay(filled(box(x + 3, 590 - height, x + 2 * r - 3, 594 - height), BRASS, body * 0.66), 0)
        x += 2 * r + 26
    p.lay(filled(box(150, 592, 970, 690, 10), WOOD, grained(9)), 0)


def folding_rule(p):
    points = ((150, 300), (480, 170), (420, 520), (780, 360), (930, 660))
    for i, ((x0, y0), (x1, y1)) in enumerate(zip(points, points[1:])):
        length, turn = math.hypot(x1 - x0, y1 - y0), math.degrees(math.atan2(y1 - y0, x1 - x0))
        image = filled(box(560 - length / 2 - 24, 390, 560 + length / 2 + 24, 450, 26), BOX, grained(20 + i))
        d = ImageDraw.Draw(image)
        ruler(d, 560 - length / 2 + 18, 560 + length / 2 - 18, 391, 58, 48, True, 14, 1 + i * 6)
        for end in (-1, 1):
            x = 560 + end * length / 2
            d.ellipse([(x - 17) * S, 403 * S, (x + 17) * S, 437 * S], fill=BRASS, outline=(120, 90, 40), width=S)
        image = image.rotate(-turn, Image.BICUBIC, translate=(((x0 + x1) / 2 - 560) * S, ((y0 + y1) / 2 - 420) * S))
        p.lay(image, 14)


def thermometer(p):
    p.lay(filled(box(440, 60, 680, 780, 20), WOOD, grained(31, False) * 1.05), 30)
    p.lay(filled(box(490, 110, 630, 730, 6), IVORY, grained(33, False)), 4)
    image, d = layer()
    for i in range(71):
        y, long = 640 - i * 7, i % 10 == 0
        line(d, (548 - (22 if long else 12), y), (548, y), 1.5)
        if long:
            text(d, 508, y, str(i + 20), 15)
    for words, degrees in (("SUMMER", 58), ("TEMPERATE", 36), ("FREEZING", 12)):
        text(d, 598, 640 - degrees * 7, words, 9)
    p.lay(image, 0)
    p.lay(filled(box(551, 130, 569, 680, 9), (216, 220, 220), round_bar(549, 571)), 4)
    p.lay(filled(box(556, 360, 564, 690), (150, 34, 30), round_bar(553, 567, edge=0.7)), 0)
    p.lay(filled(disc(560, 690, 20), (158, 36, 32), turned(556, 684) * 1.05), 4)


def pint(p):
    image, d = layer()
    d.arc([560 * S, 270 * S, 810 * S, 600 * S], -80, 84, fill=PEWTER, width=30 * S)
    p.lay(image, 18)
    p.lay(filled(poly((400, 180), (660, 180), (710, 690), (350, 690)), PEWTER, round_bar(360, 700)), 32)
    for y, grow in ((176, 8), (300, -2), (560, 10), (664, 22)):
        p.lay(filled(box(400 - grow - (y - 180) * 0.098, y, 660 + grow + (y - 180) * 0.098, y + 18, 8), PEWTER, round_bar(360, 700) * 1.12), 4)
    image, d = layer()
    text(d, 520, 420, "PINT", 40, (74, 76, 76))
    text(d, 520, 470, "V R 1873", 20, (84, 86, 86))
    p.lay(image, 0)


def spring_balance(p):
    image, d = layer()
    d.ellipse([510 * S, 60 * S, 610 * S, 160 * S], outline=STEEL, width=14 * S)
    d.arc([500 * S, 690 * S, 600 * S, 790 * S], -90, 170, fill=STEEL, width=16 * S)
    line(d, (553, 640), (553, 696), 14, STEEL)
    p.lay(image, 16)
    p.lay(filled(box(470, 150, 650, 660, 26), BRASS, round_bar(440, 690, edge=0.62)), 30)
    image, d = layer()
    d.rounded_rectangle([546 * S, 190 * S, 574 * S, 620 * S], 8 * S, fill=(52, 40, 22))
    for i in range(33):
        y, long = 205 + i * 12.5, i % 4 == 0
        line(d, (540, y), (540 - (24 if long else 12), y), 2, (60, 44, 18))
        if long:
            text(d, 498, y, str(i // 2), 18, (60, 44, 18))
    text(d, 610, 620, "lb", 22, (60, 44, 18))
    p.lay(image, 0)
    p.lay(filled(box(520, 318, 600, 330, 4), STEEL, round_bar(520, 600)), 5)


def sandglass(p):
    for x in (410, 700):
        p.lay(filled(box(x - 12, 150, x + 12, 690), WOOD, round_bar(x - 12, x + 12)), 16)
    p.lay(filled(poly((440, 170), (680, 170), (668, 300), (568, 420), (668, 540), (680, 670), (440, 670), (452, 540), (552, 420), (452, 300)), (206, 212, 208), round_bar(440, 680, edge=0.72)), 18)
    p.lay(filled(poly((462, 300), (658, 300), (566, 414), (554, 414)), (190, 132, 84), grained(51)), 0)
    p.lay(filled(poly((560, 560), (664, 640), (670, 662), (450, 662), (456, 640)), (190, 132, 84), grained(52)), 0)
    p.lay(filled(box(557, 410, 563, 570), (190, 132, 84), grained(53)), 0)
    for y in (120, 668):
        p.lay(filled(box(370, y, 750, y + 50, 10), WOOD, grained(54) * 1.05), 14)


def watch(p):
    p.lay(filled(box(528, 70, 592, 170, 14), STEEL, round_bar(528, 592)), 12)
    dial(p, 560, 460, 310, STEEL, (244, 242, 234), 60, 0, 360, ("XII", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI"), 0.74, 32)
    dial(p, 560, 570, 66, (214, 208, 192), (244, 242, 234), 12)
    hand(p, 560, 460, 140, 304, 9)
    hand(p, 560, 460, 214, 50, 7)
    hand(p, 560, 570, 48, 150, 2)
    p.lay(filled(disc(560, 460, 12), STEEL, turned(560, 460)), 2)


def slide_rule(p):
    image = filled(box(110, 340, 1010, 500, 6), BOX, grained(71) * 1.06)
    p.lay(image.rotate(9, Image.BICUBIC), 26)
    image = filled(box(200, 388, 1090, 452), IVORY, grained(72))
    d = ImageDraw.Draw(image)
    for base, y, down in ((220, 389, True), (160, 451, False)):
        for i in range(100, 1000, 5):
            x = base + 820 * math.log10(i / 100)
            if i % 100 == 0 or (i % 50 == 0 and i < 600) or (i % 10 == 0 and i < 400) or i < 200:
                reach = 20 if i % 100 == 0 else 14 if i % 50 == 0 else 8
                line(d, (x, y), (x, y + reach if down else y - reach), 1.4)
                if i % 100 == 0 and (210 < x < 1070):
                    text(d, x + 9, y + (22 if down else -22), str(i // 100), 14)
    p.lay(image.rotate(9, Image.BICUBIC), 6)
    image = filled(box(560, 322, 640, 518, 6), STEEL, round_bar(560, 640, edge=0.7))
    ImageDraw.Draw(image).rectangle([574 * S, 344 * S, 626 * S, 496 * S], fill=(226, 222, 206, 90), outline=(110, 112, 112), width=S)
    line(ImageDraw.Draw(image), (600, 344), (600, 496), 1.4, (130, 20, 20))
    p.lay(image.rotate(9, Image.BICUBIC), 10)


def balance(p):
    p.lay(filled(box(380, 700, 740, 750, 10), WOOD, grained(81)), 26)
    p.lay(filled(poly((548, 700), (552, 180), (568, 180), (572, 700)), BRASS, round_bar(544, 576)), 18)
    image, d = layer()
    for x, y in ((250, 212), (870, 176)):
        for reach in (-108, 108):
            line(d, (x, y), (x + reach, y + 330), 2, (120, 96, 52))
    p.lay(image, 8)
    p.lay(filled(poly((244, 206), (560, 170), (876, 170), (876, 182), (560, 206), (244, 218)), BRASS, round_bar(160, 220, False)), 14)
    for x, y in ((250, 540), (870, 504)):
        p.lay(filled(lambda d, x=x, y=y: d.pieslice([(x - 124) * S, (y - 80) * S, (x + 124) * S, (y + 80) * S], 0, 180, fill=255), BRASS, round_bar(x - 124, x + 124)), 20)
        p.lay(filled(lambda d, x=x, y=y: d.ellipse([(x - 124) * S, (y - 14) * S, (x + 124) * S, (y + 14) * S], fill=255), BRASS, round_bar(x - 124, x + 124) * 0.62), 0)
    p.lay(filled(disc(560, 176, 24), BRASS, turned(560, 176)), 6)
    hand(p, 560, 186, 210, 176, 6, (70, 52, 26), 0)


LINEN, SLATE, MOSS, OX = (176, 170, 158), (96, 104, 112), (112, 118, 100), (124, 92, 84)
PICTURES = {
    "M1987-001": (weights, LINEN), "M1987-004": (pint, SLATE), "M1988-002": (barometer, OX),
    "M1991-011": (sundial, LINEN), "M1994-003": (folding_rule, SLATE), "M1998-007": (watch, MOSS),
    "M2003-001": (compass, SLATE), "M2007-005": (thermometer, LINEN), "M2012-002": (sandglass, OX),
    "M2016-004": (balance, MOSS), "M2019-001": (spring_balance, SLATE), "M2023-002": (slide_rule, OX),
}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        draw, tone = PICTURES[name]
        picture = Picture(name, tone)
        draw(picture)
        picture.save(name)


if __name__ == "__main__":
    main()
