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


def save(picture, path, limit=245_000, size=None):
    """JPEG at quality 84, a step lower only where the file would be too heavy. `size` for what pages show smaller."""
    path = IMAGES / path
    path.parent.mkdir(parents=True, exist_ok=True)
    if size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    for quality in (84, 82, 80, 78, 75, 72):
        picture.save(path, quality=quality, optimize=True, progressive=True, subsampling="4:2:0")
        if path.stat().st_size <= limit:
            break
    print(f"{path.relative_to(ROOT)}  {picture.width}×{picture.height}  q{quality}  {path.stat().st_size // 1000} KB")


# ── Light on solids ──────────────────────────────────────────────────────────────────────────────────────
#
# A scene is a function of three arrays (x, y, z) that returns the distance to the nearest surface.


def unit(*v):
    n = np.maximum(np.sqrt(sum(c * c for c in v)), 1e-12)
    return tuple((c / n).astype(F) if isinstance(c, np.ndarray) else F(c / n) for c in v)


def at(o, d, t):
    return tuple(o[i] + d[i] * t for i in range(3))


def pick(v, where):
    return tuple(c[where] if isinstance(c, np.ndarray) and c.ndim else c for c in v)


def melt(a, b, k):
    """Union of two distances with a fillet of size k."""
    h = np.clip(0.5 + 0.5 * (b - a) / k, 0, 1)
    return b + (a - b) * h - k * h * (1 - h)


def carve(a, b, k):
    """a without b, with a fillet of size k."""
    return -melt(-a, b, k)


def box(x, y, z, a, b, c, r=0.0):
    qx, qy, qz = np.abs(x) - (a - r), np.abs(y) - (b - r), np.abs(z) - (c - r)
    outside = np.sqrt(np.maximum(qx, 0) ** 2 + np.maximum(qy, 0) ** 2 + np.maximum(qz, 0) ** 2)
    return outside + np.minimum(np.maximum(qx, np.maximum(qy, qz)), 0) - r


def egg(x, y, z, a, b, c):
    k = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    g = np.sqrt((x / (a * a)) ** 2 + (y / (b * b)) ** 2 + (z / (c * c)) ** 2)
    return k * (k - 1) / np.maximum(g, 1e-6)


def capsule(x, y, z, a, b, r0, r1=None):
    """A rod from a to b, its radius going from r0 to r1."""
    r1 = r0 if r1 is None else r1
    d = [b[i] - a[i] for i in range(3)]
    px, py, pz = x - a[0], y - a[1], z - a[2]
    t = np.clip((px * d[0] + py * d[1] + pz * d[2]) / sum(c * c for c in d), 0, 1)
    return np.sqrt((px - t * d[0]) ** 2 + (py - t * d[1]) ** 2 + (pz - t * d[2]) ** 2) - (r0 + (r1 - r0) * t)


def turn(x, z, degrees):
    c, s = F(np.cos(np.radians(degrees))), F(np.sin(np.radians(degrees)))
    return c * x + s * z, c * z - s * x


BLOCK = 1 << 17


def blocks(function, *arrays):
    """function over slices that fit the cache, the results put together again."""
    n = len(arrays[0])
    parts = [function(*(a[i : i + BLOCK] for a in arrays)) for i in range(0, n, BLOCK)]
    if isinstance(parts[0], tuple):
        return tuple(np.concatenate(p) for p in zip(*parts))
    return np.concatenate(parts)


def march(scene, o, d, far, steps=120, near=0.0, relax=0.95):
    """Distance along each ray to the first surface, or infinity."""

    def some(ox, oy, oz, dx, dy, dz):
        t = np.full(ox.shape, near, F)
        out = np.full(ox.shape, np.inf, F)
        live = np.arange(len(ox))
        for _ in range(steps):
            tt = t[live]
            r = scene(ox[live] + dx[live] * tt, oy[live] + dy[live] * tt, oz[live] + dz[live] * tt)
            hit = r < 0.0006 * (1 + tt)
            out[live[hit]] = tt[hit]
            t[live] = tt + np.maximum(r, 0.0004) * relax
            live = live[~hit & (t[live] < far)]
            if not len(live):
                break
        out[live] = np.where(t[live] < far, t[live], np.inf)
        return out

    return blocks(some, *o, *d)


def sunlit(scene, p, n, to_sun, far=14.0, sharp=40.0, steps=48):
    """Share of the sun that reaches p: 0 to 1, with a penumbra."""

    def some(px, py, pz, nx, ny, nz):
        ox, oy, oz = px + nx * 0.006, py + ny * 0.006, pz + nz * 0.006
        t, light = np.full(px.shape, 0.012, F), np.ones(px.shape, F)
        live = np.arange(len(px))
        for _ in range(steps):
            tt = t[live]
            r = scene(ox[live] + to_sun[0] * tt, oy[live] + to_sun[1] * tt, oz[live] + to_sun[2] * tt)
            light[live] = np.minimum(light[live], sharp * r / tt)
            t[live] = tt + np.clip(r, 0.012, 0.6)
            live = live[(light[live] > 0.004) & (t[live] < far)]
            if not len(live):
                break
        return smooth(0, 1, np.clip(light, 0, 1))

    return blocks(some, *p, *n)


def normals(scene, p, e=0.0012):
    def some(x, y, z):
        a, b = scene(x + e, y - e, z - e), scene(x - e, y - e, z + e)
        c, d = scene(x - e, y + e, z - e), scene(x + e, y + e, z + e)
        return unit(a - b - c + d, -a - b + c + d, -a + b - c + d)

    return blocks(some, *p)


def camera(w, h, eye, target, fov):
    """Ray directions for each pixel, row by row."""
    f = unit(*(np.float64(target[i] - eye[i]) for i in range(3)))
    r = unit(f[2], 0.0, -f[0])                                # to the right, level
    u = (r[1] * f[2] - r[2] * f[1], r[2] * f[0] - r[0] * f[2], r[0] * f[1] - r[1] * f[0])
    y, x = grid(h, w)
    k = F(np.tan(np.radians(fov) / 2) * 2 / h)
    a, b = (x.ravel() - (w - 1) / 2) * k, -(y.ravel() - (h - 1) / 2) * k
    d = unit(*(f[i] + r[i] * a - u[i] * b for i in range(3)))
    o = tuple(np.full(w * h, eye[i], F) for i in range(3))
    return o, d


class Texture:
    """A tileable cut stone laid on every surface from three sides."""

    def __init__(self, rng, scale=0.35, size=1024, mottle=0.09, vein=0.05, pits=0.6):
        albedo, self.rough = stone(rng, size, size, np.ones(3, F) * 0.7, vein, mottle, pits)
        self.tone = albedo / 0.7
        self.gy, self.gx = np.gradient(self.rough)
        self.scale, self.size = scale, size

    def _look(self, plane, a, b):
        k = self.size * self.scale
        i, j = (a * k).astype(np.int64) % self.size, (b * k).astype(np.int64) % self.size
        return plane[i, j]

    def lay(self, p, n, bump):
        """Tone (N, 3) and the normal with the stone's roughness in it."""
        weights = [np.abs(c) ** 4 for c in n]
        total = sum(weights)
        sides = [(p[1], p[2]), (p[2], p[0]), (p[1], p[0])]
        tone = sum((w / total)[:, None] * self._look(self.tone, *s) for w, s in zip(weights, sides))
        g = [(self._look(self.gy, *s), self._look(self.gx, *s)) for s in sides]
        wx, wy, wz = (w / total * bump for w in weights)
        out = unit(n[0] - wy * g[1][1] - wz * g[2][1], n[1] - wx * g[0][0] - wz * g[2][0],
                   n[2] - wx * g[0][1] - wy * g[1][0])
        return tone, out


