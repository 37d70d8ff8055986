"""Reads a mail from its bytes, strictly, and knows nothing of the program that wrote it.

Each reader returns what it found and adds what is wrong to a list of (rule, sentence)."""

import base64
import binascii
import re

LINE = 998  # RFC 5322 section 2.1.1
WORD = 75  # RFC 2047 section 2
PRINTABLE = bytes([9, *range(32, 127)])
PLAIN = bytes([0, 10, 13]) + PRINTABLE
ENCODED = re.compile(r"=\?([A-Za-z0-9-]+)\?([BbQq])\?([!->@-~]*)\?=")


def lines(message, wrong):
    """CRLF only, nothing outside of printable ASCII, no line too long."""
    if not message.endswith(b"\r\n"):
        wrong.append(("10.end", "the message does not end with CRLF"))
    rows = message.split(b"\r\n")
    if not b"".join(rows).translate(None, PRINTABLE) and max(map(len, rows)) <= LINE:
        return
    for rule, is_wrong, what in [
        ("10.break", lambda row: b"\r" in row or b"\n" in row, "a CR or LF on its own"),
        ("9.control", lambda row: b"\0" in row, "a NUL"),
        ("10.byte", lambda row: row.translate(None, PLAIN), "a byte that is not printable ASCII"),
        ("10.line", lambda row: len(row) > LINE, f"more than {LINE} bytes"),
    ]:
        number = next((number for number, row in enumerate(rows, 1) if is_wrong(row)), None)
        if number:
            wrong.append((rule, f"line {number} has {what}"))


def split(part, wrong):
    """The headers of a message or part, as (name in lower case, whole field as it stands), and its body."""
    head, found, body = part.partition(b"\r\n\r\n")
    if not found:
        wrong.append(("10.structure", "no empty line ends the headers"))
    fields = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            if not fields or not line.strip():
                wrong.append(("9.header", "a folded line continues nothing or has nothing in it"))
            elif fields:
                fields[-1] = (fields[-1][0], fields[-1][1] + b"\r\n" + line)
            continue
        name, colon, _ = line.partition(b":")
        if not colon or not re.fullmatch(rb"[A-Za-z0-9-]+", name):
            wrong.append(("9.header", f"{line[:40]!r} is no header"))
            continue
        fields.append((name.decode("ascii").lower(), line))
    return fields, body


def value(field):
    """The value of a field on one line (RFC 5322 section 2.2.3)."""
    text = field.decode("ascii", "replace").partition(":")[2]
    return text.replace("\r\n", "").strip()


def words(text, name, wrong):
    """Text with its encoded words read (RFC 2047), each of them checked."""
    out, at, last_encoded = [], 0, False
    for match in ENCODED.finditer(text):
        charset, kind, data = match.groups()
        between = text[at : match.start()]
        if len(match.group()) > WORD:
            wrong.append(("9.word", f"an encoded word of {name} has {len(match.group())} characters"))
        if between and not between[-1] in " \t(":
            wrong.append(("9.word", f"an encoded word of {name} follows {between[-1]!r} without a space"))
        if not (last_encoded and not between.strip()):
            out.append(between)
        try:
            out.append(word(charset, kind.lower(), data))
        except (ValueError, LookupError) as error:
            wrong.append(("9.word", f"an encoded word of {name} cannot be read: {error}"))
        at, last_encoded = match.end(), True
    rest = text[at:]
    if last_encoded and rest and rest[0] not in " \t)":
        wrong.append(("9.word", f"an encoded word of {name} is followed by {rest[0]!r} without a space"))
    out.append(rest)
    whole = "".join(out)
    if ENCODED.sub("", text).find("=?") >= 0:
        wrong.append(("9.word", f"{name} has a broken encoded word"))
    if any(ord(sign) < 32 and sign != "\t" or 127 <= ord(sign) < 160 for sign in whole):
        wrong.append(("9.control", f"{name} has a control character once it is read"))
    return whole


def word(charset, kind, data):
    if kind == "b":
        raw = base64.b64decode(data, validate=True)
    else:
        if re.search(r"=(?![0-9A-F]{2})", data):
            raise ValueError("a broken escape")
        raw = binascii.a2b_qp(data.replace("_", " ").encode("ascii"), header=False)
    # Each word holds whole characters (RFC 2047 section 5).
    return raw.decode(charset, "strict")


