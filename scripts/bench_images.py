#!/usr/bin/env python3
"""Times frieze's images against sharp and Hugo on a folder of photographs, in alternating cold runs.

    scripts/bench_images.py PHOTOS [--database URL] [--runs 5] [--quality 75] [--work DIR]
                            [--sharp DIR] [--hugo hugo]

PHOTOS is a folder of JPEGs. Each becomes WebP at 480, 960 and 1600 pixels: frieze at --quality, the
others at their 75. --sharp names a folder whose node_modules holds sharp; without it, or without Hugo, they
are left out. --database names an empty database to build with, as a deployment does; without it, the
embedded one is booted as part of every frieze run. Needs a release binary (cargo build --release),
/usr/bin/time, and numpy, Pillow and scikit-image for the structural similarity to a Lanczos scaling by
Pillow. Prints seconds (median, least, most), processor seconds, peak memory, bytes, SSIM at 960; then the
same build again with everything made, and once more with the cache alone kept.
"""
import argparse, json, os, pathlib, resource, shutil, statistics, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTHS = [480, 960, 1600]
SHARP = """import sharp from "sharp"; import fs from "node:fs"; import path from "node:path";
const [from, to] = process.argv.slice(2); fs.mkdirSync(to, { recursive: true });
sharp.concurrency(1); sharp.cache(false);
const files = fs.readdirSync(from).filter((f) => f.endsWith(".jpg")).sort(); let next = 0;
async function work() { while (next < files.length) { const f = files[next++];
  const { data, info } = await sharp(path.join(from, f)).raw().toBuffer({ resolveWithObject: true });
  for (const width of %s) await sharp(data, { raw: info }).resize({ width }).webp({ quality: 75 })
    .toFile(path.join(to, f.replace(".jpg", `-${width}.webp`))); } }
await Promise.all(Array.from({ length: %d }, work));
"""


def photographs(folder):
    return sorted(folder.glob("*.jpg"))


def frieze(work, photos, quality):
    site = work / "frieze"
    shutil.rmtree(site, ignore_errors=True)
    pages = ["/"] + [f"/{photo.stem}/" for photo in photos]
    toml = f'[site]\ntitle = "Photographs"\nbase_url = "https://bench.example"\n[images]\nquality = {quality}\n[database]\nkits = []\n'
    (site / "templates/pages").mkdir(parents=True)
    (site / "content").mkdir()
    for path in pages:
        name = path.strip("/") or "home"
        toml += f'[[pages]]\npath = "{path}"\ntemplate = "pages/{name}.html"\n'
        image = f'{{{{ image(src="{name}.jpg", widths={WIDTHS}) }}}}' if path != "/" else "<p>Photographs"
        (site / f"templates/pages/{name}.html").write_text(image)
    (site / "frieze.toml").write_text(toml)
    for photo in photos:
        shutil.copy(photo, site / "content" / photo.name)
    return site


def hugo(work, photos):
    site = work / "hugo"
    shutil.rmtree(site, ignore_errors=True)
    for folder in ("assets", "content", "layouts/_default"):
        (site / folder).mkdir(parents=True)
    (site / "hugo.toml").write_text('baseURL="https://bench.example/"\ndisableKinds=["404","taxonomy","term","rss","sitemap","section","home"]\n')
    sizes = " ".join(f'"{width}x webp q75"' for width in WIDTHS)
    (site / "layouts/_default/single.html").write_text(
        "{{ $i := resources.Get .Params.photo }}{{ range slice " + sizes + ' }}<img src="{{ ($i.Resize .).RelPermalink }}">{{ end }}')
    for photo in photos:
        shutil.copy(photo, site / "assets" / photo.name)
        (site / f"content/{photo.stem}.md").write_text(f'+++\ntitle = "{photo.stem}"\nphoto = "{photo.name}"\n+++\n')
    return site