def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def scatter(rng, n):
    """A direction above each surface, likelier towards its normal."""
    count = len(n[0])
    z = 2 * rng.random(count, dtype=F) - 1
    a = F(2 * np.pi) * rng.random(count, dtype=F)
    r = np.sqrt(np.maximum(1 - z * z, 0))
    return unit(n[0] + r * np.cos(a) * 0.999, n[1] + z * 0.999, n[2] + r * np.sin(a) * 0.999)


def settle(image, n, p, h, w, rounds=4, reach=0.35):
    """Smooth noisy light without crossing an edge of the scene (a trous, led by normals and places)."""
    image = image.reshape(h, w, 3)
    n = np.stack(n, -1).reshape(h, w, 3)
    p = np.stack(p, -1).reshape(h, w, 3)
    kernel = (1 / 16, 1 / 4, 3 / 8, 1 / 4, 1 / 16)
    for k in range(rounds):
        step, total, weight = 1 << k, np.zeros_like(image), np.zeros((h, w, 1), F)
        for i in range(-2, 3):
            for j in range(-2, 3):
                ys = np.clip(np.arange(h) + i * step, 0, h - 1)[:, None]
                xs = np.clip(np.arange(w) + j * step, 0, w - 1)[None, :]
                same = np.maximum((n * n[ys, xs]).sum(-1), 0) ** 24
                apart = np.abs(((p - p[ys, xs]) * n).sum(-1))
                wt = (kernel[i + 2] * kernel[j + 2] * same * np.exp(-((apart / (0.05 * reach)) ** 2)))[..., None]
                total += wt * image[ys, xs]
                weight += wt
        image = total / np.maximum(weight, 1e-6)
    return image


def enlarge(low, low_n, low_p, n, p, h, w):
    """Light found at half the size, brought to full size along the scene's own edges."""
    lh, lw = low.shape[:2]
    ln, lp = np.stack(low_n, -1).reshape(lh, lw, 3), np.stack(low_p, -1).reshape(lh, lw, 3)
    n, p = np.stack(n, -1).reshape(h, w, 3), np.stack(p, -1).reshape(h, w, 3)
    y, x = np.arange(h)[:, None] * (lh / h) - 0.25, np.arange(w)[None, :] * (lw / w) - 0.25
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    total, weight = np.zeros((h, w, 3), F), np.full((h, w, 1), 1e-8, F)
    for i in (0, 1):
        for j in (0, 1):
            yy, xx = np.clip(y0 + i, 0, lh - 1), np.clip(x0 + j, 0, lw - 1)
            near = (1 - np.abs(y - y0 - i)) * (1 - np.abs(x - x0 - j))
            same = np.maximum((n * ln[yy, xx]).sum(-1), 0) ** 8
            apart = np.abs(((p - lp[yy, xx]) * n).sum(-1))
            wt = (near * (same * np.exp(-((apart / 0.06) ** 2)) + 1e-5))[..., None].astype(F)
            total += wt * low[yy, xx]
            weight += wt
    return total / weight


def no_gobo(p):
    return F(1.0)


def photograph(scene, size, eye, target, fov, rng, to_sun, sun, sky, material, gobo=no_gobo, texture=None, bump=0.5,
               samples=10, far=40.0, scale=1.25, gloss=0.03, sharp=40.0, extra=None):
    """Sun, sky and one bounce of light on a scene. Returns linear light, depth and the rays."""
    w, h = int(size[0] * scale), int(size[1] * scale)
    to_sun = unit(*(np.float64(c) for c in to_sun))

    def direct(p, n):
        facing = np.maximum(dot(n, to_sun), 0)
        out = np.zeros((len(facing), 3), F)
        pane = np.broadcast_to(np.asarray(gobo(p), F), facing.shape) if gobo is no_gobo else gobo(p)
        pane = pane if pane.ndim == 2 else pane[:, None]
        where = np.flatnonzero((facing > 0) & (pane.max(-1) > 0))
        if len(where):
            seen = sunlit(scene, pick(p, where), pick(n, where), to_sun, sharp=sharp)
            out[where] = (facing[where] * seen)[:, None] * pane[where] * sun
        if extra is not None:
            out += extra(p, n)
        return out

    def look(w, h):
        o, d = camera(w, h, eye, target, fov)
        t = march(scene, o, d, far)
        hit = np.isfinite(t)
        p = at(o, d, np.where(hit, t, far))
        n = tuple(np.zeros_like(p[0]) for _ in range(3))
        found = normals(scene, pick(p, hit))
        for i in range(3):
            n[i][hit] = found[i]
        return o, d, t, hit, p, n

    # The bounce, at half size.
    lw, lh = w // 2, h // 2
    _, _, _, hit, lp, ln = look(lw, lh)
    where = np.flatnonzero(hit)
    p0, n0 = pick(lp, where), pick(ln, where)
    start = tuple(p0[i] + n0[i] * 0.004 for i in range(3))
    gathered = np.zeros((len(where), 3), F)
    for _ in range(samples):
        d = scatter(rng, n0)
        t = march(scene, start, d, 16.0, steps=56, near=0.006, relax=1.0)
        hits = np.flatnonzero(np.isfinite(t))
        gathered += np.where(np.isfinite(t)[:, None], 0, sky(d))
        if len(hits):
            p = at(pick(start, hits), pick(d, hits), t[hits])
            n = normals(scene, p)
            far_fill = 0.10 * sky(n)                          # what later bounces would bring
            gathered[hits] += material(p, n) * (direct(p, n) + far_fill)
    low = np.zeros((lw * lh, 3), F)
    low[where] = gathered / samples
    low = settle(low, ln, lp, lh, lw)

    o, d, t, hit, p, n = look(w, h)
    bounce = enlarge(low, ln, lp, n, p, h, w).reshape(-1, 3)
    where = np.flatnonzero(hit)
    ph, nh = pick(p, where), pick(n, where)
    albedo = material(ph, nh)
    bumped = nh
    if texture is not None:
        tone, bumped = texture.lay(ph, nh, bump)
        albedo = albedo * tone
    sunlight = direct(ph, bumped)
    light = sky(d)
    view = tuple(-c for c in pick(d, where))
    half = unit(*(view[i] + to_sun[i] for i in range(3)))
    sheen = (np.maximum(dot(bumped, half), 0) ** 40 * gloss)[:, None] * sunlight
    # The bounce was gathered on the smooth surface: let the roughness show in it too.
    lift = np.clip(1 + 0.9 * (bumped[1] - nh[1]) + 0.9 * (dot(bumped, to_sun) - dot(nh, to_sun)), 0.5, 1.5)[:, None]
    light[where] = albedo * (sunlight + bounce[where] * lift) + sheen
    return light.reshape(h, w, 3), np.where(hit, t, far).reshape(h, w), (o, d)


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
    return develop(light, (out_w, out_h), rng, exposure=0.74, focus=(0.5, 0.45, 0.42, 1.1, 1.5))


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
    return develop(light, (out_w, out_h), rng, exposure=0.80, focus=(0.48, 0.55, 0.5, 1.2))


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
    save(develop(light, (1600, 1000), rng, exposure=0.98, grain=0.004, focus=(0.52, 0.62, 0.20, 0.72)), "projects/selvedge.jpg")


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


