#!/usr/bin/env python3
"""Start llama.cpp's own HTTP server from the Python package `xllamacpp`, with llama-server's own options.

scripts/test-llama.sh makes a program `llama-server` of this. It knows only the options the tests need; what it is
asked, it answers as llama-server does: the routes and the answers are llama.cpp's.
"""

import argparse
import signal
import sys


def options():
    known = argparse.ArgumentParser(prog="llama-server", allow_abbrev=False)
    known.add_argument("-m", "--model", required=True)
    known.add_argument("--host", default="127.0.0.1")
    known.add_argument("--port", type=int, default=8080, help="0 takes a free one; the log names it")
    known.add_argument("--api-key")
    known.add_argument("-a", "--alias")
    known.add_argument("-c", "--ctx-size", type=int, default=0)
    known.add_argument("-b", "--batch-size", type=int, default=2048)
    known.add_argument("-ub", "--ubatch-size", type=int, default=512)
    known.add_argument("-np", "--parallel", type=int, default=-1)
    known.add_argument("-t", "--threads", type=int, default=-1)
    known.add_argument("--embedding", "--embeddings", action="store_true")
    known.add_argument("--pooling", choices=["none", "mean", "cls", "last", "rank"])
    known.add_argument("--jinja", action="store_true", help="the default")
    known.add_argument("--no-ui", "--no-webui", action="store_true", help="there is none")
    known.add_argument("--offline", action="store_true", help="always so")
    return known.parse_args()


def settings(llama, asked):
    made = llama.CommonParams()
    made.model.path = asked.model
    made.hostnames = [asked.host]
    made.port = asked.port
    made.n_ctx = asked.ctx_size
    made.n_batch = asked.batch_size
    made.n_ubatch = asked.ubatch_size
    made.n_parallel = asked.parallel
    made.embedding = asked.embedding
    made.ui = False
    made.offline = True
    if asked.threads > 0:
        made.cpuparams.n_threads = asked.threads
        made.cpuparams_batch.n_threads = asked.threads
    if asked.api_key:
        made.api_keys = asked.api_key.split(",")
    if asked.alias:
        made.model_alias = asked.alias.split(",")
    if asked.pooling:
        made.pooling_type = getattr(llama.llama_pooling_type, f"LLAMA_POOLING_TYPE_{asked.pooling.upper()}")
    return made


def main():
    asked = options()
    import xllamacpp as llama

    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_DFL)
    try:
        server = llama.Server(settings(llama, asked))
    except RuntimeError as error:
        sys.exit(f"llama-server: {error}")
    print(f"llama-server: listening on {server.listening_address}", file=sys.stderr, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
