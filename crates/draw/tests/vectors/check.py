#!/usr/bin/env python3
"""Recomputes every vector in this folder with the standard library of another language.

    python3 check.py            compares all *.json beside this file, says what differs
    python3 check.py FILE       prints FILE with "expect" filled in from its inputs

Everything but the beacon's BLS signature, which is an input here, comes from
docs/draw-protocol.md alone. The files are taken to be valid.
"""
import hashlib
import hmac
import json
import pathlib
import sys


def sha(data):
    return hashlib.sha256(data).digest()


def expected(vector):
    open_, seats, freeze = (vector[name].encode() for name in ("open", "seats", "freeze"))
    signature = bytes.fromhex(vector["beacon"])
    rules = {key: value for key, value in (
        line.split(" ", 1) for line in vector["open"].splitlines()[1:])}
    rows = [line.split(" ") for line in vector["seats"].splitlines()[1:]]

    value = sha(signature)
    seed = hmac.digest(sha(freeze), value, "sha256")
    scores = [
        hmac.digest(seed, b"potluck-draw/v1/score\n" + i.to_bytes(4, "big") + b"\x01", "sha256")
        for i in range(len(rows))]

    pool = [i for i, row in enumerate(rows) if rules["leader"] == "in" or row[2] == "M"]
    pool.sort(key=lambda i: (int(rows[i][3]), scores[i], i))
    if rules["permember"] == "one":
        firsts = {}
        for i in pool:
            firsts.setdefault(rows[i][1], i)
        pool = list(firsts.values())
    mode, *numbers = rules["mode"].split(" ")
    numbers = [int(number) for number in numbers]
    if mode == "fixed":
        k = min(numbers[0], len(pool))
    else:
        num, den, kmin, kmax = numbers
        hits = sum(int.from_bytes(scores[i][:8], "big") * den < num << 64 for i in pool)
        k = min(max(hits, kmin), kmax, len(pool))
    winners = pool[:k]

    result = "".join([
        "potluck-draw/v1/result\n",
        f"freeze {sha(freeze).hex()}\n",
        f"source {rules['source'].split(' ')[0]} {signature.hex()}\n",
        f"seed {seed.hex()}\n",
        " ".join(str(n) for n in ["winners", k, *winners]), "\n"])
    leaves = [sha(b"\x00" + entry) for entry in (open_, freeze, result.encode())]
    pair = sha(b"\x01" + leaves[0] + leaves[1])
    return {
        "open_hash": sha(open_).hex(),
        "seats_hash": sha(seats).hex(),
        "freeze_hash": sha(freeze).hex(),
        "B": value.hex(),
        "seed": seed.hex(),
        "scores": [score.hex() for score in scores],
        "winners": winners,
        "missing": None,
        "result": result,
        "log3": {
            "leaves": [leaf.hex() for leaf in leaves],
            "root": sha(b"\x01" + pair + leaves[2]).hex(),
            "freeze_proof": [leaves[0].hex(), leaves[2].hex()],
        },
    }


def main():
    if len(sys.argv) == 2:
        vector = json.loads(pathlib.Path(sys.argv[1]).read_text())
        vector["expect"] = expected(vector)
        print(json.dumps(vector, indent=1))
        return 0
    wrong = 0
    for path in sorted(pathlib.Path(__file__).parent.glob("*.json")):
        vector = json.loads(path.read_text())
        found = expected(vector)
        differs = [key for key in vector["expect"] if vector["expect"][key] != found[key]]
        print(path.name, "differs in " + ", ".join(differs) if differs else "ok")
        wrong += bool(differs)
    return 1 if wrong else 0


sys.exit(main())
