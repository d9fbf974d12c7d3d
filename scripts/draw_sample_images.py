#!/usr/bin/env python3
"""Draw the sample site's pictures: light on stone, made of nothing but arithmetic.

    python3 -m venv /tmp/art && /tmp/art/bin/pip install pillow numpy
    /tmp/art/bin/python scripts/draw_sample_images.py            # all of them, a few minutes
    /tmp/art/bin/python scripts/draw_sample_images.py selvedge   # only those named

Two small renderers: one lights a height field (carved relief, shadows cast across it), the other marches
rays through solids (arches, busts, a still life). Every picture has its own seed, so a rerun gives the same
picture, and all of it may be used freely under the licence of this repository.
"""

import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "content" / "images"
F = np.float32


# ── Small tools ──────────────────────────────────────────────────────────────────────────────────────────


def rng_for(name):
    """A generator that belongs to one picture, so that drawing another first changes nothing."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def rgb(text):
    """`#RRGGBB` as linear light."""
    v = np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], F) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(F)


def smooth(lo, hi, x):
    t = np.clip((x - lo) / (hi - lo), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, t):
    return a + (b - a) * t


def tint(mask, colour):
    return mask[..., None] * colour


def grid(h, w):
    """Pixel coordinates as two float planes (y, x)."""
    return np.meshgrid(np.arange(h, dtype=F), np.arange(w, dtype=F), indexing="ij")


def noise(rng, h, w, slope, low=0.0, high=1e9, stretch=(1.0, 1.0)):
    """Clouds: white noise with its spectrum bent to 1/f^slope, between `low` and `high` waves per picture.
    `stretch` > 1 draws the grain out along (y, x). Mean 0, deviation 1, tileable."""
    fy = np.fft.fftfreq(h)[:, None] * h * stretch[0]
    fx = np.fft.rfftfreq(w)[None, :] * h * stretch[1]
    f = np.hypot(fy, fx)
    f[0, 0] = 1
    amplitude = f**-slope * (f >= low) * np.exp(-((f / high) ** 2))
    amplitude[0, 0] = 0
    out = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((h, w))) * amplitude, (h, w))
    return (out / out.std()).astype(F)


def blur(a, radius):
    """Gaussian by the spectrum, edges mirrored."""
    pad = min(int(radius * 3) + 1, min(a.shape[:2]) - 1)
    b = np.pad(a, pad, mode="reflect")
    fy = np.fft.fftfreq(b.shape[0])[:, None]
    fx = np.fft.rfftfreq(b.shape[1])[None, :]
    k = np.exp(-2 * (np.pi * radius) ** 2 * (fy**2 + fx**2))
    return np.fft.irfft2(np.fft.rfft2(b) * k, b.shape).astype(F)[pad:-pad, pad:-pad]


def shift(a, dy, dx):
    """a sampled at (y + dy, x + dx), edges held, between pixels bilinear."""
    h, w = a.shape
    iy, ix = int(np.floor(dy)), int(np.floor(dx))
    fy, fx = dy - iy, dx - ix
    ys = np.clip(np.arange(h) + iy, 0, h - 1), np.clip(np.arange(h) + iy + 1, 0, h - 1)
    xs = np.clip(np.arange(w) + ix, 0, w - 1), np.clip(np.arange(w) + ix + 1, 0, w - 1)
    top, bottom = a[ys[0]], a[ys[1]]
    rows = top * F(1 - fy) + bottom * F(fy)
    return rows[:, xs[0]] * F(1 - fx) + rows[:, xs[1]] * F(fx)


def sample(a, y, x):
    """a at any coordinates, edges held, bilinear."""
    h, w = a.shape[:2]
    y, x = np.clip(y, 0, h - 1.001), np.clip(x, 0, w - 1.001)
    iy, ix = y.astype(np.int32), x.astype(np.int32)
    fy, fx = (y - iy).astype(F), (x - ix).astype(F)
    return (a[iy, ix] * (1 - fx) + a[iy, ix + 1] * fx) * (1 - fy) + (
        a[iy + 1, ix] * (1 - fx) + a[iy + 1, ix + 1] * fx
    ) * fy


def segment(y, x, a, b):
    """Distance to the segment a–b, and how far along it (0 to 1)."""
    ay, ax = a
    dy, dx = b[0] - ay, b[1] - ax
    t = np.clip(((y - ay) * dy + (x - ax) * dx) / (dy * dy + dx * dx), 0, 1)
    return np.hypot(y - ay - t * dy, x - ax - t * dx), t


def polyline(y, x, points):
    return np.minimum.reduce([segment(y, x, a, b)[0] for a, b in zip(points, points[1:])])


# ── Light on a height field ──────────────────────────────────────────────────────────────────────────────


def shadows(h, azimuth, elevation, reach, softness):
    """How much of the sun each point sees: 1 lit, 0 in shadow, with a penumbra that widens with distance."""
    dy, dx = -np.sin(azimuth), np.cos(azimuth)
    slope = np.tan(elevation)
    lit = np.ones_like(h)
    t = 1.5
    while t < reach:
        over = shift(h, dy * t, dx * t) - h - F(slope * t)
        lit = np.minimum(lit, 1 - smooth(-softness * t, softness * t, over))
        t *= 1.07
        t += 0.6
    return lit


def openness(h, reach, rays=10):
    """Ambient occlusion: how much of the sky each point sees."""
    total = np.zeros_like(h)
    for k in range(rays):
        a = 2 * np.pi * (k + 0.5) / rays
        horizon = np.zeros_like(h)
        t = 2.0
        while t < reach:
            rise = (shift(h, np.sin(a) * t, np.cos(a) * t) - h) / F(t)
            np.maximum(horizon, rise, out=horizon)
            t *= 1.5
        total += 1 - horizon / np.sqrt(1 + horizon * horizon)
    return total / rays


def relief(h, albedo, sun, azimuth, elevation, sky, reach=240, softness=0.05, gloss=0.06, shine=24, bounce=0.12,
           key=None, occlusion=90):
    """Light a height field seen from straight above. Angles in degrees; heights and lengths in pixels.
    `key` is an optional mask on the sun (a beam, a vignette of light)."""
    az, el = np.radians(azimuth), np.radians(elevation)
    gy, gx = np.gradient(h)
    norm = 1 / np.sqrt(gx * gx + gy * gy + 1)
    nx, ny, nz = -gx * norm, -gy * norm, norm
    lx, ly, lz = np.cos(az) * np.cos(el), -np.sin(az) * np.cos(el), np.sin(el)
    facing = np.maximum(nx * F(lx) + ny * F(ly) + nz * F(lz), 0)
    lit = facing * shadows(h, az, el, reach, softness)
    if key is not None:
        lit = lit * key
    sees = openness(h, occlusion)
    ambient = sees * (0.55 + 0.45 * nz)
    indirect = bounce * (1 - sees) * blur(lit, 40)
    hx, hy, hz = lx, ly, lz + 1
    n = np.sqrt(hx * hx + hy * hy + hz * hz)
    sheen = np.maximum((nx * F(hx) + ny * F(hy) + nz * F(hz)) / F(n), 0) ** shine * (lit > 0) * lit * gloss
    warm = sun * 0.8 + 0.2
    return albedo * (tint(lit, sun) + tint(ambient, sky) + tint(indirect, warm)) + tint(sheen, sun)


def stone(rng, h, w, base, vein=0.05, mottle=0.10, pits=1.0):
    """Colour and roughness of a cut stone: cloudy tone, faint veins, fine grain; (albedo, height)."""
    cloud = noise(rng, h, w, 1.7, 2, 200)
    fine = noise(rng, h, w, 0.6, 90, 900)
    veins = np.exp(-np.abs(noise(rng, h, w, 1.9, 1.5, 60)) * 22)
    tone = 1 + mottle * (0.75 * cloud + 0.18 * fine) - vein * veins
    warmth = 0.03 * noise(rng, h, w, 1.8, 1, 60)
    albedo = base * tone[..., None] * (1 + warmth[..., None] * np.array([1, 0.2, -1], F))
    holes = noise(rng, h, w, 0.8, 60, 260)
    rough = 0.07 * fine + 0.40 * noise(rng, h, w, 1.55, 10, 420)
    rough = rough - pits * 3.0 * smooth(2.6, 3.6, holes)
    return np.clip(albedo, 0.01, 0.98).astype(F), rough.astype(F)


# ── From light to a file ─────────────────────────────────────────────────────────────────────────────────


def defocus(light, mask, radius):
    """A close-up lens: sharp where `mask` is 0, soft where it is 1."""
    near = np.stack([blur(light[..., c], radius * 0.45) for c in range(3)], -1)
    far = np.stack([blur(light[..., c], radius) for c in range(3)], -1)
    m = np.clip(mask, 0, 1)[..., None]
    return np.where(m < 0.5, mix(light, near, m * 2), mix(near, far, m * 2 - 1))


def lens(h, w, cy, cx, sharp, soft, flat=1.0):
    """Out-of-focus mask around a sharp ellipse; distances in picture heights."""
    y, x = grid(h, w)
    return smooth(sharp, soft, np.hypot((y / h - cy) * flat, (x / h - cx * w / h)))


def develop(light, size, rng, exposure=1.0, bloom=0.10, grain=0.010, vignette=0.22, contrast=1.0, focus=None):
    """Linear light to an 8-bit picture: focus, bloom, vignette, filmic curve, downsampling, a little grain."""
    h, w = light.shape[:2]
    light = np.maximum(light, 0) * exposure
    if focus is not None:
        light = defocus(light, lens(h, w, *focus), h / 230)
    if bloom:
        small = np.stack([blur(np.minimum(light[..., c], 6)[::4, ::4], h / 240) for c in range(3)], -1)
        wide = np.stack([blur(small[..., c], h / 60) for c in range(3)], -1)
        glow = 0.6 * small + 0.4 * wide
        y, x = grid(h, w)
        light = light * (1 - bloom) + bloom * np.stack([sample(glow[..., c], y / 4, x / 4) for c in range(3)], -1)
    y, x = grid(h, w)
    r2 = ((y / h - 0.5) ** 2 + (x / w - 0.5) ** 2) / 0.5
    light = light * (1 - vignette * r2 * 1.6)[..., None]
    a, b, c, d, e = 2.51, 0.03, 2.43, 0.59, 0.14            # the usual filmic fit
    v = light * 0.8
    v = np.clip(v * (a * v + b) / (v * (c * v + d) + e), 0, 1)
    v = np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)
    v = np.clip(0.5 + (v - 0.5) * contrast, 0, 1)
    picture = Image.fromarray((v * 255 + 0.5).astype(np.uint8))
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    if grain:
        v = np.asarray(picture, F) / 255
        speck = blur(rng.standard_normal(v.shape[:2]).astype(F), 0.7)
        speck = speck / speck.std() * grain * (0.4 + 1.2 * v.mean(-1) * (1 - v.mean(-1)) * 2)
        picture = Image.fromarray((np.clip(v + speck[..., None], 0, 1) * 255 + 0.5).astype(np.uint8))
    return picture


def save(picture, path, limit=245_000):
    """JPEG at quality 84, a step lower only where the file would be too heavy."""
    path = IMAGES / path
    path.parent.mkdir(parents=True, exist_ok=True)
    for quality in (84, 82, 80, 78, 75, 72):
        picture.save(path, quality=quality, optimize=True, progressive=True, subsampling="4:2:0")
        if path.stat().st_size <= limit:
            break
    print(f"{path.relative_to(ROOT)}  {picture.width}×{picture.height}  q{quality}  {path.stat().st_size // 1000} KB")


# ── The pictures ─────────────────────────────────────────────────────────────────────────────────────────

PICTURES = {}


def picture(function):
    PICTURES[function.__name__.replace("_", "-")] = function
    return function


@picture
def karst_watch(rng):
    """Beds of limestone in section, and the dark seam where the water runs."""
    save(strata(rng, 1600, 1000, 0.62, 1.0), "projects/karst-watch.jpg")


@picture
def karst_watch_seam(rng):
    """The same rock from closer by."""
    save(strata(rng, 1600, 900, 0.55, 1.9), "projects/karst-watch-seam.jpg")


def strata(rng, out_w, out_h, seam, zoom):
    s = 1.25
    h, w = int(out_h * s), int(out_w * s)
    y, x = grid(h, w)
    u, v = y / h, x / w
    fold = 0.030 * noise(rng, h, w, 2.8, 1, 7, (1, 0.55)) + 0.05 * np.sin(v * 3.4 + 0.4) + 0.13 * (v - 0.5)
    depth = (u + fold - 0.5) / zoom + 0.5
    ragged = depth + (0.0016 * noise(rng, h, w, 1.5, 10, 200) + 0.0003 * noise(rng, h, w, 1.0, 60, 300)) / zoom
    # Uneven beds; each has its own height, tone and warmth.
    cuts = np.cumsum(rng.gamma(1.3, 0.026, 90)).astype(F) - 0.35
    bed = np.searchsorted(cuts, ragged)
    above, below = ragged - cuts[np.clip(bed - 1, 0, 89)], cuts[np.clip(bed, 0, 89)] - ragged
    edge = np.minimum(above, below) * h * zoom
    proud, tone, warm = (rng.uniform(-1, 1, 91).astype(F)[bed] for _ in range(3))
    albedo, rough = stone(rng, h, w, rgb("#c3b7a4"), vein=0.06, mottle=0.06, pits=0.6)
    layer = noise(rng, h, w, 1.6, 3, 160, (0.16, 1.7))
    height = 15 * proud + 8 * (1 - np.exp(-edge / 6)) + 0.9 * rough + 0.55 * layer
    height += 11 * noise(rng, h, w, 2.4, 1.5, 16)
    # The seam: a hollow that winds along one bed, with a wet floor that gives back light.
    line = seam + (0.016 * np.sin(v * 6.5 + 1) + 0.010 * noise(rng, h, w, 2.2, 2, 12)[h // 2][None, :]) / zoom
    off = (depth - line) * h * zoom
    gap = (12 + 34 * smooth(0.10, 0.55, v) * (1 - 0.6 * smooth(0.62, 1.0, v))) * (0.6 + 0.4 * zoom)
    gap = gap + 5 * noise(rng, h, w, 1.8, 5, 80)
    inside = smooth(4, -9, np.abs(off) - gap)
    height = height * (1 - 0.8 * inside) - 90 * inside
    albedo = albedo * np.stack([1 + 0.36 * tone + 0.08 * warm, 1 + 0.37 * tone, 1 + 0.36 * tone - 0.12 * warm], -1)
    albedo = albedo * (1 + 0.05 * layer[..., None])
    rust = smooth(0.6, 2.2, noise(rng, h, w, 1.8, 2, 60, (0.6, 1.6))) * 0.45
    albedo = albedo * (1 - tint(rust, np.array([0.08, 0.30, 0.5], F)))
    albedo = albedo * (1 - 0.5 * inside)[..., None]
    beam = 0.40 + 0.95 * np.exp(-(((v - 0.30) / 0.45) ** 2 + ((u - 0.22) / 0.50) ** 2))
    light = relief(height, albedo, rgb("#fff0d8") * 3.3, 122, 27, rgb("#8ea2c0") * 0.40, reach=260, softness=0.06,
                   key=beam, gloss=0.03)
    flow = np.exp(-((off / (gap * 0.55)) ** 2)) * inside
    ripple = 0.55 + 0.6 * smooth(-1.2, 2, noise(rng, h, w, 1.4, 8, 300, (2.0, 0.4)))
    along = smooth(0.02, 0.5, v) * (0.6 + 0.4 * np.sin(v * 5 + 2.2) ** 2)
    source = flow * ripple * along
    halo = blur(source, 30) * 0.9 + blur(source, 110) * 1.5
    teal = rgb("#35bdb6")
    light = light + tint(source * 0.8, teal) + albedo * tint(halo * openness(height, 40, 6), teal) * 2.8
    return develop(light, (out_w, out_h), rng, exposure=0.95, focus=(0.5, 0.45, 0.42, 1.1, 1.5))


def distance(mask):
    """Distance of every pixel to the nearest one in `mask` (jump flooding)."""
    h, w = mask.shape
    y, x = np.meshgrid(np.arange(h, dtype=np.int32), np.arange(w, dtype=np.int32), indexing="ij")
    far = np.int32(-30000)
    sy, sx = np.where(mask, y, far), np.where(mask, x, far)
    best = np.hypot((y - sy).astype(F), (x - sx).astype(F))
    step = 1 << int(np.ceil(np.log2(max(h, w))) - 1)
    while step:
        for dy in (-step, 0, step):
            for dx in (-step, 0, step):
                if dy or dx:
                    yy, xx = np.clip(y + dy, 0, h - 1), np.clip(x + dx, 0, w - 1)
                    ty, tx = sy[yy, xx], sx[yy, xx]
                    d = np.hypot((y - ty).astype(F), (x - tx).astype(F))
                    better = d < best
                    best = np.where(better, d, best)
                    sy, sx = np.where(better, ty, sy), np.where(better, tx, sx)
        step //= 2
    return best


def curve(points, rounds=4):
    """Chaikin's corner cutting."""
    p = np.array(points, F)
    for _ in range(rounds):
        a, b = p[:-1] * 0.75 + p[1:] * 0.25, p[:-1] * 0.25 + p[1:] * 0.75
        p = np.concatenate([p[:1], np.stack([a, b], 1).reshape(-1, 2), p[-1:]])
    return p


