"""How well a peer found the people of a file, scored as ours is: pairs of rows that are the same person."""
import json
import resource
import sys


def people_of(file):
    """The rows of a file without the truth, and the truth."""
    import pandas

    rows = pandas.read_csv(file, dtype=str, keep_default_na=False).replace("", None)
    return rows, rows.pop("person")


def pairs_within(sizes):
    """Pairs in groups of these sizes."""
    return int((sizes * (sizes - 1) // 2).sum())


def of_pairs(person, left, right):
    """Pairs found, and how many of them are right; `left` and `right` are the rows of each pair."""
    return len(left), int((person.loc[left].to_numpy() == person.loc[right].to_numpy()).sum())


def of_groups(person, group):
    """The same where rows were put into groups; `group` has the group of each row."""
    both = person.to_frame("person").assign(group=group)
    return pairs_within(group.value_counts()), pairs_within(both.value_counts())


def tell(peer, person, found, right, compared, seconds):
    """Prints one JSON object."""
    wanted = pairs_within(person.value_counts())
    precision, recall = right / max(1, found), right / max(1, wanted)
    # Kilobytes on Linux. Neither peer starts other processes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump({
        "peer": peer, "true_pairs": wanted, "pairs": found, "compared": compared, "precision": precision, "recall": recall,
        "f1": 2 * precision * recall / max(1e-9, precision + recall), "seconds": seconds, "peak_bytes": peak,
    }, sys.stdout)
    print()