BAY, ARCH, SPRING = 2.5, 0.74, 1.72                          # the arcade: rhythm, half width, where the curve begins


def in_arch(y, z, r=ARCH):
    """Inside the opening of a bay? (negative inside, in metres)"""
    zl = z - BAY * np.floor(z / BAY) - BAY / 2
    return np.where(y < SPRING, np.abs(zl) - r, np.sqrt(zl * zl + (y - SPRING) ** 2) - r)


@picture
def lectern(rng):
    """A vaulted gallery, the sun through its arches, and a lectern where one beam falls."""

    def scene(x, y, z):
        top = np.maximum(y - 2.6, 0)
        across = np.sqrt(x * x + top * top)
        walls = np.minimum(1.9 - across, y)
        zb = np.abs(z - BAY * np.round(z / BAY))
        ribs = np.maximum(zb - 0.19, 1.74 - across)
        band = np.maximum(np.abs(y - 2.55) - 0.06, 1.82 - across)
        d = np.minimum(np.minimum(walls, ribs), band)
        opening = np.maximum(in_arch(y, z), np.maximum(x + 1.0, -y - 0.02))
        blind = np.maximum(in_arch(y, z, ARCH - 0.04), np.maximum(1.0 - x, x - 2.05))
        moulding = np.maximum(np.abs(in_arch(y, z) - 0.10) - 0.045, np.maximum(1.84 - np.abs(x), -y))
        d = np.minimum(d, moulding)
        d = np.maximum(d, -opening)
        d = np.maximum(d, -blind)
        d = np.maximum(d, -2.55 - x)                          # outside is outside
        door = np.maximum(np.where(y < 1.9, np.abs(x) - 0.85, np.sqrt(x * x + (y - 1.9) ** 2) - 0.85), 15.0 - z)
        d = np.minimum(d, np.maximum(15.3 - z, -door))
        d = np.minimum(np.maximum(d, z - 16.1), y)
        lx, lz = turn(x + 0.12, z - 5.5, -36)
        stand = np.minimum(np.sqrt(lx * lx + lz * lz) - 0.075, 9)
        stand = np.maximum(stand, y - 1.08)
        foot = box(lx, y - 0.06, lz, 0.26, 0.06, 0.26, 0.02)
        knob = egg(lx, y - 0.62, lz, 0.12, 0.07, 0.12)
        ty, tz = (y - 1.16) * 0.906 - lz * 0.423, lz * 0.906 + (y - 1.16) * 0.423
        desk = box(lx, ty, tz, 0.34, 0.028, 0.25, 0.012)
        leaf = np.abs(lx)
        book = box(leaf - 0.135, ty - 0.052 - 0.05 * np.sqrt(np.maximum(leaf, 0.0)) * (0.27 - leaf), tz, 0.135, 0.022, 0.18, 0.008)
        return np.minimum(d, np.minimum(np.minimum(stand, foot), np.minimum(np.minimum(knob, desk), book)))

    to_sun = (-0.84, 0.40, 0.28)
    sx, sy, sz = unit(*(np.float64(c) for c in to_sun))
    rose, gold = rgb("#ff6f7d"), np.ones(3, F)

    def gobo(p):
        """The colour of the sun at p: which bay it came through, and whether its pane is the red one."""
        inside = p[0] > -1.9
        t = np.maximum((p[0] + 1.9) / -sx, 0)
        y, z = p[1] + sy * t, p[2] + sz * t
        outer = np.maximum((p[0] + 2.55) / -sx, 0)
        open_ = smooth(0.015, -0.015, np.maximum(in_arch(y, z), in_arch(p[1] + sy * outer, p[2] + sz * outer)))
        red = (np.floor(z / BAY) == 3)[:, None]
        colour = np.where(red, rose, gold)
        return np.where(inside[:, None], open_[:, None] * colour, gold)

    def sky(d):
        up = np.clip(d[1], -0.2, 1)[:, None]
        return mix(rgb("#dfe3e8"), rgb("#9dbcec"), smooth(-0.1, 0.8, up)) * 2.0

    pale, floor = rgb("#dcd3c4"), rgb("#c2b7a6")

    def material(p, n):
        flat = (p[1] < 0.03) & (n[1] > 0.9)
        base = np.where(flat[:, None], floor, pale)
        course = np.abs((p[1] / 0.42) % 1 - 0.5) > 0.478
        shift_ = np.floor(p[1] / 0.42) % 2 * 0.5
        along = np.where(np.abs(n[0]) > 0.5, p[2], p[0])
        upright = np.abs((along / 0.83 + shift_) % 1 - 0.5) > 0.488
        flags = (np.abs((p[0] / 0.7) % 1 - 0.5) > 0.487) | (np.abs((p[2] / 0.7 + np.floor(p[0] / 0.7) % 2 * 0.5) % 1 - 0.5) > 0.487)
        joint = np.where(np.abs(n[1]) > 0.9, flags & flat, (course | upright) & (np.abs(n[1]) < 0.3))
        piece = np.floor(along / 0.83 + shift_) * 7.3 + np.floor(p[1] / 0.42) * 3.1
        vary = 1 + 0.05 * np.sin(piece * 12.9898)
        book = (p[1] > 1.10) & (p[1] < 1.6) & (np.abs(p[2] - 5.5) < 0.3) & (np.abs(p[0] + 0.12) < 0.32) & (n[1] > 0.5)
        base = np.where(book[:, None], rgb("#efe6d4"), base)
        wood = (np.abs(p[2] - 5.5) < 0.45) & (np.abs(p[0] + 0.12) < 0.45) & (p[1] > 0.03) & (p[1] < 1.6) & ~book
        base = np.where(wood[:, None], rgb("#8d6f55"), base)
        return base * (vary * np.where(joint & ~wood & ~book, 0.62, 1))[:, None]

    light, depth, (o, d) = photograph(
        scene, (1600, 1000), (0.95, 1.42, -1.0), (-0.42, 1.42, 6.0), 50, rng, to_sun, rgb("#ffe6c6") * 8.0, sky, material,
        gobo, Texture(rng, 0.30), 0.35, samples=26, sharp=60, far=17.2, scale=1.5)
    h, w = depth.shape
    # Dust in the beams: how much of each ray's way through the gallery lies in the sun.
    dust = np.zeros((h * w, 3), F)
    reach = np.minimum(depth.ravel(), 14)
    steps = 44
    start = rng.random(h * w, dtype=F)
    for k in range(steps):
        p = at(o, d, reach * (k + start) / steps)
        dust += gobo(p) * ((p[0] < 1.9) & (p[0] > -1.9))[:, None]
    dust = (dust * (reach / steps)[:, None]).reshape(h, w, 3)
    dust = np.stack([blur(dust[..., c], 1.6) for c in range(3)], -1)
    light = light + dust * rgb("#ffe6c6") * 0.034
    save(develop(light, (1600, 1000), rng, exposure=0.66, bloom=0.14, vignette=0.3), "projects/lectern.jpg")