def drawn(h, w, points, width):
    """A mask of a thick line, smooth enough to measure distances from."""
    image = Image.new("L", (w, h))
    ImageDraw.Draw(image).line([(float(x), float(y)) for y, x in points], fill=255, width=width, joint="curve")
    return np.asarray(image) > 127


@picture
def hand_atlas(rng):
    """A tactile map in limestone: water as ripples, one road that crosses the plate, room to move."""
    save(tactile_map(rng, 1600, 1000, 1.0), "projects/hand-atlas.jpg")


@picture
def hand_atlas_plate(rng):
    save(tactile_map(rng_for("hand-atlas"), 1600, 900, 1.75, (0.47, 0.40)), "projects/hand-atlas-plate.jpg")


def tactile_map(rng, out_w, out_h, zoom, focus=(0.5, 0.5)):
    s = 1.25
    h, w = int(out_h * s), int(out_w * s)
    y, x = grid(h, w)
    unit = 1250 * zoom                                        # one plate height, in pixels
    u = (y - h * 0.5) / unit + focus[0]
    v = (x - w * 0.5) / unit + focus[1] * 1.6
    wob = 0.020 * np.sin(u * 9 + 1.3) + 0.012 * np.sin(v * 13 + u * 7) + 0.006 * np.sin(u * 31 + v * 17)
    coast = v - (0.56 + 0.17 * np.sin(u * 4.2 + 0.2) + 0.9 * wob)
    inlet = np.hypot((u - 0.50) * 1.0, np.maximum(0, v - 0.72) * 0.9) - (0.062 - 0.02 * (v - 0.6))
    water = (coast < 0) | ((inlet < 0) & (v < 0.84))
    out = blur(distance(~water), 2)                           # how far from land, in the water
    shore = blur(distance(water), 2)
    quay = smooth(0, 16 * zoom, shore) * (~water)
    lam = 27 * zoom
    ripple = 0.5 + 0.5 * np.cos(2 * np.pi * (out - 20 * zoom) / lam)
    calm = smooth(6, 26 * zoom, out) * np.exp(-out / (300 * zoom))
    height = np.where(water, -26 * zoom * smooth(0, 9 * zoom, out) + 9 * zoom * ripple**1.4 * calm, 0)
    height = height + 5 * zoom * smooth(26 * zoom, 0, np.abs(shore - 13 * zoom)) * (~water) * quay

    def px(points):
        return [((a - focus[0]) * unit + h / 2, (b - focus[1] * 1.6) * unit + w / 2) for a, b in points]

    def road(points, half, rise):
        d = blur(distance(drawn(h, w, px(curve(points)), 3)), 2.2)
        return rise * zoom * smooth(half * zoom + 7 * zoom, half * zoom - 3 * zoom, d), d

    spine, spine_d = road([(0.50, 0.83), (0.52, 1.02), (0.47, 1.2), (0.50, 1.36), (0.44, 1.52), (0.46, 1.75)], 12, 30)
    streets = [
        ([(-0.1, 0.98), (0.18, 1.02), (0.34, 1.10), (0.485, 1.13)], 6, 15),
        ([(0.50, 1.17), (0.66, 1.20), (0.84, 1.13), (1.1, 1.16)], 6, 15),
        ([(0.485, 1.33), (0.30, 1.38), (0.14, 1.34), (-0.1, 1.42)], 6, 15),
        ([(0.26, 1.06), (0.24, 1.22), (0.29, 1.37)], 4, 9),
        ([(0.72, 1.19), (0.74, 1.36), (0.66, 1.50), (0.70, 1.75)], 4, 9),
        ([(0.47, 1.50), (0.62, 1.50), (0.68, 1.52)], 4, 9),
        ([(0.78, 0.87), (0.80, 0.99), (0.82, 1.14)], 4, 9),
    ]
    roads = spine
    for points, half, rise in streets:
        roads = np.maximum(roads, road(points, half, rise)[0])
    height = height + roads * (~water)
    for a, b in [(0.487, 1.13), (0.505, 1.17), (0.493, 1.335), (0.462, 1.50), (0.745, 1.185), (0.27, 1.375)]:
        cy, cx = px([(a, b)])[0]
        r = 27 * zoom
        d2 = ((y - cy) ** 2 + (x - cx) ** 2) / (r * r)
        height = np.where(d2 < 1, np.maximum(height, 42 * zoom * np.sqrt(np.maximum(1 - d2, 0))), height)
    # Hills inland: low, wide, smooth.
    for a, b, r, t in [(0.13, 1.21, 0.10, 17), (0.87, 1.40, 0.13, 22), (0.20, 1.58, 0.11, 19)]:
        cy, cx = px([(a, b)])[0]
        d2 = ((y - cy) ** 2 + (x - cx) ** 2) / (r * unit) ** 2
        height = np.where(d2 < 1, np.maximum(height, t * zoom * smooth(1, 0, np.sqrt(d2))), height)
    albedo, rough = stone(rng, h, w, rgb("#d6cdbd"), vein=0.05, mottle=0.05, pits=0.7)
    height = height + rough * 0.45
    albedo = np.where(water[..., None], albedo * np.array([0.80, 0.84, 0.88], F), albedo)
    inlay = smooth(8.5 * zoom, 6 * zoom, spine_d) * (~water)
    albedo = mix(albedo, albedo * rgb("#d8432a") * 1.35, (inlay * (0.90 + 0.04 * rough))[..., None].clip(0, 1))
    beam = 0.45 + 0.85 * np.exp(-(((x / w - 0.60) / 0.5) ** 2 + ((y / h - 0.35) / 0.55) ** 2))
    light = relief(height, albedo, rgb("#ffe9cd") * 3.3, 38, 22, rgb("#93a6c4") * 0.42, reach=260, softness=0.055,
                   key=beam, gloss=0.05)
    return develop(light, (out_w, out_h), rng, exposure=0.95, focus=(0.48, 0.55, 0.5, 1.2))


