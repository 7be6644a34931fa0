"""Makes the fixtures of crates/tokens: CLIP's merges and the token ids of odd strings.

Written with Python 3.11, transformers 5.23.0, tokenizers 0.23.3 (Oniguruma with Unicode 16), open_clip_torch 3.3.0:

    python tests/golden/make_tokens.py

- crates/tokens/data/clip_merges.txt.gz: the 48,894 merges that CLIP uses of OpenCLIP's file
- tests/golden/tokens/clip.json.gz: texts, and their ids by transformers' tokenizers of two folders
  with the configurations that SDXL publishes
- tests/golden/tokens/classes.json: the code points that the reference takes for letters, numbers and spaces
- tests/golden/tokens/small/: small folders in every layout that is read, with ids of their own
"""

import gzip
import json
import random
import shutil
import tempfile
from pathlib import Path

import open_clip
import tokenizers
import transformers
from open_clip.tokenizer import bytes_to_unicode
from tokenizers import Regex, pre_tokenizers
from transformers import CLIPTokenizer

ROOT = Path(__file__).resolve().parents[2]
CRATE = ROOT / "crates/tokens"
START, END = "<|startoftext|>", "<|endoftext|>"


def flags(content, normalized, special=True, **more):
    token = dict(content=content, lstrip=False, normalized=normalized, rstrip=False, single_word=False)
    return token | ({"special": True} if special else {}) | more


def clip_merges():
    packed = Path(open_clip.__file__).with_name("bpe_simple_vocab_16e6.txt.gz")
    lines = gzip.open(packed).read().decode().split("\n")
    return lines[1 : 49152 - 256 - 2 + 1]


def vocabulary(merges, alphabet=None):
    alphabet = alphabet or list(bytes_to_unicode().values())
    tokens = alphabet + [c + "</w>" for c in alphabet] + ["".join(m.split()) for m in merges] + [START, END]
    assert len(set(tokens)) == len(tokens)
    return {token: at for at, token in enumerate(tokens)}


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_folder(folder, vocab, merges, config, special=None):
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "vocab.json", vocab)
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    write_json(folder / "tokenizer_config.json", config)
    if special:
        write_json(folder / "special_tokens_map.json", special)
    return folder


def sdxl_config(pad, vocab, bang):
    added = {str(vocab[START]): flags(START, True), str(vocab[END]): flags(END, False)}
    if bang:
        added = {str(vocab["!"]): flags("!", False)} | added
    return {
        "add_prefix_space": False, "added_tokens_decoder": added, "bos_token": START, "do_lower_case": True,
        "eos_token": END, "errors": "replace", "model_max_length": 77, "pad_token": pad,
        "tokenizer_class": "CLIPTokenizer", "unk_token": END,
    }