@picture
def tidebook(rng):
    """The quay at night: lamps on stone, and the same lamps on the water."""
    lamps = [(x, 1.52, 6.60) for x in (-8.1, -5.4, -2.7, 0.0, 2.7)]
    hearths = [(x, 0.85, 8.1) for x in (-6.75, -1.35, 1.35)]  # somebody is still at work in these vaults
    beacon = (5.6, 5.02, 9.4)

    def scene(x, y, z):
        quay = np.maximum(7.0 - 0.06 * (y - 1.9) - z, y - 1.95)
        kerb = box(x + 3.4, y - 1.97, z - 7.14, 14.0, 0.09, 0.30, 0.03)
        band = box(x + 3.4, y - 1.66, z - 7.02, 14.0, 0.05, 0.10, 0.02)
        quay = np.minimum(np.minimum(quay, kerb), band)
        # Boat vaults in the wall, each with a raised ring of stones.
        k = np.clip(np.round((x - 1.35) / 2.7), -4, 0)
        vx = x - 1.35 - 2.7 * k
        ring = np.where(y < 0.45, np.abs(vx), np.sqrt(vx * vx + (y - 0.45) ** 2)) - 0.80
        quay = np.minimum(quay, np.maximum(np.maximum(np.abs(ring - 0.09) - 0.10, 6.94 - z), np.maximum(z - 7.3, y - 1.60)))
        quay = np.maximum(quay, -np.maximum(np.maximum(ring, z - 9.0), 5.0 - z))
        # A stair going down to the water, in a notch.
        notch = box(x - 4.05, y - 1.2, z - 6.95, 0.95, 1.6, 0.55)
        step = np.clip(np.ceil((x - 3.1) / 0.24), 0, 8)
        stair = np.maximum(np.maximum(y - (0.10 + 0.225 * step), np.abs(z - 7.2) - 0.55), np.abs(x - 4.05) - 0.96) * 0.4
        d = np.minimum(np.maximum(quay, -notch), stair)
        # The light at the end of the mole.
        r = np.sqrt((x - beacon[0]) ** 2 + (z - beacon[2]) ** 2)
        tower = np.maximum(r - (0.50 - 0.05 * (y - 1.9)), y - 4.55) * 0.95
        gallery = np.maximum(r - 0.50, np.abs(y - 4.6) - 0.06)
        room = np.maximum(np.abs(r - 0.25) - 0.02, np.abs(y - 5.02) - 0.40)
        slot = np.abs((np.arctan2(x - beacon[0], z - beacon[2]) / np.pi * 4) % 1 - 0.5) - 0.36
        room = np.maximum(room, -np.maximum(slot * 0.2, np.abs(y - 5.02) - 0.30))
        cap = np.maximum(r - 0.34 * np.clip((5.85 - y) / 0.42, 0, 1), np.abs(y - 5.62) - 0.20) * 0.6
        plinth = np.maximum(r - 0.85, y - 2.25)
        d = np.minimum(d, np.minimum(np.minimum(tower, gallery), np.minimum(np.minimum(cap, room), plinth)))
        # Wall lamps and bollards.
        px = x - 2.7 * np.clip(np.round(x / 2.7), -3, 1)
        arm = capsule(px, y, z, (0, 1.74, 7.05), (0, 1.72, 6.60), 0.022)
        hood = np.maximum(np.sqrt(px * px + (z - 6.60) ** 2) - 0.15 * np.clip((1.74 - y) / 0.12, 0.15, 1), np.abs(y - 1.67) - 0.06) * 0.6
        b = x - 1.35 - 2.7 * np.clip(np.round((x - 1.35) / 2.7), -4, 0)
        bollard = np.minimum(capsule(b, y, z, (0, 2.0, 7.25), (0, 2.26, 7.25), 0.09, 0.075), egg(b, y - 2.31, z - 7.25, 0.13, 0.08, 0.13))
        d = np.minimum(d, np.minimum(np.minimum(arm, hood), bollard))
        # A moored boat.
        bx, bz = turn(x + 2.0, z - 5.35, 10)
        hull = egg(bx, y - 0.36, bz, 1.75, 0.56, 0.56)
        hull = np.maximum(hull, y - 0.42 - 0.12 * (bx / 1.6) ** 2)
        hull = np.maximum(hull, -np.maximum(egg(bx, y - 0.42, bz, 1.56, 0.48, 0.46), 0.2 - y))
        thwart = np.minimum(box(bx - 0.45, y - 0.36, bz, 0.10, 0.02, 0.46), box(bx + 0.6, y - 0.36, bz, 0.10, 0.02, 0.44))
        mast = capsule(bx, y, bz, (0.35, 0.2, 0), (0.32, 3.3, 0), 0.026, 0.013)
        yard = capsule(bx, y, bz, (-1.45, 0.75, 0.05), (1.25, 3.05, 0.05), 0.030, 0.015)
        return np.minimum(d, np.minimum(np.minimum(hull, thwart), np.minimum(mast, yard)))

    amber, night = rgb("#ffb566"), rgb("#86a6e6")
    crest = noise(rng, 256, 2048, 1.6, 0.3, 60)[0]

    def sky(d):
        up = np.clip(d[1], 0, 1)[:, None]
        side = smooth(-0.9, 0.9, d[0])[:, None]
        low = mix(rgb("#3c5a8c"), rgb("#e0a07c"), side * 0.75)
        air = mix(low, rgb("#101f45"), smooth(0.0, 0.40, up) ** 0.7) * 0.34
        bearing = np.arctan2(d[0], d[2])
        ridge = 0.075 + 0.022 * crest[((bearing / 3.2 + 0.5) * 2047).astype(int) % 2048] + 0.05 * np.sin(bearing * 2.2 + 2.4)
        hill = mix(rgb("#1a2746"), rgb("#3a4668"), smooth(0.0, 0.12, up)) * 0.16
        out = mix(air, hill, smooth(ridge + 0.0012, ridge - 0.0012, d[1])[:, None])
        i, j = np.floor(bearing * 260), np.floor(d[1] * 260)
        h1, h2 = (np.sin(i * 127.1 + j * 311.7) * 43758.5453) % 1, (np.sin(i * 269.5 + j * 183.3) * 43758.5453) % 1
        r = np.hypot(bearing * 260 - i - 0.3 - 0.4 * h2, d[1] * 260 - j - 0.3 - 0.4 * ((h2 * 91) % 1))
        town = smooth(0.42, 0.0, r) * (h1 > 0.90 + 0.09 * np.sin(bearing * 9 + 1) ** 2) * (d[1] < ridge * (0.35 + 0.3 * np.sin(bearing * 5) ** 2)) * (d[1] > 0.004) * (0.15 + h2 * h2)
        return out + town[:, None] * rgb("#ffc27a") * 0.9

    def material(p, n):
        course = np.abs((p[1] / 0.325) % 1 - 0.5) > 0.472
        half = np.floor(p[1] / 0.325) % 2 * 0.5
        along = p[0] / 0.74 + half
        joint = (course | (np.abs(along % 1 - 0.5) > 0.486)) & (np.abs(n[1]) < 0.4) & (p[1] < 1.6) & (p[2] < 9)
        piece = np.floor(along) * 7.3 + np.floor(p[1] / 0.325) * 3.7
        base = rgb("#bdb09b") * (1 + 0.15 * np.sin(piece * 12.9898))[:, None]
        wet = smooth(0.62, 0.25, p[1] + 0.06 * np.sin(p[0] * 3.1) + 0.03 * np.sin(p[0] * 11))[:, None]
        base = base * (1 - 0.62 * wet) * mix(np.ones(3, F), np.array([0.80, 1.0, 0.84], F), wet)
        base = np.where(joint[:, None], base * 0.5, base)
        tower = np.sqrt((p[0] - beacon[0]) ** 2 + (p[2] - beacon[2]) ** 2) < 0.7
        base = np.where((tower & (p[1] > 2.27))[:, None], rgb("#e8e2d6"), base)
        iron = (np.abs(p[0] - 2.7 * np.clip(np.round(p[0] / 2.7), -3, 1)) < 0.17) & (p[1] > 1.55) & (p[1] < 1.9) & (p[2] < 6.93)
        base = np.where(iron[:, None], rgb("#3a3d42"), base)
        bx, bz = turn(p[0] + 2.0, p[2] - 5.35, 10)
        boat = (np.abs(bz) < 0.7) & (np.abs(bx) < 1.8)
        paint = np.where((p[1] > 0.33)[:, None], rgb("#4f7078"), rgb("#e9e3d6"))
        return np.where(boat[:, None], np.where((p[1] > 0.66)[:, None], rgb("#c9b68f"), paint), base)

    def lamplight(p, n):
        out = np.zeros((len(p[0]), 3), F)
        for lamp, power in [(l, 0.62) for l in lamps] + [(l, 0.75) for l in hearths] + [(beacon, 1.6)]:
            colour = amber
            v = tuple(lamp[i] - p[i] for i in range(3))
            d2 = dot(v, v) + 0.02
            to = unit(*v)
            down = np.clip(0.30 + 1.2 * to[1], 0.06, 1) if lamp in lamps else 1.0
            facing = np.maximum(dot(n, to), 0) * down * power / d2
            near = np.flatnonzero(facing > 0.004)
            if len(near):
                seen = lamp_seen(pick(p, near), pick(n, near), lamp)
                out[near] += (facing[near] * seen)[:, None] * colour
        return out

    def lamp_seen(p, n, lamp):
        o = tuple(p[i] + n[i] * 0.02 for i in range(3))
        v = tuple(lamp[i] - o[i] for i in range(3))
        far = np.sqrt(dot(v, v))
        d = unit(*v)
        t, light = np.full(far.shape, 0.03, F), np.ones(far.shape, F)
        for _ in range(26):
            r = scene(*at(o, d, t))
            light = np.where(t < far - 0.12, np.minimum(light, 14 * r / t), light)
            t = t + np.clip(r, 0.03, 0.7)
        return np.clip(light, 0, 1)

    def shade(o, d, hit_t):
        """Light along rays that start anywhere: sky, or a surface under the lamps."""
        light = sky(d) + stars(d)
        for lamp, size in [(l, 0.062) for l in lamps] + [(beacon, 0.17)]:
            v = tuple(lamp[i] - o[i] for i in range(3))
            along = dot(v, d)
            miss = np.sqrt(np.maximum(dot(v, v) - along**2, 0))
            show = smooth(size, size * 0.6, miss) * (along > 0) * (along < hit_t)
            light = light + (show * 26)[:, None] * rgb("#ffd79a")
        where = np.flatnonzero(np.isfinite(hit_t))
        p = at(pick(o, where), pick(d, where), hit_t[where])
        n = normals(scene, p)
        tone, bumped = texture.lay(p, n, 0.55)
        ambient = (0.55 + 0.45 * bumped[1])[:, None] * night * 0.11
        out = material(p, n) * tone * (lamplight(p, bumped) + ambient)
        show = light[where]
        bright = show.max(-1, keepdims=True) > 2
        light[where] = np.where(bright, show, out)
        return light

    def stars(d):
        a, b = np.arctan2(d[0], d[2]) * 190, np.arcsin(np.clip(d[1], -1, 1)) * 190
        i, j = np.floor(a), np.floor(b)
        h1 = (np.sin(i * 127.1 + j * 311.7) * 43758.5453) % 1
        h2 = (np.sin(i * 269.5 + j * 183.3) * 43758.5453) % 1
        r = np.hypot(a - i - 0.5, b - j - 0.5)
        return (smooth(0.26, 0.0, r) * (h1 > 0.985) * h2 * 0.28 * smooth(0.16, 0.5, d[1]))[:, None] * np.ones(3, F)

    texture = Texture(rng, 0.30, mottle=0.14)
    swell = noise(rng, 1024, 1024, 2.0, 6, 60, (1.0, 0.45))
    chop = noise(rng, 1024, 1024, 1.6, 22, 260, (1.0, 0.5))
    waves = blur(0.75 * swell + 0.62 * chop, 0.8)
    wy, wx = np.gradient(waves)

    def water_normal(x, z, far):
        i, j = (z * 46) % 1023, (x * 46) % 1023
        calm = 0.30 / (1 + 0.010 * far * far)
        return unit(-sample(wx, i, j) * calm, np.ones_like(x), -sample(wy, i, j) * calm)

    w, h = 2000, 1250
    o, d = camera(w, h, (-0.9, 2.15, -4.2), (-0.75, 1.72, 7.0), 37)
    t = march(scene, o, d, 40)
    sea = np.where(d[1] < -1e-4, -o[1] / np.minimum(d[1], -1e-4), np.inf)
    on_sea = sea < t
    light = np.zeros((w * h, 3), F)
    dry = np.flatnonzero(~on_sea)
    light[dry] = shade(pick(o, dry), pick(d, dry), t[dry])
    wet = np.flatnonzero(on_sea)
    p, dw = at(pick(o, wet), pick(d, wet), sea[wet]), pick(d, wet)
    spray = 7
    for _ in range(spray):
        jitter = rng.normal(0, 0.012, (2, len(wet))).astype(F) * np.maximum(sea[wet], 1) * 0.35
        n = water_normal(p[0] + jitter[0], p[2] + jitter[1], sea[wet])
        k = -2 * dot(dw, n)
        r = unit(dw[0] + k * n[0], np.abs(dw[1] + k * n[1]) + 0.002, dw[2] + k * n[2])
        cos = np.clip(-dot(dw, n), 0, 1)
        fresnel = (0.03 + 0.97 * (1 - cos) ** 5)[:, None]
        start = (p[0], np.full_like(p[0], 0.003), p[2])
        seen = shade(start, r, march(scene, start, r, 40, steps=80, near=0.02))
        deep = rgb("#0d2530") * 0.05
        light[wet] += (np.minimum(seen, 14) * np.maximum(fresnel, 0.22) + deep * (1 - fresnel)) / spray
    light = light.reshape(h, w, 3)
    save(develop(light, (1600, 1000), rng, exposure=2.9, bloom=0.20, grain=0.006, vignette=0.22), "projects/tidebook.jpg")