@picture
def ridgeway(rng):
    """A contour model cut from slate, lit from low in the west, with one way over."""
    s = 1.25
    h, w = int(1000 * s), int(1600 * s)
    y, x = grid(h, w)
    base = noise(rng, h, w, 2.9, 1.2, 18)
    ridge = 1 - np.abs(noise(rng, h, w, 2.8, 1.2, 16))
    lift = np.exp(-(((x / w - 0.62) / 0.26) ** 2 + ((y / h - 0.42) / 0.36) ** 2))
    lift = lift + 0.6 * np.exp(-(((x / w - 0.20) / 0.16) ** 2 + ((y / h - 0.25) / 0.3) ** 2))
    ground = blur(0.42 * base + 0.5 * ridge + 1.7 * lift, 11)
    ground = (ground - ground.min()) / (ground.max() - ground.min())
    levels = 17
    t = ground * levels
    k = np.floor(t)
    gy, gx = np.gradient(t)
    away = (t - k) / np.maximum(np.hypot(gy, gx), 1e-4)        # pixels from the lower edge of this sheet
    steps = k - 1 + smooth(0, 4.5, away) + 0.10 * smooth(4, 14, away)
    height = blur(steps * 17, 0.8)
    albedo, rough = stone(rng, h, w, rgb("#aeb3a6"), vein=0.03, mottle=0.06, pits=0.3)
    height = height + rough * 0.5
    low, high = rgb("#4d5d57"), rgb("#e6e1d3")
    shade = mix(low, high, (smooth(0.05, 0.95, k / levels) ** 1.1)[..., None]) / rgb("#aeb3a6")
    albedo = albedo * shade * (1 + 0.04 * rng.uniform(-1, 1, levels + 2)[k.astype(int)][..., None])
    route = way_over(ground, (0.97, 0.06), (0.07, 0.93))
    d = distance(drawn(h, w, route, 3))
    line = smooth(8.0, 5.5, d)
    coral = rgb("#f0603a")
    albedo = mix(albedo, np.broadcast_to(coral, albedo.shape), (line * 0.94)[..., None])
    groove, marks = smooth(10, 6, d), np.zeros_like(height)
    for i in (0.0, 0.27, 0.52, 0.78, 1.0):
        cy, cx = route[int(i * (len(route) - 1))]
        d2 = ((y - cy) ** 2 + (x - cx) ** 2) / 21.0**2
        groove = groove * smooth(1.0, 1.5, d2)
        marks = np.maximum(marks, np.sqrt(np.maximum(1 - d2, 0)))
    height = height - 7 * groove + 24 * marks
    albedo = mix(albedo, np.broadcast_to(rgb("#f6efe0"), albedo.shape), (marks > 0.05)[..., None] * 1.0)
    beam = 0.55 + 0.75 * np.exp(-(((x / w - 0.5) / 0.55) ** 2 + ((y / h - 0.4) / 0.6) ** 2))
    light = relief(height, albedo, rgb("#ffe2bd") * 3.2, 146, 31, rgb("#8aa4c8") * 0.55, reach=420, softness=0.07,
                   key=beam, gloss=0.05)
    light = light + tint(blur(line, 26) * 0.35, coral) * albedo
    save(develop(light, (1600, 1000), rng, exposure=0.92, focus=(0.55, 0.5, 0.55, 1.3)), "projects/ridgeway.jpg")


