"""Writes seeds for the fuzz targets from real input: fixtures of the project, and prompts of a collection.

usage: seeds.py FOLDER [PROMPTS...]      (FOLDER is usually fuzz/corpus; PROMPTS are folders with .txt sidecars)
"""
import json
import pathlib
import sys

out = pathlib.Path(sys.argv[1])
home = pathlib.Path(__file__).resolve().parent.parent
for target in ("headers", "pixels", "prompts", "discord"):
    (out / target).mkdir(parents=True, exist_ok=True)
for path in (home / "crates/pixels/tests/data").iterdir():
    if path.suffix in (".jpg", ".png", ".webp", ".gif", ".bmp", ".tif"):
        for target in ("headers", "pixels"):
            (out / target / path.name).write_bytes(path.read_bytes()[:65536])
prompts = [path.read_text(errors="replace") for folder in sys.argv[2:] for path in pathlib.Path(folder).rglob("*.txt")]
prompts += ["https://s.mj.run/x {red, blue} car::2 rain::-.5 —ar 3:2 --niji 5", "a --no b, c --ar 16:9 --v 5.2 --s 750 --w 10 --h 20"]
TAILS = ["<@1> (fast)", "Variations (Strong) by <@1> (fast)", "Image #3 <@1>", "Upscaled (2x) by <@1> (fast)",
         "<@1> (31%) (fast)", "<@1> (fast) (Open on website for full quality)"]
for number, prompt in enumerate(prompts):
    (out / "prompts" / f"{number:04}").write_text(prompt)
    message = {"id": str(2**60 + number), "timestamp": "2024-07-15T14:03:11.2+00:00", "content": f"**{prompt}** - {TAILS[number % 6]}",
               "author": {"id": "1022952195194359889", "name": "niji", "isBot": True},
               "attachments": [{"id": "1", "url": "https://cdn.discordapp.com/attachments/1/1/a.png?ex=66aa4106&is=66a8ef86&hm=2763&"}],
               "reactions": [{"count": 3}], "reference": {"messageId": str(2**60)}}
    (out / "discord" / f"{number:04}").write_text(json.dumps({"guild": {}, "messages": [message], "messageCount": 1}))
    (out / "discord" / f"text-{number:04}").write_text(message["content"])