def head(x, y, z, hair="bun", beard=0.0, wide=1.0, nose=1.0, long=1.0, age=0.0):
    """A head and shoulders, looking along -z, eyes closed; the chin at y = 1.37, the crown at 1.8."""
    x = x / wide
    y = 1.37 + (y - 1.37) / long
    ax = np.abs(x)
    skull = egg(ax, y - 1.615, z - 0.025, 0.146, 0.178, 0.190)
    d = melt(skull, egg(ax, y - 1.495, z + 0.045, 0.112, 0.150, 0.125), 0.05)
    d = melt(d, capsule(ax, y, z, (0.098, 1.47, 0.0), (0.032, 1.378, -0.098), 0.036, 0.026), 0.05)     # jaw
    d = melt(d, egg(ax, y - 1.372, z + 0.118, 0.040, 0.030, 0.034), 0.035)                             # chin
    d = melt(d, egg(ax - 0.066, y - 1.512, z + 0.112, 0.034, 0.024, 0.034), 0.045)                     # cheekbone
    d = melt(d, capsule(ax, y, z, (0.016, 1.592, -0.166), (0.088, 1.590, -0.126), 0.015, 0.012), 0.030)  # brow
    d = carve(d, egg(ax - 0.056, y - 1.556, z + 0.186, 0.042, 0.023, 0.038), 0.022)
    d = melt(d, egg(ax, y - 1.604, z + 0.138, 0.034, 0.026, 0.034), 0.03)                              # between the brows                    # socket
    lid = egg(ax - 0.054, y - 1.551, z + 0.132, 0.032, 0.0195, 0.0265)
    d = melt(d, lid, 0.006)
    crease = np.abs(y - 1.541 - 1.6 * (ax - 0.055) ** 2 * 3) - 0.0014
    d = carve(d, np.maximum(np.maximum(crease, np.abs(ax - 0.055) - 0.028), np.abs(lid) - 0.004), 0.003)
    ridge = capsule(ax, y, z, (0, 1.606, -0.157), (0, 1.487, -0.163 - 0.044 * nose), 0.013, 0.0150)
    d = melt(d, ridge, 0.028)
    d = melt(d, egg(ax - 0.0165, y - 1.477, z + 0.166 + 0.018 * nose, 0.0125, 0.0105, 0.020), 0.014)         # wing of the nose
    d = carve(d, egg(ax - 0.011, y - 1.4665, z + 0.176 + 0.018 * nose, 0.006, 0.005, 0.011), 0.005)
    mouth = egg(ax, y - 1.424, z + 0.110, 0.050, 0.042, 0.044)
    d = melt(d, mouth, 0.03)
    d = melt(d, capsule(ax, y, z, (0.042, 1.4258, -0.150), (0.007, 1.4338, -0.1640), 0.0032, 0.0080), 0.007)
    d = melt(d, capsule(ax, y, z, (0.031, 1.4178, -0.153), (0.0, 1.4130, -0.1625), 0.0042, 0.0108), 0.008)
    d = carve(d, capsule(ax, y, z, (0.046, 1.4240, -0.153), (0.0, 1.4246, -0.1745), 0.0024), 0.004)
    ear = egg(ax - 0.146, y - 1.53 - 0.15 * (z - 0.02), z - 0.025, 0.017, 0.050, 0.031)
    ear = carve(ear, egg(ax - 0.164, y - 1.535, z - 0.018, 0.014, 0.032, 0.018), 0.008)
    d = melt(d, ear, 0.012)
    if age:                                                   # folds beside the mouth
        d = carve(d, capsule(ax, y, z, (0.031, 1.470, -0.166), (0.055, 1.420, -0.146), 0.0035 * age), 0.012)
    v = y - 0.085                                             # the shoulders, drawn a little lower than they sit
    neck = capsule(ax, v, z, (0, 1.34, 0.045), (0, 1.10, 0.055), 0.073, 0.084)
    cord = capsule(ax, v, z, (0.080, 1.35, 0.045), (0.022, 1.13, -0.040), 0.016, 0.013)
    body = melt(neck, cord, 0.035)
    body = melt(body, capsule(ax, v, z, (0.0, 1.09, 0.06), (0.30, 1.00, 0.05), 0.095, 0.105), 0.07)
    body = melt(body, egg(ax, v - 0.86, z - 0.03, 0.33, 0.26, 0.17), 0.06)
    d = melt(d, body, 0.03)
    # A plain coat in folds, a rolled scarf.
    coat = melt(capsule(ax, v, z, (0.05, 1.07, 0.06), (0.31, 0.985, 0.05), 0.125, 0.118), egg(ax, v - 0.82, z - 0.03, 0.36, 0.30, 0.20), 0.06)
    chisel = 0.0035 * np.sin(70 * v + 26 * x + 9 * np.sin(11 * x + 7 * z)) * np.sin(31 * x - 17 * v)
    coat = coat + chisel
    ring = np.sqrt(x * x * 0.85 + (z - 0.055) ** 2) - 0.112
    lie = v - 1.128 - 0.22 * (z - 0.05) - 0.015 * np.sin(2 * np.arctan2(x, z) + 0.6)
    scarf = np.sqrt(ring * ring + lie * lie) - 0.044
    scarf = scarf + 0.0048 * np.sin(7 * np.arctan2(lie, ring) + 2.2 * np.sin(np.arctan2(x, z)) + 9 * x)
    d = np.minimum(d, melt(coat, scarf, 0.012))
    d = np.minimum(d, hair_of(hair, ax, x, y, z))
    if beard:
        fur = egg(ax, y - 1.392 + 0.02 * beard, z + 0.070, 0.106, 0.052 + 0.030 * beard, 0.098)
        fur = melt(fur, capsule(ax, y, z, (0.112, 1.53, -0.005), (0.085, 1.42, -0.060), 0.026, 0.036), 0.03)
        fur = carve(fur, egg(ax, y - 1.424, z + 0.175, 0.044, 0.018, 0.05), 0.008)
        whisker = capsule(ax, y, z, (0.007, 1.447, -0.163), (0.060, 1.420, -0.138), 0.0075, 0.006)
        fur = melt(fur, whisker, 0.01)
        fur = fur + 0.0030 * np.sin(130 * ax + 40 * y + 5 * np.sin(38 * y)) * np.cos(60 * z + 30 * y)
        d = melt(d, fur, 0.012)
    return d * 0.72