def way_over(ground, start, goal):
    """The least tiring way between two corners of the model, as smooth (y, x) points."""
    import heapq

    cell = 12
    g = ground[::cell, ::cell]
    rows, cols = g.shape
    a = (int(start[0] * (rows - 1)), int(start[1] * (cols - 1)))
    b = (int(goal[0] * (rows - 1)), int(goal[1] * (cols - 1)))
    cost, came, queue = {a: 0.0}, {}, [(0.0, a)]
    while queue:
        c, (r, q) = heapq.heappop(queue)
        if (r, q) == b:
            break
        for dr in (-1, 0, 1):
            for dq in (-1, 0, 1):
                n = (r + dr, q + dq)
                if (dr or dq) and 0 <= n[0] < rows and 0 <= n[1] < cols:
                    rise = abs(float(g[n]) - float(g[r, q]))
                    next_cost = c + np.hypot(dr, dq) * (0.35 + 1.2 * float(g[n])) + 2500 * rise * rise + 55 * rise
                    if next_cost < cost.get(n, 1e18):
                        cost[n], came[n] = next_cost, (r, q)
                        heapq.heappush(queue, (next_cost, n))
    path = [b]
    while path[-1] != a:
        path.append(came[path[-1]])
    points = np.array(path[::-5] + [path[0]], F) * cell
    return curve(points, 4)


