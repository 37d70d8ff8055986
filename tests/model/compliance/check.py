"""Reads messages one after another and says which of the rules they break.

    python3 check.py [--expect N]  < stream      a line of JSON for each message (see rules.check), with "bytes", its
                                                 length, and then that many bytes
    python3 check.py FOLDER                      each NAME.eml with what NAME.json tells of it

Prints one JSON object; ends with 1 when a rule is broken or a message is missing."""

import json
import pathlib
import sys

import rules

SHOWN = 20


def stream(source):
    while line := source.readline():
        told = json.loads(line)
        message = source.read(told["bytes"])
        if len(message) != told["bytes"]:
            raise EOFError("the stream ends within a message")
        yield message, told


def folder(path):
    for file in sorted(pathlib.Path(path).glob("*.eml")):
        yield file.read_bytes(), json.loads(file.with_suffix(".json").read_text("utf-8"))


def run(messages):
    """Counts, and the first of what is wrong."""
    seen, count, by_rule, first, kinds = rules.Seen(), 0, {}, [], {}
    for message, told in messages:
        kind = told.get("kind", "mail")
        kinds[kind] = kinds.get(kind, 0) + 1
        for rule, sentence in rules.check(message, told, seen):
            by_rule[rule] = by_rule.get(rule, 0) + 1
            if len(first) < SHOWN:
                first.append({"message": count, "kind": kind, "rule": rule, "sentence": sentence})
        count += 1
    return {"messages": count, "violations": sum(by_rule.values()), "by_rule": by_rule, "kinds": kinds, "first": first}


def main(words):
    expect = None
    if words[:1] == ["--expect"]:
        expect, words = int(words[1]), words[2:]
    found = run(folder(words[0]) if words else stream(sys.stdin.buffer))
    print(json.dumps(found, indent=1, ensure_ascii=True))
    return 1 if found["violations"] or expect not in (None, found["messages"]) or not found["messages"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