def hair_of(kind, ax, x, y, z):
    face = egg(ax, y - 1.545, z + 0.20, 0.128, 0.158, 0.150)
    if kind == "bun":                                         # combed back from the brow into a knot
        cap = egg(ax, y - 1.632, z - 0.035, 0.163, 0.178, 0.196)
        cap = carve(cap, face, 0.012)
        cap = np.maximum(cap, 1.50 - y - 0.55 * np.maximum(z - 0.02, 0) - 0.25 * np.minimum(z, 0))
        sweep = np.sin(95 * np.sqrt((y - 1.60) ** 2 + (ax * 0.9) ** 2 + 0.02) + 26 * ax + 7 * np.sin(9 * z + 8 * y))
        cap = cap + 0.0032 * sweep
        kx, ky, kz = x, y - 1.665, z - 0.245
        knot = egg(kx, ky, kz, 0.082, 0.080, 0.070)
        knot = knot + 0.0045 * np.sin(3 * np.arctan2(ky, kx) + 70 * np.sqrt(kx * kx + ky * ky))
        return melt(cap, knot, 0.02)
    if kind == "short":                                       # close-cropped, parted
        cap = carve(egg(ax, y - 1.640, z - 0.030, 0.158, 0.176, 0.196), face, 0.010)
        cap = np.maximum(cap, 1.545 - y - 0.45 * np.maximum(z, 0) - 0.6 * np.minimum(z + 0.02, 0))
        return cap + 0.0030 * np.sin(110 * (x + 0.05) + 40 * z + 6 * np.sin(20 * z)) * np.sin(55 * y + 30 * z)
    if kind == "curls":
        cap = carve(egg(ax, y - 1.655, z - 0.030, 0.186, 0.190, 0.212), face, 0.010)
        cap = np.maximum(cap, 1.50 - y - 0.5 * np.maximum(z, 0) - 0.6 * np.minimum(z + 0.02, 0))
        return (cap + 0.010 * np.sin(62 * x + 3) * np.sin(58 * y) * np.sin(60 * z + 1) - 0.004 * np.sin(120 * x) * np.sin(116 * z)) * 0.8
    if kind == "bob":                                         # to the jaw, with a fringe swept aside
        cap = egg(ax, y - 1.605, z - 0.040, 0.176, 0.200, 0.194)
        cap = melt(cap, egg(ax - 0.085, y - 1.47, z - 0.035, 0.085, 0.120, 0.115), 0.05)
        cap = carve(cap, egg(x - 0.018, y - 1.520, z + 0.20, 0.112, 0.178, 0.155), 0.012)
        cap = np.maximum(cap, 1.385 - y + 0.05 * np.sin(4 * z))
        return cap + 0.0030 * np.sin(120 * ax + 55 * z + 5 * np.sin(16 * y))
    if kind == "wrap":                                        # a folded head cloth
        cap = egg(ax, y - 1.690, z - 0.045, 0.180, 0.165, 0.205)
        cap = np.maximum(cap, 1.605 - y - 0.35 * np.maximum(z, 0) - 0.12 * np.minimum(z, 0))
        cap = cap + 0.0075 * np.sin(46 * (y + 0.42 * x + 0.25 * z) + 2 * np.sin(7 * x))
        return melt(cap, egg(x - 0.05, y - 1.79, z + 0.06, 0.085, 0.06, 0.07) + 0.005 * np.sin(60 * (y - 0.6 * x)), 0.02)
    crown = egg(ax, y - 1.56, z - 0.045, 0.158, 0.085, 0.168)   # a fringe around a bald crown
    crown = carve(crown, egg(ax, y - 1.56, z + 0.16, 0.17, 0.3, 0.16), 0.01)
    return crown + 0.003 * np.sin(120 * y + 30 * z) * np.sin(70 * z)