@picture
def selvedge(rng):
    """A jacquard cloth with its indigo edge, laid over a slab."""
    s = 1.25
    h, w = int(1000 * s), int(1600 * s)
    y, x = grid(h, w)
    fold = 60 * np.exp(-(((x + 0.55 * y - 0.60 * w) / 210) ** 2)) + 46 * np.exp(-(((x + 0.35 * y - 0.25 * w) / 170) ** 2))
    fold = fold + 24 * np.exp(-(((x + 0.75 * y - 0.98 * w) / 150) ** 2)) + 9 * noise(rng, h, w, 2.6, 1, 9)
    gy, gx = np.gradient(blur(fold, 6))
    angle = np.radians(-7)
    a, b = x - 0.9 * gx * 60, y - 0.9 * gy * 60               # folds pull the threads along
    p = (a * np.cos(angle) - b * np.sin(angle)) + 5 * noise(rng, h, w, 2.4, 2, 14)
    q = (a * np.sin(angle) + b * np.cos(angle)) + 4 * noise(rng, h, w, 2.4, 2, 14)
    end = 1270 * s                                             # where the cloth ends
    pitch = 13.5
    i, j = np.floor(p / pitch), np.floor(q / pitch)
    fu, fv = p / pitch - i - 0.5, q / pitch - j - 0.5
    # Pattern: which thread is on top. A twill ground, arches in weft-faced satin, a plain-woven edge.
    cu, cv = (i % 32) - 15.5, (j % 40) - 20
    arch = (np.hypot(cu, np.minimum(cv + 6, 0)) - 11.0) * (cv < 14) + 99 * (cv >= 14)
    ring = (np.abs(arch) < 1.9) | (np.abs(cu) + np.abs(cv - 4.5) < 4.2) | ((np.abs(cv - 17) < 1.2))
    border = smooth(end - 150, end - 146, p)
    stripe = (p > end - 118) & (p < end - 34)
    twill = ((i + j) % 4) < 2
    satin = ((i * 2 + j) % 5) != 0                             # weft on top four times of five
    plain = ((i + j) % 2) < 1
    weft_up = np.where(border > 0.5, plain, np.where(ring, satin, ~twill & (((i + 2 * j) % 4) < 3) & (((i - j) % 4) == 0)))
    up = blur(weft_up.astype(F), 1.4)
    weft = np.sqrt(np.maximum(1 - (fv * 2.05) ** 2, 0)) * 3.6 + (up - 0.5) * 6.0
    warp = np.sqrt(np.maximum(1 - (fu * 2.05) ** 2, 0)) * 3.6 - (up - 0.5) * 6.0
    top = weft > warp
    thread = np.maximum(weft, warp)
    # Twist of the yarn: fine diagonal ridges along each thread.
    ply = np.where(top, np.sin((p * 0.9 + fv * pitch * 1.5) * 1.05), np.sin((q * 0.9 + fu * pitch * 1.5) * 1.05))
    fuzz = noise(rng, h, w, 1.0, 40, 500)
    cloth = fold + thread * 1.7 + 0.28 * ply + 0.06 * fuzz + 34
    linen, indigo, deep = rgb("#d8ccb6"), rgb("#34489a"), rgb("#26377c")
    hank = 1 + 0.07 * rng.standard_normal(4000)[(np.where(top, j + 1500, i + 200)).astype(int).clip(0, 3999)]
    dyed = np.where(((ring & top) & (border < 0.5))[..., None], indigo, linen)
    dyed = np.where((stripe & ((i % 2) == 0) | (stripe & top))[..., None], deep, dyed)
    colour = dyed * hank[..., None] * (1 + 0.05 * fuzz[..., None])
    # The slab under it.
    slab, rough = stone(rng, h, w, rgb("#9a958b"), vein=0.10, mottle=0.10)
    slab_height = rough * 1.0
    over = p - end - 1.5 * noise(rng, h, w, 1.5, 20, 300)
    loops = 7 * np.maximum(np.cos(2 * np.pi * (q / (pitch * 4))), 0) ** 0.5
    on = smooth(1.2, -1.2, over - loops)
    rolled = 12 * np.exp(-((np.minimum(over - loops, 0) / 9) ** 2))
    height = mix(slab_height, cloth - 8 + rolled * 0.4 - 22 * smooth(-26, 0, over - loops), on)
    albedo = mix(slab, colour, on[..., None])
    beam = 0.42 + 0.9 * np.exp(-(((x / w - 0.38) / 0.5) ** 2 + ((y / h - 0.35) / 0.6) ** 2))
    light = relief(height, albedo, rgb("#ffebd0") * 3.2, 152, 30, rgb("#90a4c6") * 0.46, reach=260, softness=0.06,
                   key=beam, gloss=0.02, occlusion=60)
    save(develop(light, (1600, 1000), rng, exposure=0.98, grain=0.006, focus=(0.52, 0.62, 0.28, 0.85)), "projects/selvedge.jpg")


