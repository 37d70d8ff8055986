"""The same file, by recordlinkage: candidate pairs that share a value of a field, Jaro-Winkler of texts, and its
unsupervised classifier (expectation and maximisation). Prints one JSON object, scored as ours is: pairs of the same person.
"""
import json
import resource
import sys
import time

import pandas
import recordlinkage

TEXTS = {"given_name", "surname", "address", "suburb", "phone", "email"}
KEYS = ["given_name", "surname", "address", "suburb", "post_code", "phone", "email", "date", "identifier"]


def main(file):
    rows = pandas.read_csv(file, dtype=str, keep_default_na=False).replace("", None)
    person = rows.pop("person")
    started = time.monotonic()
    kinds = {column: column.split(".")[0] for column in rows}
    index = recordlinkage.Index()
    keys = [column for column, kind in kinds.items() if kind in KEYS]
    for column in keys:
        index.block(column)
    pairs = index.index(rows)
    compare = recordlinkage.Compare()
    for column, kind in kinds.items():
        if kind in TEXTS:
            compare.string(column, column, method="jarowinkler", threshold=0.85, label=column)
        else:
            compare.exact(column, column, label=column)
    features = compare.compute(pairs, rows)
    found = recordlinkage.ECMClassifier().fit_predict(features)
    seconds = time.monotonic() - started
    sizes = person.value_counts()
    wanted = int((sizes * (sizes - 1) // 2).sum())
    right = int((person.loc[found.get_level_values(0)].to_numpy() == person.loc[found.get_level_values(1)].to_numpy()).sum())
    precision, recall = right / max(1, len(found)), right / max(1, wanted)
    print(json.dumps({
        "true_pairs": wanted, "pairs": len(found), "compared": len(pairs), "precision": precision, "recall": recall,
        "f1": 2 * precision * recall / max(1e-9, precision + recall), "seconds": seconds,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


if __name__ == "__main__":
    main(sys.argv[1])