def bust(rng, size, fov, eye, target, angle, wall, pane, warm="#fff0dc", tone="#ddd4c6", samples=14, scale=1.25, **face):
    """One head in a niche of light."""

    def scene(x, y, z):
        hx, hz = turn(x, z, angle)
        d = head(hx, y, hz, **face)
        return np.minimum(d, 0.62 - z)                        # the wall behind

    def gobo(p):
        """Sun through one tall window: a lit pane on the wall, bars across it."""
        u, v = p[0] + (p[2] - 0.62) * -2.38, p[1] - (p[2] - 0.62) * -1.476     # where the ray meets the wall
        open_ = smooth(pane[0] - 0.02, pane[0] - 0.06, np.abs(u - pane[1])) * smooth(pane[2] + 0.03, pane[2] - 0.03, np.abs(v - pane[3]))
        bar = smooth(0.008, 0.024, np.abs(((u - pane[1]) / (pane[0] * 2 / 2) + 0.5) % 1 - 0.5) * pane[0])
        rung = smooth(0.008, 0.024, np.abs(((v - pane[3]) / 0.42) % 1 - 0.5) * 0.42)
        behind = smooth(0.40, 0.55, p[2])
        return mix(1.0, open_ * bar * rung, behind)            # the bars fall on the wall only

    def sky(d):
        return mix(rgb("#c9b9a4") * 0.16, rgb("#b9cbe6") * 0.62, smooth(-0.5, 0.9, -0.6 * d[0] + 0.5 * d[1] - 0.5 * d[2])[:, None])

    def material(p, n):
        return np.where((p[2] > 0.61)[:, None], rgb(wall), rgb(tone))

    light, _, _ = photograph(
        scene, size, eye, target, fov, rng, (-1.0, 0.62, -0.42), rgb(warm) * 3.4, sky, material, gobo,
        Texture(rng, 0.9, mottle=0.05, vein=0.06, pits=0.25), 0.16, samples=samples, scale=scale, gloss=0.05, sharp=26)
    return light


@picture
def solene_achard(rng):
    """The portrait: a marble head in window light."""
    light = bust(rng, (960, 1200), 23, (0.10, 1.49, -2.55), (0.015, 1.45, 0.0), 28, "#ab9c8a", (0.46, 0.02, 0.62, 1.42), hair="bob", scale=2)
    save(develop(light, (960, 1200), rng, exposure=0.56, bloom=0.08, vignette=0.22), "solene-achard.jpg", 65_000, (800, 1000))


@picture
def people(rng):
    """Four who speak for her, at the size of a stamp."""
    sitters = {
        "bastien-roumegoux": ("#8f979e", 28, dict(tone="#cfc4b4", hair="short", beard=0.6, wide=1.06, nose=1.1)),
        "wanjiru-astley": ("#b7a588", -24, dict(tone="#8a6c58", hair="wrap", wide=1.03, nose=0.95)),
        "helene-portanier": ("#98a093", 30, dict(hair="bun", nose=1.05, age=0.8)),
        "tomasz-orsel-wieczorek": ("#a5958f", -20, dict(hair="bald", beard=0.9, wide=1.08, nose=1.15)),
    }
    for name, (wall, angle, looks) in sitters.items():
        light = bust(rng, (512, 512), 14.5, (0.10, 1.56, -2.55), (0.0, 1.52, 0.0), angle, wall, (0.9, 0.1, 2.0, 1.4), samples=8, scale=1, **looks)
        save(develop(light, (256, 256), rng, exposure=0.60, bloom=0.06, grain=0.004, vignette=0.15), f"people/{name}.jpg")


