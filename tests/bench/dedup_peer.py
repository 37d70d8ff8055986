"""The same file, by recordlinkage: candidate pairs that share a value of a field, Jaro-Winkler of texts, and its
unsupervised classifier (expectation and maximisation). Prints one JSON object, scored as ours is: pairs of the same person.
"""
import sys
import time

import recordlinkage
from dedup_score import of_pairs, people_of, tell

TEXTS = {"given_name", "surname", "address", "suburb", "phone", "email"}
KEYS = ["given_name", "surname", "address", "suburb", "post_code", "phone", "email", "date", "identifier"]


def main(file):
    rows, person = people_of(file)
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
    links = recordlinkage.ECMClassifier().fit_predict(features)
    seconds = time.monotonic() - started
    found, right = of_pairs(person, links.get_level_values(0), links.get_level_values(1))
    tell(f"recordlinkage {recordlinkage.__version__}", person, found, right, len(pairs), seconds)


if __name__ == "__main__":
    main(sys.argv[1])
