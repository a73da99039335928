"""``import cellkit`` against ``import torch``: seconds in a fresh interpreter, best of five.

The aim: at most 0.3 s, and no torch in sys.modules.
"""

import subprocess
import sys
import time


def seconds(code: str) -> float:
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - begin)
    return min(times)


if __name__ == "__main__":
    bare = seconds("pass")
    ours = seconds("import sys, cellkit; assert 'torch' not in sys.modules") - bare
    peer = seconds("import torch") - bare
    print(f"import cellkit {ours:.3f} s, import torch {peer:.3f} s, ratio {peer / ours:.0f}")
    print("aim of 0.3 s " + ("reached" if ours <= 0.3 else "missed"))