def sharp(work, photos, folder):
    site = work / "sharp"
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    (site / "package.json").write_text('{"type":"module"}')
    (site / "node_modules").symlink_to(pathlib.Path(folder).resolve() / "node_modules")
    (site / "images.mjs").write_text(SHARP % (WIDTHS, os.cpu_count()))
    return site


def run(command, folder, env):
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["/usr/bin/time", "-f", "%M", "-o", folder / "rss", *command], cwd=folder, env=env, capture_output=True, text=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stderr}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall, cpu, int((folder / "rss").read_text().split()[-1]) / 1024, done.stdout


def quality_of(out, photos):
    import numpy
    from PIL import Image
    from skimage.metrics import structural_similarity
    scores = []
    for photo in photos[:12]:
        reference = Image.open(photo).convert("RGB")
        reference = reference.resize((960, round(reference.height * 960 / reference.width)), Image.LANCZOS)
        for file in out.rglob(f"{photo.stem}[-_.]*.webp"):
            made = Image.open(file)
            if made.size == reference.size:
                scores.append(structural_similarity(numpy.asarray(reference), numpy.asarray(made.convert("RGB")), channel_axis=2))
                break
    return statistics.mean(scores)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--database")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quality", type=int, default=75)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("/tmp/bench-images"))
    parser.add_argument("--sharp")
    parser.add_argument("--hugo")
    args = parser.parse_args()
    photos, binary = photographs(args.photos.resolve()), ROOT / "target/release/frieze"
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "FRIEZE_CACHE_DIR")}
    if args.database:
        env["DATABASE_URL"] = args.database
    site = frieze(args.work, photos, args.quality)
    if args.database:
        subprocess.run([binary, "db", "migrate"], cwd=site, env=env, check=True, capture_output=True)
    peers = {"frieze": (site, [binary, "--json", "build"], "dist", [".frieze/cache", "dist", ".dist.frieze"])}
    if args.sharp:
        peers["sharp"] = (sharp(args.work, photos, args.sharp), ["node", "images.mjs", args.photos.resolve(), "out"], "out", ["out"])
    if args.hugo:
        peers["hugo"] = (hugo(args.work, photos), [args.hugo, "--quiet"], "public", ["public", "resources"])
    runs = {name: [] for name in peers}
    clean = lambda folder, names: [shutil.rmtree(folder / name, ignore_errors=True) for name in names]
    for _ in range(args.runs):
        for name, (folder, command, _, old) in peers.items():
            clean(folder, old)
            runs[name].append(run(command, folder, env))
    print(f"{len(photos)} photographs, {sum(p.stat().st_size for p in photos) / 1e6:.1f} MB, quality {args.quality}\n")
    print("| | s (median) | least-most | processor s | peak MiB | files | MB | SSIM at 960 |\n|---|---|---|---|---|---|---|---|")
    for name, (folder, _, out, _) in peers.items():
        walls, files = sorted(r[0] for r in runs[name]), list((folder / out).rglob("*.webp"))
        print(f"| {name} | {statistics.median(walls):.2f} | {walls[0]:.2f}-{walls[-1]:.2f} | {statistics.median(r[1] for r in runs[name]):.2f} "
              f"| {max(r[2] for r in runs[name]):.0f} | {len(files)} | {sum(f.stat().st_size for f in files) / 1e6:.3f} | {quality_of(folder / out, photos):.4f} |", flush=True)
    for label, old in (("everything made", []), ("only the cache kept", ["dist", ".dist.frieze"])):
        again = []
        for _ in range(args.runs):
            clean(site, old)
            again.append(run(peers["frieze"][1], site, env))
        report = json.loads(again[-1][3])
        stages = ", ".join(f"{s['name']} {s['seconds']:.3f}" for s in report["stages"])
        print(f"\nfrieze again, {label}: {statistics.median(r[0] for r in again):.3f} s, {report['images']['decoded']} decoded ({stages})")


main()
