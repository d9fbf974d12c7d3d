#!/usr/bin/env python3
"""Times `frieze dev`: from closing an edited file to the changed bytes over loopback.

    scripts/bench_dev.py [--posts 1000,10000] [--edits 50] [--work DIR] [--memory 1000] [--hugo hugo]
                         [--binary target/release/frieze]

The site is the example blog with generated posts in content/ (those of bench.py) and the embedded
database. Every figure is a median over `--edits` edits, asked for without a pause; one connection.
With `--memory N`, N more edits of a post follow, and the resident memory is told before and after.
With Hugo, `hugo server` is timed on the same posts: the edited page, and the archive that lists it.
"""
import argparse, http.client, json, os, pathlib, re, shutil, statistics, subprocess, tempfile, time

from bench import BLOG, ROOT, hugo_site, posts

PATIENCE = 30


def front(post):
    fields = "".join(f"{key} = {json.dumps(post[key])}\n" for key in ("title", "slug", "tags", "summary"))
    return f"+++\n{fields}published_at = {post['published_at']}\n+++\n\n{post['body']}"


def blog(folder, rows):
    """The example blog with these posts, and a theme of its own to edit."""
    shutil.copytree(BLOG, folder, ignore=shutil.ignore_patterns("dist", ".frieze", ".dist*", "content"))
    shutil.copytree(ROOT / "static", folder / "static")
    shutil.copy(ROOT / "templates/base.html", folder / "templates/base.html")
    (folder / "content/posts").mkdir(parents=True)
    for post in rows:
        (folder / f"content/posts/{post['slug']}.md").write_text(front(post))