CURATED = [
    "", " ", "   ", "\t", "\n", "a", "A", "!", "!!", "!!!", "hello!world!", "wow !! wow!",
    "a photo of a cat", "A PHOTO OF A CAT", "1girl, solo, long hair, blue eyes, school uniform",
    "masterpiece, best quality, ultra-detailed, (illustration:1.2), [sketch], {{glow}}",
    "80s anime still, retro city at dusk --niji 5 --ar 16:9", "cyberpunk::2 city::-0.5 rain",
    "<https://s.mj.run/abc123> portrait --v 5.2 --s 750", "https://example.org/a.png?x=1&y=2#z",
    "it's they're I'll we've you'd I'm don't can't 'tis 'twas o'clock rock'n'roll", "IT'S THEY'RE I'LL",
    "\"'s", "''s", "'''", "'s's's", "s's", "’s it’s don’t", "` ´ ‘ ’ “ ” „ «»",
    "&amp; &lt;b&gt; &quot;q&quot; &#39; &nbsp; &eacute; &notanentity;", "<b>bold</b> <br/>",
    "naïve café résumé Ångström Œuvre ß ẞ straße İstanbul ıI", "e\u0301 E\u0301 o\u0308 A\u030a n\u0303 \u1e9b\u0323",
    "ﬁ ﬂ ﬀ Ⅷ ½ ² ³ ¹ ₂ ① ⑳ ㊙ ㍿", "ΟΔΥΣΣΕΥΣ ΣΑΣ ς σ Σ", "ПРИВЕТ мир ёЁ", "שָׁלוֹם עולם", "مرحبا بالعالم ١٢٣", "हिन्दी नमस्ते १२३",
    "ภาษาไทย", "한국어 각 각", "日本語 アニメ あにめ ｱﾆﾒ 「桜」、。", "中文 测试 漢字 二〇二四",
    "日本語とEnglishの混合text", "😀", "😀😀", "👩‍👩‍👧‍👦 👍🏽 🇯🇵 ❤️ ☺️ ✨ 🏳️‍🌈 1️⃣", "cat😀dog", "★☆♪♫→←↑↓■□▲△●○◎◇◆",
    "\u200b", "a\u200bb", "a\u200db", "\ufeffbom", "a\u00adb", "\u2028\u2029", "a\u00a0b", "a\u3000b", "a\u202fb\u205fc\u1680d\u180ee",
    "\x00", "a\x00b", "\x01\x02\x1f\x7f", "a\x0bb\x0cc\x85d", "tab\tnew\nline\r\nend", "  lead and trail  ",
    START, END, START + END, "a" + END + "b", "a " + END + " !!", "<|STARTOFTEXT|> x", "<|ENDOFTEXT|>!! x", "<|startoftext|", "|endoftext|>",
    "!!" + END, "." + START + ".", START.upper() + START, "<|EndOfText|>'s", "\u212a\u212b\u2126", "\U0001d400\U0001d7d8",
    "1234567890", "3.14159", "16:9", "4k 8K", "v5.2", "f/1.8", "#ff00aa", "1,000,000", "١٢٣", "x²+y²=z²", "10⁶",
    "snake_case camelCase kebab-case SCREAMING_CASE", "a_b__c___d", "a-b--c---d", "...…‥", "?!?!", "@user #tag $5 50% ^_^ (╯°□°)╯︵ ┻━┻",
    "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis", "zzzzzzzzzzzzzzzzzzzz", "a" * 300, "ab" * 200,
    "!" * 120, "😀" * 60, "あ" * 90, "word " * 75, "word " * 76, "word " * 200, ("a, " * 37) + "b", "é" * 80, "1" * 76, " ".join(map(str, range(60))),
    "\ue000\uf8ff", "\U000f0000", "\U0010ffff", "\ufffd", "\u0378", "\U0001f9d9\U0001f3fb\u200d\u2642\ufe0f", "a\u0300\u0301\u0302\u0303b",
    "\u0958 \u0f43 \ufb1d \u2adc", "\u1100\u1161\u11a8", "\u0344 \u0374 \u037e \u0387", "ǅ ǆ Ǆ", "ŉ ǰ ΐ", "ẞß", "ﬃ", "K k K",
]

POOLS = {
    "words": "anime girl retro city dusk neon rain samurai dragon castle portrait watercolor cel shading manga cinematic lighting "
    "Studio Ghibli style Hatsune Miku cyberpunk mecha sunset blossom umbrella twilight bokeh depth of field intricate octane "
    "render unreal engine artstation trending highly detailed ultra realistic photograph macro lens vaporwave kimono shrine".split(),
    "flags": "--ar 16:9 --niji 5 --v 5.2 --s 750 --no text, watermark --seed 123 --style raw —ar ::2 ::-.5 --tile".split(" "),
    "marks": list(",.;:!?'\"()[]{}<>|/\\@#$%^&*-_=+~`") + ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "...", "--", "::", "!!", "\"'"],
    "space": [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\x85", "\x1f", "\x00"],
    "latin": [chr(c) for c in range(0xC0, 0x250)],
    "marks2": [chr(c) for c in range(0x300, 0x370)],
    "greek": [chr(c) for c in range(0x370, 0x530)],
    "semitic": [chr(c) for c in range(0x5D0, 0x6FF)],
    "indic": [chr(c) for c in range(0x900, 0xE80)],
    "cjk": [chr(c) for c in range(0x3000, 0x3100)] + [chr(c) for c in range(0x4E00, 0x9FFF, 97)] + [chr(c) for c in range(0xFF00, 0xFFEF)],
    "hangul": [chr(c) for c in range(0xAC00, 0xD7A3, 61)] + [chr(c) for c in range(0x1100, 0x1200)],
    "emoji": [chr(c) for c in range(0x1F300, 0x1F650)] + [chr(c) for c in range(0x2600, 0x27C0)] + ["\u200d", "\ufe0f"],
    "digits": list("0123456789") + list("²³¹½¼٣४๙Ⅷ①㊿") + ["16:9", "1080p"],
    "letters": list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "symbols": [chr(c) for c in range(0x2000, 0x2600)],
    "astral": [chr(c) for c in range(0x10000, 0x1F000, 211)] + [chr(c) for c in range(0x20000, 0x2A000, 997)],
    "specials": [START, END, "<|", "|>", "startoftext", START.upper(), END.title(), "</w>", "&amp;", "&#x27;"],
}


def strange(rng):
    """A string of a few pools, sometimes spaced, sometimes glued."""
    pools = [POOLS[name] for name in rng.sample(sorted(POOLS), rng.randint(1, 4))]
    gap = rng.choice(["", "", " ", " ", ", "])
    return gap.join(rng.choice(rng.choice(pools)) for _ in range(rng.choice([1, 2, 3, 5, 8, 13, 30])))


