#!/usr/bin/env python3
"""Times frieze against Hugo on one generated blog, in alternating cold runs.

    scripts/bench.py DATABASE_URL [--posts 10000] [--runs 5] [--work DIR] [--hugo hugo] [--psql psql]

DATABASE_URL names an empty database that may be written to; the role of the URL must be able to
create the role `anon`. Needs a release binary (cargo build --release), psql, and /usr/bin/time.
Without Hugo, only frieze is timed. Both write: the newest 20 posts, a page a post, an archive in
pages of 50, a page a tag with all its posts, a sitemap, and a feed of 20; Hugo with --minify.
Put --work on a file system like the one you deploy from: creating files is a large part of both.
"""
import argparse, json, os, pathlib, random, shutil, statistics, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOG = ROOT / "examples/blog"
CODE = {
    "rust": "pub fn {a}(input: &[u64]) -> Option<u64> {{\n    let mut total = {n};\n    for value in input.iter().filter(|v| *v % 3 == 0) {{\n        total += value; // {b}\n    }}\n    Some(total)\n}}",
    "js": "export async function {a}(items, limit = {n}) {{\n  const out = [];\n  for (const item of items.slice(0, limit)) {{\n    if (!item.ok) continue; // {b}\n    out.push({{ ...item, {a}: true }});\n  }}\n  return out;\n}}",
    "sql": "-- {b}\nselect slug, count(*) as total\nfrom {a}\nwhere published_at > now() - interval '{n} days'\ngroup by slug\norder by total desc\nlimit 20;",
    "python": "def {a}(rows, limit={n}):\n    \"\"\"{b}\"\"\"\n    total = 0.0\n    for row in rows:\n        if row['score'] > limit:\n            total += float(row['score'])\n    return total",
}


def posts(count):
    """The same posts each time; about 580 words each, none like another."""
    words = random.Random(1)
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    vocabulary = ["".join(words.choices(syllables, k=words.choice([1, 2, 2, 3]))) for _ in range(3000)]
    tags = vocabulary[:40]
    for i in range(count):
        r = random.Random(i)
        say = lambda k: " ".join(r.choices(vocabulary, k=k))
        sentence = lambda: (say(r.randint(7, 16)).capitalize() + (" *" + say(2) + "*" if r.random() < .2 else "") + ".")
        paragraph = lambda k: " ".join(sentence() for _ in range(k))
        language = list(CODE)[i % 4]
        code = CODE[language].format(a=r.choice(vocabulary), b=say(5), n=r.randint(2, 900))
        table = "| a | b | c |\n|---|---|---:|\n" + "\n".join(f"| {say(2)} | {say(1)} | {r.randint(1, 999)} |" for _ in range(5))
        lines = lambda mark: "\n".join(f"{mark} {sentence()}" for _ in range(4))
        head = lambda level: "#" * level + " " + say(3).capitalize()
        body = [paragraph(5), head(2), paragraph(5), paragraph(4), head(3), lines("-"), head(2), paragraph(5),
                f"```{language}\n{code}\n```", paragraph(4), head(3), table, paragraph(5), head(2), lines("1."),
                f"See [{say(2)}](/posts/{vocabulary[5]}-{r.randrange(count)}/). " + paragraph(5), paragraph(4)]
        yield dict(slug=f"{vocabulary[5]}-{i}", title=say(5).capitalize(), summary=sentence(), tags=r.sample(tags, 3),
                   published_at=f"{2016 + i * 10 // count}-{1 + i % 12:02}-{1 + i % 28:02}T{i % 24:02}:00:00Z", body="\n\n".join(body) + "\n")


def load(psql, url, rows):
    up = next((BLOG / "migrations").glob("*posts.up.sql"))
    run = lambda sql, **more: subprocess.run([psql, "-qXv", "ON_ERROR_STOP=1", url, "-c", sql], check=True, **more)
    run("do $$ begin create role anon nologin; exception when duplicate_object then null; end $$; grant usage on schema public to anon")
    subprocess.run([psql, "-qXv", "ON_ERROR_STOP=1", url, "-f", up], check=True)
    lines = "".join(json.dumps(p).replace("\\", "\\\\") + "\n" for p in rows)
    run("truncate public.posts; create table if not exists public.bench_load (post jsonb); truncate public.bench_load")
    run("copy public.bench_load from stdin", input=lines, text=True)
    run("""insert into public.posts (id, slug, title, summary, body, tags, published_at)
           select md5(post->>'slug')::uuid, post->>'slug', post->>'title', post->>'summary', post->>'body',
                  array(select jsonb_array_elements_text(post->'tags')), (post->>'published_at')::timestamptz from public.bench_load;
           drop table public.bench_load; analyze public.posts""")