@picture
def lectern_lines(rng):
    """Lines of carved writing that nobody can read: some deep, some nearly worn away."""
    s = 1.25
    h, w = int(900 * s), int(1600 * s)
    page = Image.new("L", (w, h))
    pen = ImageDraw.Draw(page)
    for line in range(-1, 10):
        base, x0 = 100 + line * 128, 170 + 12 * float(rng.standard_normal())
        x1 = w - 170 - abs(float(rng.normal(0, 170)))
        while x0 < x1:
            for _ in range(int(rng.integers(3, 10))):                # one word
                x0 = minim(pen, rng, x0, base)
            x0 += rng.uniform(24, 40)
    cut = np.asarray(page.filter(ImageFilter.GaussianBlur(0.8)), F) / 255 > 0.5
    inside = distance(~cut)
    y, x = grid(h, w)
    worn = smooth(-1.1, 0.8, noise(rng, h, w, 2.2, 1.5, 20) + 2.0 * (0.62 - x / w))
    albedo, rough = stone(rng, h, w, rgb("#d4c7b1"), vein=0.08, mottle=0.07, pits=1.2)
    height = -np.minimum(inside * 2.3, 22) * (0.12 + 0.88 * worn) + rough * mix(1.6, 0.6, worn)
    height = height + 2.5 * noise(rng, h, w, 2.6, 1.5, 10)
    beam = 0.40 + 0.95 * np.exp(-(((x / w - 0.30) / 0.50) ** 2 + ((y / h - 0.42) / 0.5) ** 2))
    light = relief(height, albedo, rgb("#ffe6c4") * 3.3, 150, 19, rgb("#93a4c0") * 0.42, reach=160, softness=0.07, key=beam)
    save(develop(light, (1600, 900), rng, exposure=0.98, focus=(0.5, 0.38, 0.36, 1.0)), "projects/lectern-lines.jpg")