@picture
def about(rng):
    """A ledge in the morning: a sphere, a small arch, a stack of slabs, one of them lapis."""
    slabs = [(0.0, 0.055, 0.30, 0.20, 8), (0.115, 0.05, 0.26, 0.19, -12), (0.225, 0.045, 0.235, 0.165, 21), (0.325, 0.04, 0.19, 0.15, -4)]

    def scene(x, y, z):
        d = np.minimum(np.minimum(y + 0.0, 1.05 - z), 9)
        d = np.where(z < -0.62, np.maximum(d, -0.62 - z), d)
        d = np.minimum(d, np.maximum(y, -0.62 - z))
        d = np.minimum(d, np.sqrt((x + 0.62) ** 2 + (y - 0.30) ** 2 + (z - 0.05) ** 2) - 0.30)
        ax, az = turn(x - 0.08, z - 0.42, -14)
        arch = box(ax, y - 0.40, az, 0.34, 0.40, 0.13, 0.012)
        hole = np.where(y < 0.40, np.abs(ax), np.sqrt(ax * ax + (y - 0.40) ** 2)) - 0.185
        arch = np.maximum(arch, -hole)
        rim = np.maximum(np.abs(hole - 0.03) - 0.018, np.maximum(np.abs(az) - 0.145, 0.40 - y))
        d = np.minimum(d, np.minimum(arch, rim))
        for base, half, a, b, angle in slabs:
            sx, sz = turn(x - 0.80, z - 0.02, angle)
            d = np.minimum(d, box(sx, y - base - half - 0.004, sz, a, half, b, 0.014))
        d = np.minimum(d, egg(x - 0.79, y - 0.465, z - 0.02, 0.085, 0.055, 0.075))
        d = np.minimum(d, egg(x - 0.16, y - 0.045, z + 0.26, 0.10, 0.046, 0.070))
        d = np.minimum(d, egg(x - 0.325, y - 0.032, z + 0.31, 0.055, 0.033, 0.046))
        cx, cz = turn(x + 0.22, z + 0.36, 18)
        shaft = capsule(cx, y, cz, (-0.26, 0.026, 0), (0.10, 0.026, 0), 0.017, 0.021)
        blade = np.maximum(capsule(cx, y, cz, (0.10, 0.026, 0), (0.25, 0.026, 0), 0.021, 0.030), np.abs(y - 0.026) - np.clip(0.022 - 0.12 * (cx - 0.10), 0.002, 0.022))
        return np.minimum(d, np.minimum(shaft, blade)) * 0.9

    to_sun = (-0.80, 0.52, -0.52)
    sx, sy, sz = unit(*(np.float64(c) for c in to_sun))

    def gobo(p):
        """A tall window to the left: six panes."""
        t = (p[0] + 3.0) / -sx
        u, v = p[2] + sz * t, p[1] + sy * t
        open_ = smooth(0.93, 0.87, np.abs(u + 2.02)) * smooth(0.98, 0.92, np.abs(v - 2.52))
        bar = smooth(0.020, 0.036, np.abs(np.abs(u + 2.02) - 0.31)) * smooth(0.020, 0.036, np.abs(((v - 2.52) / 0.64 + 0.5) % 1 - 0.5) * 0.64)
        return open_ * bar

    def sky(d):
        return mix(rgb("#bfae98") * 0.22, rgb("#bccfea") * 0.60, smooth(-0.6, 0.9, -0.7 * d[0] + 0.4 * d[1] - 0.5 * d[2])[:, None])

    def material(p, n):
        base = np.broadcast_to(rgb("#d9d0c2"), (len(p[0]), 3)).copy()
        base[p[2] > 1.04] = rgb("#b7a793")
        base[(p[1] < 0.003) & (p[2] < 1.04)] = rgb("#cfc4b3")
        arch = (np.abs(p[0] - 0.08) < 0.42) & (p[2] > 0.18) & (p[2] < 0.7) & (p[1] > 0.003)
        base[arch] = rgb("#cdb592")
        stack = (p[0] > 0.465) & (p[2] < 0.3) & (p[2] > -0.3) & (p[1] > 0.003)
        for (low, half, *_), colour in zip(slabs, ("#8f8a82", "#d8cfc0", "#2f4b9c", "#c7b79c")):
            base[stack & (p[1] > low + 0.004) & (p[1] <= low + 2 * half + 0.005)] = rgb(colour)
        base[stack & (p[1] > 0.41)] = rgb("#e4ddd2")
        base[(np.abs(p[0] - 0.2) < 0.3) & (p[2] < -0.15) & (p[1] > 0.003)] = rgb("#9d968c")
        cx, cz = turn(p[0] + 0.22, p[2] + 0.36, 18)
        tool = (np.abs(cz) < 0.04) & (np.abs(cx) < 0.32) & (p[1] > 0.003) & (p[1] < 0.06)
        base[tool] = np.where((cx[tool] < 0.08)[:, None], rgb("#57463a"), rgb("#8b8f94"))
        return base

    light, _, _ = photograph(
        scene, (1600, 1200), (0.10, 0.72, -3.05), (0.08, 0.42, 0.2), 34, rng, to_sun, rgb("#fff0da") * 4.6, sky, material, gobo,
        Texture(rng, 0.42, mottle=0.08, vein=0.09, pits=0.5), 0.28, samples=16, gloss=0.05, sharp=34, scale=1.5)
    save(develop(light, (1600, 1200), rng, exposure=0.78, bloom=0.10, vignette=0.28), "about.jpg", 120_000, (1280, 960))


@picture
def og_default(rng):
    """What is shown where a link is shared: the name cut into the stone, above a band of grooves."""
    s = 1.5
    w, h = int(1200 * s), int(630 * s)
    font = ImageFont.truetype(str(ROOT / "static/_assets/fonts/commissioner.woff2"), int(168 * s))
    font.set_variation_by_axes([640])
    page = Image.new("L", (w, h))
    pen = ImageDraw.Draw(page)
    for row, word in enumerate(("SOLÈNE", "ACHARD")):
        pen.text((int(84 * s), int((58 + 176 * row) * s)), word, font=font, fill=255)
    cut = np.asarray(page.filter(ImageFilter.GaussianBlur(0.6)), F) / 255 > 0.5
    depth = blur(np.minimum(distance(~cut), 16 * s), 0.9)
    y, x = grid(h, w)
    albedo, rough = stone(rng, h, w, rgb("#d3c9ba"), vein=0.10, mottle=0.07, pits=0.9)
    height = 1.5 * noise(rng, h, w, 2.6, 1.5, 10) + rough * 0.55 - 1.15 * depth
    # The frieze: triglyphs and panels along the foot.
    top, foot = 474 * s, 594 * s
    band = smooth(top - 3, top + 3, y) * smooth(foot + 3, foot - 3, y)
    bay = 186 * s
    u = ((x - 36 * s) % bay) - bay / 2
    flute = np.abs(((u / (22 * s)) + 0.5) % 1 - 0.5) * 22 * s
    bar = smooth(36 * s, 33 * s, np.abs(u))
    triglyph = bar * (8 * s + 10 * s * smooth(3 * s, 9 * s, flute))
    disc = np.hypot(np.abs(u) - bay / 2, y - (top + foot) / 2)
    round_ = 11 * s * np.sqrt(np.maximum(1 - (disc / (34 * s)) ** 2, 0)) + 4 * s * smooth(45 * s, 42 * s, disc) * smooth(35 * s, 38 * s, disc)
    height = height + band * (triglyph + (1 - bar) * round_ - 9 * s)
    height = height + 12 * s * smooth(foot + 2, foot + 8, y) + 12 * s * smooth(top - 3, top - 9, y) * smooth(top - 27 * s, top - 21 * s, y)
    beam = 0.40 + 0.95 * np.exp(-(((x / w - 0.30) / 0.50) ** 2 + ((y / h - 0.30) / 0.62) ** 2))
    light = relief(height, albedo, rgb("#ffeacc") * 3.3, 142, 24, rgb("#92a5c4") * 0.42, reach=170, softness=0.06, key=beam)
    save(develop(light, (1200, 630), rng, exposure=0.92, focus=(0.4, 0.36, 0.75, 1.6)), "og-default.jpg")


LOGOS = {
    "port-vif": ("#2f5d73", '<path d="M22 58c8-7 17-7 26 0s18 7 26 0M22 70c8-7 17-7 26 0s18 7 26 0"/><path d="M48 20v26M48 24l18 20H48"/>'),
    "nappe-et-source": ("#3d6b60", '<path d="M20 36c10-7 18 5 28-2s18 5 28-2M20 50c10-7 18 5 28-2s18 5 28-2"/><path d="M48 58c7 8 9 11 9 14a9 9 0 0 1-18 0c0-3 2-6 9-14z" fill="#f6f1e7"/>'),
    "filature-orsel": ("#4a4f8a", '<path d="M34 22v52M48 22v52M62 22v52"/><path d="M22 34h19m14 0h19M22 48h5m14 0h14m14 0h5M22 62h19m14 0h19"/>'),
    "archives-du-midi": ("#8a4f3d", '<path d="M26 72V46a22 22 0 0 1 44 0v26M38 72V48a10 10 0 0 1 20 0v24M20 74h56"/>'),
}


@picture
def logos(_):
    """Four marks of four firms that do not exist."""
    for name, (ground, strokes) in LOGOS.items():
        path = IMAGES / "logos" / f"{name}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96" viewBox="0 0 96 96">'
            f'<rect width="96" height="96" rx="14" fill="{ground}"/>'
            f'<g fill="none" stroke="#f6f1e7" stroke-width="5" stroke-linecap="round" stroke-linejoin="round">{strokes}</g></svg>\n'
        )
        print(path.relative_to(ROOT))


def main(names):
    unknown = sorted(set(names) - set(PICTURES))
    if unknown:
        sys.exit(f"No such picture: {', '.join(unknown)}. There are: {', '.join(PICTURES)}")
    for name, draw in PICTURES.items():
        if not names or name in names:
            draw(rng_for(name))


if __name__ == "__main__":
    main(sys.argv[1:])