def hugo_site(folder, rows):
    """The same blog for Hugo: plain templates, fewer bytes a page than the theme of frieze."""
    files = {
        "hugo.toml": 'baseURL = "https://bench.example/"\ntitle = "Bench"\ndisableKinds = ["404", "taxonomy"]\n[outputs]\nhome = ["html", "rss"]\nsection = ["html"]\nterm = ["html"]\n[services.rss]\nlimit = 20\n[pagination]\npagerSize = 50\ndisableAliases = true\n[taxonomies]\ntag = "tags"\n[permalinks]\nposts = "/posts/:slug/"\n[markup.goldmark.renderer]\nunsafe = true\n[markup.highlight]\ncodeFences = false\n',
        "highlight.toml": "[markup.highlight]\ncodeFences = true\nnoClasses = false\n",
        "layouts/_default/baseof.html": '<!doctype html>\n<html lang="en">\n<head>\n  <meta charset="utf-8">\n  <title>{{ .Title }}</title>\n  <link rel="canonical" href="{{ .Permalink }}">\n</head>\n<body>\n  <header><a href="/">{{ site.Title }}</a></header>\n  <main>{{ block "main" . }}{{ end }}</main>\n</body>\n</html>\n',
        "layouts/_default/item.html": '<li><a href="{{ .RelPermalink }}">{{ .Title }}</a> <time datetime="{{ .Date.Format "2006-01-02" }}">{{ .Date.Format "2 January 2006" }}</time><p>{{ .Params.summary }}</p></li>\n',
        "layouts/_default/list.html": '{{ define "main" }}<h1>{{ .Title }}</h1>{{ if eq .Kind "section" }}{{ $p := .Paginate .Pages.ByDate.Reverse }}<ul>{{ range $p.Pages }}{{ .Render "item" }}{{ end }}</ul>{{ else }}<ul>{{ range .Pages.ByDate.Reverse }}{{ .Render "item" }}{{ end }}</ul>{{ end }}{{ end }}\n',
        "layouts/_default/single.html": '{{ define "main" }}<article><h1>{{ .Title }}</h1><time>{{ .Date.Format "2 January 2006" }}</time><ul>{{ range .Params.tags }}<li><a href="/tags/{{ . }}/">{{ . }}</a></li>{{ end }}</ul>{{ .Content }}</article>{{ end }}\n',
        "layouts/index.html": '{{ define "main" }}<ul>{{ range first 20 site.RegularPages.ByDate.Reverse }}{{ .Render "item" }}{{ end }}</ul>{{ end }}\n',
    }
    for p in rows:
        front = "".join(f"{k} = {json.dumps(p[k])}\n" for k in ("title", "slug", "tags", "summary"))
        files[f"content/posts/{p['slug']}.md"] = f"+++\n{front}date = {p['published_at']}\n+++\n\n{p['body']}"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def timed(command, folder, env=None):
    """Wall seconds and peak MiB of one run."""
    done = subprocess.run(["/usr/bin/time", "-f", "%e %M", *map(str, command)], cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stderr}")
    wall, kib = done.stderr.split()[-2:]
    return float(wall), int(kib) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url"), parser.add_argument("--psql", default="psql"), parser.add_argument("--hugo", default="hugo")
    parser.add_argument("--posts", type=int, default=10_000), parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/bench")
    args = parser.parse_args()
    work = args.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    rows = list(posts(args.posts))
    load(args.psql, args.url, rows)
    hugo = shutil.which(args.hugo)
    hugo_site(work / "hugo", rows)
    binary, env = ROOT / "target/release/frieze", {**os.environ, "DATABASE_URL": args.url}
    print("| highlighting | run | frieze s | MiB | Hugo s | MiB | ratio |\n|---|---|---|---|---|---|---|")
    for highlight in ("off", "on"):
        site = work / f"blog-{highlight}"
        shutil.copytree(BLOG, site, ignore=shutil.ignore_patterns("dist", ".frieze", ".dist*"))
        config = (site / "frieze.toml").read_text().replace("[build]", f"[build]\nhighlight = {'true' if highlight == 'on' else 'false'}")
        (site / "frieze.toml").write_text(config)
        cold, warm, third, peers, peak, peer_peak = [], [], [], [], [], []
        for number in range(args.runs):
            for old in (site / "dist", site / ".dist.frieze", work / "hugo/public", work / "hugo/resources"):
                shutil.rmtree(old, ignore_errors=True)
            wall, mib = timed([binary, "build"], site, env)
            cold.append(wall), peak.append(mib)
            for later in (warm, third):
                edit = f"update public.posts set body = body || E'\\n\\nEdited {number}.\\n' where slug like '%-{len(rows) // 2 + number}'"
                subprocess.run([args.psql, "-qX", args.url, "-c", edit], check=True)
                later.append(timed([binary, "build"], site, env)[0])
            if hugo:
                configs = "hugo.toml" + (",highlight.toml" if highlight == "on" else "")
                wall, mib = timed([hugo, "--quiet", "--minify", "--config", configs], work / "hugo")
                peers.append(wall), peer_peak.append(mib)
        m, h = statistics.median, (lambda x: f"{statistics.median(x):.2f}" if x else "-")
        ratio = f"{m(cold) / m(peers):.2f}" if peers else "-"
        print(f"| {highlight} | cold | {m(cold):.2f} | {max(peak):.0f} | {h(peers)} | {max(peer_peak, default=0):.0f} | {ratio} |")
        print(f"| {highlight} | second, one row edited | {m(warm):.2f} | | | | {m(warm) / m(cold):.2f} of cold |")
        print(f"| {highlight} | third, one row edited | {m(third):.2f} | | | | {m(third) / m(cold):.2f} of cold |", flush=True)


if __name__ == "__main__":
    main()