def texts():
    rng = random.Random(20240715)
    out = dict.fromkeys(CURATED)
    while len(out) < 1600:
        out.setdefault(strange(rng))
    return list(out)


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def padded(tokenizer, text):
    return tokenizer(text, padding="max_length", max_length=tokenizer.model_max_length, truncation=True)["input_ids"]


def main():
    merges = clip_merges()
    vocab = vocabulary(merges)
    assert len(vocab) == 49408
    (CRATE / "data").mkdir(exist_ok=True)
    packed = gzip.compress(("\n".join(merges) + "\n").encode(), 9, mtime=0)
    (CRATE / "data/clip_merges.txt.gz").write_bytes(packed)

    data = ROOT / "tests/golden/tokens"
    data.mkdir(parents=True, exist_ok=True)
    strings = texts()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        one = write_folder(scratch / "tokenizer", vocab, merges, sdxl_config(END, vocab, False))
        two = write_folder(scratch / "tokenizer_2", vocab, merges, sdxl_config("!", vocab, True))
        first, second = CLIPTokenizer.from_pretrained(one), CLIPTokenizer.from_pretrained(two)
    fixture = {
        "versions": {m.__name__: m.__version__ for m in (transformers, tokenizers)} | {"open_clip": open_clip.__version__},
        "texts": strings,
        "tokenizer": [ids(first, text) for text in strings],
        "tokenizer_2": [ids(second, text) for text in strings],
        # Every curated text in full length as well, as a pipeline asks for it.
        "padded": len(CURATED),
        "tokenizer_padded": [padded(first, text) for text in strings[: len(CURATED)]],
        "tokenizer_2_padded": [padded(second, text) for text in strings[: len(CURATED)]],
    }
    packed = gzip.compress(json.dumps(fixture, separators=(",", ":")).encode(), 9, mtime=0)
    (data / "clip.json.gz").write_bytes(packed)
    small_folders(data)
    (data / "classes.json").write_text(json.dumps(classes(), separators=(",", ":")) + "\n")


def classes():
    """First and last code point of every run that a class of the regular expression matches."""
    ranges = {}
    for name, pattern in (("letters", r"\p{L}"), ("numbers", r"\p{N}"), ("spaces", r"\s")):
        split = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
        runs = ranges[name] = []
        for code in range(0x110000):
            if 0xD800 <= code < 0xE000 or not split.pre_tokenize_str(chr(code)):
                continue
            if runs and runs[-1][1] == code - 1:
                runs[-1][1] = code
            else:
                runs.append([code, code])
    return ranges


def small_folders(data):
    """Vocabularies of a dozen letters in every layout; what is not in them is unknown."""
    merges = ["a b", "ab c</w>", "c a", "b c</w>", "ca b</w>"]
    vocab = vocabulary(merges, list("!abcdefgh,"))
    texts = ["abc", "ABC abc", "cab, bad!", "xyz ab", "a<|endoftext|>b", "a<|ENDOFTEXT|>b", "<|STARTOFTEXT|>", "<tok> <TOK>c", "é!é", "", "abcabcabcabcabc"]
    short = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 9}
    marks = {"bos_token": START, "eos_token": END, "unk_token": END}

    shutil.rmtree(data / "small", ignore_errors=True)
    small = data / "small"
    # Without any configuration but the class and the length.
    write_folder(small / "bare", vocab, merges, short)
    # As early exports of SDXL write it: tokens with flags in the configuration and in the map.
    old = {role: flags(token, True, special=False) for role, token in marks.items()}
    config = short | {role: {"__type": "AddedToken"} | token for role, token in old.items()} | {"pad_token": "!"}
    write_folder(small / "map", vocab, merges, config, old | {"pad_token": "!"})
    # The end of text is also the padding, as a bare string that comes later.
    write_folder(small / "map_same", vocab, merges, short | {"pad_token": END}, old | {"pad_token": END})
    # As later exports write it, with a token that was added by hand.
    decoder = sdxl_config("!", vocab, True) | short
    decoder["added_tokens_decoder"][str(len(vocab))] = flags("<tok>", True, special=False) | {"special": False}
    write_folder(small / "decoder", vocab, merges, decoder)
    # One file alone.
    CLIPTokenizer.from_pretrained(small / "decoder").save_pretrained(small / "whole")
    for path in (small / "whole").iterdir():
        if path.name not in ("tokenizer.json", "tokenizer_config.json"):
            path.unlink()

    expected = {"texts": texts}
    for folder in sorted(path for path in small.iterdir() if path.is_dir()):
        tokenizer = CLIPTokenizer.from_pretrained(folder)
        expected[folder.name] = [padded(tokenizer, text) for text in texts]
    write_json(small / "expected.json", expected)


main()
