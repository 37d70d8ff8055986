"""Checks a DKIM signature (RFC 6376) with nothing but hashes and whole numbers."""

import base64
import binascii
import functools
import hashlib
import re

# DER of "this is a SHA-256 digest" (RFC 8017 section 9.2).
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


def relaxed_header(field):
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b""))
    return name.strip().lower() + b":" + value.strip(b" ") + b"\r\n"


def relaxed_body(body):
    rows = [row.rstrip(b" ") for row in re.sub(rb"[ \t]+", b" ", body).split(b"\r\n")]
    while rows and not rows[-1]:
        rows.pop()
    return b"".join(row + b"\r\n" for row in rows)


def tags(text):
    found = {}
    for one in text.split(";"):
        key, equals, value = one.partition("=")
        if equals:
            found[key.strip()] = re.sub(r"\s+", "", value)
    return found


def der(data, at):
    """One element of DER: its tag, its content, and where the next begins."""
    tag, size, at = data[at], data[at + 1], at + 2
    if size & 128:
        many = size & 127
        size, at = int.from_bytes(data[at : at + many], "big"), at + many
    return tag, data[at : at + size], at + size


@functools.lru_cache
def public_key(record):
    """Modulus and exponent of a published record."""
    given = tags(record)
    if given.get("v", "DKIM1") != "DKIM1" or given.get("k", "rsa") != "rsa":
        raise ValueError("the record is of another kind")
    _, outer, _ = der(base64.b64decode(given["p"], validate=True), 0)
    _, _, at = der(outer, 0)
    _, bits, _ = der(outer, at)
    _, pair, _ = der(bits, 1)
    _, n, at = der(pair, 0)
    _, e, _ = der(pair, at)
    return int.from_bytes(n, "big"), int.from_bytes(e, "big")


def padded(digest, size):
    tail = b"\0" + SHA256 + digest
    return int.from_bytes(b"\0\1" + b"\xff" * (size - 2 - len(tail)) + tail, "big")


def hashed(fields, own, names):
    """What the signature is over: the named fields, the last of each name first, then its own without b=."""
    left = [field for field in fields if field[1] is not own]
    data = b""
    for name in names:
        for at in range(len(left) - 1, -1, -1):
            if left[at][0] == name:
                data += relaxed_header(left.pop(at)[1])
                break
    bare = re.sub(rb"(;\s*b\s*=)[^;]*", rb"\1", own)
    return data + relaxed_header(bare)[:-2]


def check(fields, body, record, domain, wrong):
    """The names the signature covers; what is wrong with it goes to the list."""
    signatures = [field for name, field in fields if name == "dkim-signature"]
    if len(signatures) != 1:
        wrong.append(("1.dkim", f"there are {len(signatures)} signatures"))
        return []
    own = signatures[0]
    given = tags(own.partition(b":")[2].decode("ascii", "replace"))
    names = [name.lower() for name in given.get("h", "").split(":")]
    for tag, expected in [("v", "1"), ("a", "rsa-sha256"), ("c", "relaxed/relaxed")]:
        if given.get(tag) != expected:
            wrong.append(("1.dkim", f"{tag}= is {given.get(tag)!r}"))
    signer = given.get("d", "")
    if signer != domain and not domain.endswith("." + signer):
        wrong.append(("1.dkim", f"signed by {signer!r}, sent from {domain!r}"))
    if "l" in given:
        wrong.append(("1.dkim", "something may be added to the body"))
    try:
        digest = base64.b64decode(given.get("bh", ""), validate=True)
        signature = base64.b64decode(given.get("b", ""), validate=True)
        n, e = public_key(record)
    except (ValueError, KeyError, IndexError, binascii.Error) as error:
        wrong.append(("1.dkim", f"signature or record cannot be read: {error}"))
        return names
    if n.bit_length() < 2048:
        wrong.append(("1.dkim", f"the key has {n.bit_length()} bits"))
    if hashlib.sha256(relaxed_body(body)).digest() != digest:
        wrong.append(("1.dkim", "the body is not the one that was signed"))
    data = hashlib.sha256(hashed(fields, own, names)).digest()
    if pow(int.from_bytes(signature, "big"), e, n) != padded(data, (n.bit_length() + 7) // 8):
        wrong.append(("1.dkim", "the signature is not good"))
    return names