class Server:
    """A running server and one connection to it."""

    def __init__(self, command, port, folder, env):
        began = time.perf_counter()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([*map(str, command)], cwd=folder, env=env, stdout=self.log, stderr=self.log)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        while True:
            try:
                if self.get("/", 200):
                    break
            except OSError:
                self.connection.close()
            if self.process.poll() is not None or time.perf_counter() - began > 300:
                self.log.seek(0)
                raise SystemExit(f"{command[0]} did not start:\n{self.log.read().decode()[-2000:]}")
            time.sleep(0.005)
        self.start = time.perf_counter() - began

    def get(self, path, status=None):
        try:
            self.connection.request("GET", path)
            answer = self.connection.getresponse()
            body = answer.read()
        except http.client.HTTPException:
            self.connection.close()
            return b""
        return body if status in (None, answer.status) else b""

    def until(self, path, found, began):
        """Seconds until the page at a path is as wanted."""
        while not found(self.get(path)):
            if time.perf_counter() - began > PATIENCE:
                raise SystemExit(f"{path} never showed the edit")
        return time.perf_counter() - began

    def memory(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def write(path, text):
    """The moment at which the file was closed."""
    with open(path, "w") as file:
        file.write(text)
    return time.perf_counter()


def edits(server, file, change, paths, count):
    """Seconds from each of some edits to the page that shows it; then the file is as it was."""
    original, took = file.read_text(), []
    for number in range(count):
        word = f"zq{number}x{time.monotonic_ns() % 10**9}"
        began = write(file, change(original, word, number))
        took.append(server.until(paths[number % len(paths)], lambda body: word.encode() in body, began))
        time.sleep(0.02)
    write(file, original)
    time.sleep(0.3)
    return took


def style(server, file, count):
    original, took = file.read_text(), []
    sheet = lambda: re.search(rb"/_assets/css/[\w.-]+\.css", server.get("/")).group(0).decode()
    for number in range(count):
        word = f"zq{number}x{time.monotonic_ns() % 10**9}"
        began = write(file, f"{original}\n.{word} {{ color: red }}\n")
        while word.encode() not in server.get(sheet()):
            if time.perf_counter() - began > PATIENCE:
                raise SystemExit("the style sheet never showed the edit")
        took.append(time.perf_counter() - began)
        time.sleep(0.02)
    write(file, original)
    return took


def coming_and_going(server, folder, count):
    """Seconds until a new post is there, and until a deleted one has left the archive."""
    came, went, file = [], [], folder / "content/posts/zz-new.md"
    for number in range(count):
        word = f"zqnew{number}"
        post = dict(title=word, slug="zz-new", tags=["new"], summary="", body=word, published_at="2031-01-01T00:00:00Z")
        came.append(server.until("/archive/", lambda body: word.encode() in body, write(file, front(post))))
        file.unlink()
        went.append(server.until("/archive/", lambda body: b"zz-new" not in body, time.perf_counter()))
    return came, went


def free_port():
    import socket
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def frieze(args, count, work):
    rows, folder = list(posts(count)), work / f"dev-{count}"
    blog(folder, rows)
    env = {**os.environ, "FRIEZE_CACHE_DIR": str(folder / ".cache")}
    env.pop("DATABASE_URL", None)
    start = lambda: (lambda port: Server([args.binary, "dev", "--port", port], port, folder, env))(free_port())
    first = start()
    first.stop()
    server = start()
    say = lambda what, took: print(f"| frieze | {count} | {what} | {statistics.median(took) * 1000:.1f} | {min(took) * 1000:.1f}–{max(took) * 1000:.1f} | {len(took)} |", flush=True)
    say("start, nothing cached", [first.start]), say("start, warm", [server.start])
    newest, old = max(rows, key=lambda row: (row["published_at"], row["slug"])), rows[count // 2]
    of = lambda row: folder / f"content/posts/{row['slug']}.md"
    body = lambda text, word, number: f"{text}\n{word}\n"
    title = lambda text, word, number: re.sub(r'title = ".*"', f'title = "{word}"', text, count=1)
    tags = lambda text, word, number: re.sub(r"tags = .*", f'tags = ["{word}"]', title(text, word, number), count=1)
    date = lambda text, word, number: re.sub(r"published_at = .*", f"published_at = 2031-02-01T00:{number % 60:02}:00Z", title(text, word, number), count=1)
    slug = lambda text, word, number: re.sub(r'slug = ".*"', f'slug = "{word}"', title(text, word, number), count=1)
    page = f"/posts/{old['slug']}/"
    say("text of a post: its page", edits(server, of(old), body, [page], args.edits))
    for what, path in ("its page", f"/posts/{newest['slug']}/"), ("home", "/"), ("archive", "/archive/"), ("feed", "/atom.xml"), ("a tag's page", f"/tags/{newest['tags'][0]}/"):
        say(f"title of the newest: {what}", edits(server, of(newest), title, [path], args.edits))
    few = max(5, args.edits // 5)
    say("date of a post: archive", edits(server, of(old), date, ["/archive/"], few))
    say("tags of the newest: archive", edits(server, of(newest), tags, ["/archive/"], few))
    say("slug of the newest: archive", edits(server, of(newest), slug, ["/archive/"], few))
    came, went = coming_and_going(server, folder, few)
    say("a new post: archive", came), say("a deleted post: archive", went)
    template = lambda text, word, number: text.replace("<article", f"<p>{word}</p><article", 1)
    base = lambda text, word, number: text.replace("<main", f"<p>{word}</p><main", 1)
    say("template of posts: a post", edits(server, folder / "templates/pages/post.html", template, [page], args.edits))
    say("template of all pages: a post", edits(server, folder / "templates/base.html", base, [page], args.edits))
    say("style sheet", style(server, folder / "static/_assets/css/_site.css", args.edits))
    if args.memory:
        before = server.memory()
        edits(server, of(old), body, [page, "/archive/"][:1], args.memory)
        print(f"\n{count} posts, {args.memory} more edits of a post: {before:.0f} MiB before, {server.memory():.0f} MiB after\n", flush=True)
    server.stop()


def hugo(args, count, work):
    rows, folder = list(posts(count)), work / f"hugo-{count}"
    hugo_site(folder, rows)
    port = free_port()
    server = Server([args.hugo, "server", "--port", port, "--bind", "127.0.0.1", "--disableBrowserError", "--quiet"], port, folder, None)
    row = rows[-1]
    title = lambda text, word, number: re.sub(r'title = ".*"', f'title = "{word}"', text, count=1)
    file = folder / f"content/posts/{row['slug']}.md"
    for what, path in ("its page", f"/posts/{row['slug']}/"),:
        took = edits(server, file, title, [path], args.edits)
        print(f"| hugo server | {count} | title of the newest: {what} | {statistics.median(took) * 1000:.1f} | {min(took) * 1000:.1f}–{max(took) * 1000:.1f} | {len(took)} |", flush=True)
    server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", default="1000,10000"), parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--memory", type=int, default=0), parser.add_argument("--hugo", default="hugo")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/release/frieze")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/bench-dev")
    args = parser.parse_args()
    args.binary, args.hugo, work = args.binary.resolve(), shutil.which(args.hugo), args.work.resolve()
    print("| server | posts | edit | median ms | least–most | edits |\n|---|---|---|---|---|---|")
    for count in map(int, args.posts.split(",")):
        shutil.rmtree(work, ignore_errors=True)
        frieze(args, count, work)
        if args.hugo:
            hugo(args, count, work)


if __name__ == "__main__":
    main()
