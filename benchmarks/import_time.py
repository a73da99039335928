"""``import cellkit`` against ``import torch``: seconds in a fresh interpreter, best of five.

The aim: at most 0.3 s, and no torch in sys.modules.
"""

import subprocess
import sys

TIMED = "import sys, time; t = time.perf_counter(); import {}; print(time.perf_counter() - t); {}"


def seconds(module: str, then: str = "") -> float:
    command = [sys.executable, "-c", TIMED.format(module, then)]
    return min(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
               for _ in range(5))


if __name__ == "__main__":
    ours = seconds("cellkit", "assert 'torch' not in sys.modules")
    peer = seconds("torch")
    print(f"import cellkit {ours:.4f} s, import torch {peer:.2f} s, ratio {peer / ours:.0f}")
    print("aim of 0.3 s " + ("reached" if ours <= 0.3 else "missed"))