def minim(pen, rng, x, base):
    """One stroke of a broad pen, as in a register of the 1500s: a stem between two lozenges, sometimes tall,
    sometimes with a bow or a tail, so that a line has the rhythm of writing and spells nothing."""

    def lozenge(cx, cy, r=9.5):
        pen.polygon([(cx - r, cy), (cx, cy - r * 0.8), (cx + r, cy), (cx, cy + r * 0.8)], fill=255)

    def stem(cx, top, bottom):
        pen.polygon([(cx - 4.6, top), (cx + 4.6, top + 3), (cx + 4.2, bottom), (cx - 4.2, bottom - 3)], fill=255)

    body, kind = 44, rng.random()
    top = base - body
    if kind < 0.12:                                                  # tall: like an l or an h
        stem(x, top - 40, base - 4), lozenge(x + 1, top - 40, 8), lozenge(x + 2, base - 4)
        if rng.random() < 0.6:
            pen.arc([x - 2, top - 4, x + 30, top + 40], 200, 350, fill=255, width=6)
            stem(x + 28, top + 12, base + 2)
            return x + 50
    elif kind < 0.20:                                                # a tail below the line
        stem(x, top, base + 22), lozenge(x, top)
        pen.arc([x - 26, base + 2, x + 4, base + 36], 20, 150, fill=255, width=6)
    elif kind < 0.40:                                                # a bow
        pen.arc([x - 6, top - 3, x + 30, base + 3], 0, 360, fill=255, width=8)
        return x + 50
    elif kind < 0.52:                                                # half a bow
        pen.arc([x - 4, top - 3, x + 28, base + 3], 50, 300, fill=255, width=8)
        return x + 40
    else:                                                            # the plain stroke, often in pairs
        stem(x, top + 3, base - 3), lozenge(x - 1, top + 2), lozenge(x + 2, base - 4)
        if rng.random() < 0.55:
            pen.line([(x + 3, base - 8), (x + 22, top + 6)], fill=255, width=3)
    return x + 25


def main(names):
    unknown = sorted(set(names) - set(PICTURES))
    if unknown:
        sys.exit(f"No such picture: {', '.join(unknown)}. There are: {', '.join(PICTURES)}")
    for name, draw in PICTURES.items():
        if not names or name in names:
            draw(rng_for(name))


if __name__ == "__main__":
    main(sys.argv[1:])
