"""Messages that Carillon handed to Postfix's smtp-sink, read without its code.

    python3 send_message.py FOLDER [RECORD]

FOLDER holds what `smtp-sink -d` wrote, a file a message. Each must read as MIME with an HTML part and a text part and say
how one opts out; with RECORD, the text of the DNS record, each must carry a DKIM signature that dkimpy finds good. Prints
one of them as JSON for the peer: subject, html, text, from, headers, name (the person's, as it stands in the text) and how
many were looked at. Ends with 1 when one is not right."""

import email
import email.policy
import json
import pathlib
import re
import sys


def main(folder, record):
    like, looked = None, 0
    for file in sorted(folder.iterdir()):
        raw = file.read_bytes()
        # The sink writes headers of its own first, and lines as Unix has them.
        raw = re.sub(rb"\A(X-(Client|Helo|Mail|Rcpt)[^\n]*\n|Received:[^\n]*\n([ \t][^\n]*\n)*)*", b"", raw.replace(b"\r\n", b"\n"))
        raw = raw.replace(b"\n", b"\r\n")
        message = email.message_from_bytes(raw, policy=email.policy.default)
        html, text = (message.get_body((kind,)) for kind in ("html", "plain"))
        if html is None or text is None or not message["List-Unsubscribe"] or message.defects:
            raise SystemExit(f"{file} is not right: {message.defects}\n{raw[:2000]!r}")
        signed = message["DKIM-Signature"] is not None
        if signed != bool(record):
            raise SystemExit(f"{file} is {'' if signed else 'not '}signed.")
        if record:
            import dkim

            if not dkim.verify(raw, dnsfunc=lambda name, timeout=5: record.encode()):
                raise SystemExit(f"The signature of {file} is not good.")
        looked += 1
        name = re.search(r"Person \d+", text.get_content())
        like = {
            "subject": message["Subject"], "from": message["From"], "name": name.group(0), "looked": looked,
            "html": html.get_content(), "text": text.get_content(),
            "headers": {key: message[key] for key in ("List-Unsubscribe", "List-Unsubscribe-Post") if message[key]},
        }
    print(json.dumps(like))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
