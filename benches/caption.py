"""Preprocessing for captioners against Pillow, one after the other on the same machine.

    PYTHON=… cargo xtask bench caption

Written with Python 3.11 and Pillow 13.0.0.
"""

import subprocess
import time

import numpy as np
from PIL import Image

CASES = [(2048, 1376, 490, Image.BICUBIC, "bicubic"), (1024, 1024, 384, Image.LANCZOS, "lanczos")]


def pillow():
    for w, h, side, method, name in CASES:
        i = np.arange(w * h * 3, dtype=np.uint32)
        picture = Image.frombytes("RGB", (w, h), ((i * i) >> 7).astype(np.uint8).tobytes())
        times = []
        for _ in range(15):
            start = time.perf_counter()
            picture.resize((side, side), method)
            times.append((time.perf_counter() - start) * 1e3)
        times.sort()
        print(f"Pillow   {w}x{h} to {side}x{side} {name}: {times[7]:.2f} ms, least {times[0]:.2f} ms")


BUILD = ["cargo", "build", "--release", "-p", "terminus-pixels", "--example", "fit"]
subprocess.run(BUILD, check=True)
for _ in range(3):
    print(subprocess.run(["target/release/examples/fit"], capture_output=True, text=True, check=True).stdout, end="")
    pillow()