def mailboxes(text, name, wrong):
    """The mailboxes of an address header as (display name, address); names still encoded words where they were."""
    parts, current, quoted, escaped, comment = [], "", False, False, 0
    for sign in text:
        if escaped:
            escaped = False
        elif sign == "\\" and (quoted or comment):
            escaped = True
        elif sign == '"' and not comment:
            quoted = not quoted
        elif sign == "(" and not quoted:
            comment += 1
        elif sign == ")" and not quoted and comment:
            comment -= 1
        elif sign in ",;" and not quoted and not comment:
            parts.append(current)
            current = ""
            continue
        current += sign
    parts.append(current)
    if quoted or comment:
        wrong.append(("9.address", f"{name} has an open quote or comment"))
    found = []
    for part in (part.strip() for part in parts):
        bracket = re.fullmatch(r"(.*?)\s*<([^<>]*)>", part)
        shown, address = bracket.groups() if bracket else ("", part)
        plain = re.sub(r'"(?:[^"\\]|\\.)*"', "", shown)
        if re.search(r'[<>@,;:\\"\[\]()]', plain) or "." in plain:
            wrong.append(("9.address", f"{name} has a sign outside of quotes that may not stand there: {plain!r}"))
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}", address):
            wrong.append(("9.address", f"{name} has no plain address"))
        found.append((shown, address))
    return found


def unquoted(shown):
    """A display name without its quotes."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda m: re.sub(r"\\(.)", r"\1", m.group(1)), shown)


def parameters(text):
    """Media type and parameters of a Content-Type."""
    kind, *rest = text.split(";")
    found = {}
    for one in rest:
        key, _, given = one.strip().partition("=")
        found[key.lower()] = given[1:-1] if given.startswith('"') and given.endswith('"') else given
    return kind.strip().lower(), found


def decoded(fields, body, wrong):
    """The text of one leaf, from quoted-printable or base64, read strictly."""
    headers = dict(fields)
    encoding = value(headers.get("content-transfer-encoding", b":7bit")).lower()
    kind, given = parameters(value(headers.get("content-type", b":text/plain")))
    if encoding == "base64":
        if any(len(line) > 76 for line in body.split(b"\r\n")):
            wrong.append(("10.encoding", f"{kind} has a base64 line of more than 76 characters"))
        try:
            raw = base64.b64decode(body.replace(b"\r\n", b""), validate=True)
        except binascii.Error as error:
            wrong.append(("10.encoding", f"{kind} is no base64: {error}"))
            raw = b""
    elif encoding == "quoted-printable":
        if any(len(line) > 76 or line[-1:] in (b" ", b"\t") for line in body.split(b"\r\n")):
            wrong.append(("10.encoding", f"{kind} has a quoted-printable line that is too long or ends with a space"))
        if re.search(rb"=(?![0-9A-F]{2}|\r\n|$)", body):
            wrong.append(("10.encoding", f"{kind} has a broken quoted-printable escape"))
        raw = binascii.a2b_qp(body)
    else:
        wrong.append(("10.encoding", f"{kind} is {encoding}, which servers may change on the way"))
        raw = body
    if not raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n") or b"\0" in raw:
        wrong.append(("10.break", f"{kind} has a CR, LF or NUL on its own once it is decoded"))
    try:
        return kind, raw.decode(given.get("charset", "us-ascii"), "strict")
    except (UnicodeDecodeError, LookupError) as error:
        wrong.append(("10.encoding", f"{kind} does not have the characters it says: {error}"))
        return kind, raw.decode("latin-1")


def leaves(fields, body, wrong):
    """The parts of a multipart/alternative as (type, text), in order."""
    headers = dict(fields)
    kind, given = parameters(value(headers.get("content-type", b":text/plain")))
    if not kind.startswith("multipart/"):
        return [decoded(fields, body, wrong)]
    boundary = given.get("boundary", "")
    if kind != "multipart/alternative" or not re.fullmatch(r"[A-Za-z0-9'()+_,./:=?-]{1,70}", boundary):
        wrong.append(("10.structure", f"{kind} with the boundary {boundary!r}"))
        return []
    parts, closes = pieces(body, b"--" + boundary.encode("ascii"))
    if not closes or closes[-1] is False or any(closes[:-1]) or parts[-1].strip():
        wrong.append(("10.structure", "the parts do not end with their closing line"))
    found = []
    for part in parts[:-1] if closes and closes[-1] else parts:
        inner, content = split(part, wrong)
        found.append(decoded(inner, content, wrong))
    return found


def pieces(body, mark):
    """What follows each line that is a mark, up to the next, and whether the mark closed (RFC 2046 section 5.1.1)."""
    parts, closes, rows = [], [], []
    for row in body.split(b"\r\n"):
        rest = row[len(mark) :].rstrip(b" \t") if row.startswith(mark) else None
        if rest not in (b"", b"--"):
            rows.append(row)
            continue
        parts.append(b"\r\n".join(rows))
        closes.append(rest == b"--")
        rows = []
    parts.append(b"\r\n".join(rows))
    return parts[1:], closes
