#!/usr/bin/env python3
"""Write a tiny language model (GGUF) with random weights, for tests of llama.cpp's server.

    python3 scripts/make_tiny_model.py target/tiny.gguf

It has learned nothing: it says random letters. But it is a complete Llama model, so the server loads it, counts its
tokens, embeds with it, and makes it obey a JSON schema. It needs only Python itself. The seed is fixed, so a rerun
writes the same file.
"""

import array
import math
import random
import struct
import sys
from pathlib import Path

SEED = 20
WIDTH, LAYERS, HEADS, HIDDEN, CONTEXT = 64, 2, 4, 128, 32768
EPSILON = 1e-5
# How much of a token's vector comes from the tokens before it, how much its likelihood varies, and the constant in
# the vector, before and (about) after the last norm.
ATTENTION, NOISE, CONSTANT, AFTER_NORM = 1.6, 1.3, 6.0, 2.5

# Each token is one byte, so any text can be read and any JSON can be written. A space has a token of its own: the
# tokenizer turns it into U+2581 before it looks for bytes.
UNKNOWN, START, END, SPACE = "<unk>", "<s>", "</s>", "\u2581"
TOKENS = [UNKNOWN, START, END] + [f"<0x{byte:02X}>" for byte in range(256)] + [SPACE]
NORMAL, UNKNOWN_KIND, CONTROL, BYTE = 1, 2, 3, 6
KINDS = [UNKNOWN_KIND, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL]
FIRST_BYTE = TOKENS.index("<0x00>")

TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)

LIKINGS = [
    (2.5, ['"', END]),
    (-15.0, ["e", "E", START, UNKNOWN]),  # an exponent soon makes a number too large
    (1.0, "abcdefghijklmnopqrstuvwxyz"),
    (0.0, ["}", "]", SPACE, "{", "[", ":"]),
    (-1.5, "0123456789"),
    (-2.0, ",.-"),
]


def liking(token):
    """How much the model likes a token, whatever stands before it: words of letters that end soon."""
    letter = chr(token - FIRST_BYTE) if 0 <= token - FIRST_BYTE < 128 else TOKENS[token]
    for liked, among in LIKINGS:
        if letter in among:
            return liked
    return -4.0 if letter.isascii() and letter.isprintable() else -40.0


class Weights:
    """Random matrices, all from one seed."""

    def __init__(self):
        self.random = random.Random(SEED)
        self.tensors = []

    def add(self, name, rows, columns, spread, first=None):
        """A matrix; `first` gives the first column's value in each row."""
        values = array.array("f")
        for row in range(rows):
            line = [self.random.gauss(0, spread) for _ in range(columns)]
            if first is not None:
                line[0] = first(row)
            values.extend(line)
        self.tensors.append((name, (columns, rows), values))

    def add_back(self, name, columns, spread):
        """A matrix whose result is added to the stream, all but the constant."""
        self.add(name, WIDTH, columns, spread)
        values = self.tensors[-1][2]
        values[:columns] = array.array("f", [0.0] * columns)

    def ones(self, name):
        self.tensors.append((name, (WIDTH,), array.array("f", [1.0] * WIDTH)))


def weights():
    """Number 0 of the stream is one constant for every token; on it the output weighs its likings."""
    made = Weights()
    wide, long = 1 / math.sqrt(WIDTH), 1 / math.sqrt(HIDDEN)
    made.add("token_embd.weight", len(TOKENS), WIDTH, 1.0, lambda _: CONSTANT)
    for layer in range(LAYERS):
        name = f"blk.{layer}."
        made.ones(name + "attn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v"):
            made.add(f"{name}{part}.weight", WIDTH, WIDTH, ATTENTION * wide)
        made.add_back(name + "attn_output.weight", WIDTH, ATTENTION * wide)
        made.ones(name + "ffn_norm.weight")
        made.add(name + "ffn_gate.weight", HIDDEN, WIDTH, wide)
        made.add(name + "ffn_up.weight", HIDDEN, WIDTH, wide)
        made.add_back(name + "ffn_down.weight", HIDDEN, 0.6 * long)
    made.ones("output_norm.weight")
    made.add("output.weight", len(TOKENS), WIDTH, NOISE * wide, lambda token: liking(token) / AFTER_NORM)
    return made.tensors


def header():
    return {
        "general.architecture": "llama",
        "general.name": "tiny random",
        "general.alignment": 32,
        "llama.vocab_size": len(TOKENS),
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": HIDDEN,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": HEADS,
        "llama.attention.layer_norm_rms_epsilon": EPSILON,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": TOKENS,
        "tokenizer.ggml.scores": [0.0] * len(TOKENS),
        "tokenizer.ggml.token_type": KINDS,
        "tokenizer.ggml.unknown_token_id": TOKENS.index(UNKNOWN),
        "tokenizer.ggml.bos_token_id": TOKENS.index(START),
        "tokenizer.ggml.eos_token_id": TOKENS.index(END),
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.ggml.add_space_prefix": False,
        "tokenizer.chat_template": TEMPLATE,
    }


# GGUF's number for each type of value, and its form: all little-endian.
U32, I32, F32, BOOL, TEXT, LIST = 4, 5, 6, 7, 8, 9
FORMS = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def kind(value, in_list=False):
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return I32 if in_list else U32
    return {float: F32, str: TEXT, list: LIST}[type(value)]


def plain(value, number):
    return text(value) if number == TEXT else struct.pack(FORMS[number], value)


def entry(value):
    """A value of the header, with its type before it."""
    number = kind(value)
    if number != LIST:
        return struct.pack("<I", number) + plain(value, number)
    inner = kind(value[0], in_list=True)
    return struct.pack("<IIQ", LIST, inner, len(value)) + b"".join(plain(one, inner) for one in value)


def padded(raw, to=32):
    return raw + bytes(-len(raw) % to)


def file():
    pairs, tensors = header(), weights()
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    head += b"".join(text(key) + entry(value) for key, value in pairs.items())
    body = b""
    for name, shape, values in tensors:
        single = 0  # GGUF's number for 32-bit floats
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, single, len(body))
        if sys.byteorder == "big":
            values.byteswap()
        body += padded(values.tobytes())
    return padded(head) + body


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_tiny_model.py FILE.gguf")
    Path(sys.argv[1]).write_bytes(file())
