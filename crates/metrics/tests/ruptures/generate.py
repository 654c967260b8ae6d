"""Change points of series of our own, found by ruptures, for `cargo test -p metrics`.

    python3 -m venv /tmp/ruptures && /tmp/ruptures/bin/pip install -r requirements.txt
    /tmp/ruptures/bin/python generate.py > expected.json

The series are made from a fixed seed; the penalty is the one of `inference/changes.rs`, computed here a second time.
"""

import json
import math
import random

import ruptures


def penalty(values):
    """3 times von Neumann's variance of successive differences times ln n (1 + 4/n)."""
    n = len(values)
    squares = sum((b - a) ** 2 for a, b in zip(values, values[1:]))
    return 3 * squares / (2 * (n - 1)) * math.log(n) * (1 + 4 / n)


def series(draw):
    """A level that moves a few times, with noise; rounded, so that JSON holds exactly what was looked at."""
    values = []
    for _ in range(draw.randint(1, 5)):
        level = draw.uniform(-8, 8)
        noise = draw.choice([0.3, 1.0, 2.5])
        values += [round(draw.gauss(level, noise), 4) for _ in range(draw.randint(4, 30))]
    return values if len(values) >= 8 else series(draw)


def main():
    draw = random.Random(20250101)
    cases = []
    for number in range(120):
        values = series(draw)
        cost = [penalty(values), 0.5 * penalty(values), draw.uniform(1, 40)][number % 3]
        least = [3, 2, 1, 5][number % 4]
        # `jump=1` looks at every place. Dynp by number of changes would be the same segmentation, more slowly.
        found = ruptures.Pelt(model="l2", min_size=least, jump=1).fit(_column(values)).predict(pen=cost)
        cases.append({"values": values, "penalty": cost, "least": least, "starts": found[:-1]})
    print("[")
    print(",\n".join(json.dumps(case) for case in cases))
    print("]")


def _column(values):
    import numpy

    return numpy.array(values).reshape(-1, 1)


if __name__ == "__main__":
    main()
