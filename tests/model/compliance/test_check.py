"""The checker must pass a good message and refuse each broken one for the rule it breaks."""

import base64
import hashlib
import pathlib
import quopri
import random
import re
import unittest

import dkim
import rules

DOMAIN = "ember.example"
RELAY = "https://go.ember.example/"
TOKEN = "Zm9vYmFyYmF6cXV4MTIzNA"
LEAVE = f"{RELAY}u/{TOKEN}"
TEXT = f"Hello Ada,\n\nRead https://shop.example/menu\n\nEmber & Oak\n1 Mill Lane, Bath\nUnsubscribe: {LEAVE}\n"
HTML = (
    "<html><head><title>x</title></head><body><div style=\"display:none\">preview</div><p>Hello Ada &#10003;</p>"
    f"<p>Ember &amp; Oak<br>1 Mill Lane, Bath</p><p><a href=\"{LEAVE}\">Unsubscribe</a></p></body></html>\n"
)
HEADERS = [
    ("From", "=?utf-8?b?RW1iZXIgJiBPYWs=?= <hello@ember.example>"),
    ("To", '"Lovelace, Ada" <ada.l@example.com>'),
    ("Subject", "Caf\u00e9"),
    ("Date", "Mon, 21 Sep 2026 14:13:20 +0000"),
    ("Message-ID", "<0123456789abcdef0123456789abcdef@ember.example>"),
    ("Reply-To", "replies@ember.example"),
    ("List-Id", '"Ember"\r\n <marketing.ember.example>'),
    ("List-Unsubscribe", f"<{LEAVE}>,\r\n <mailto:leave@ember.example?subject=x>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("Feedback-ID", "j1-s2:marketing:shop:ember"),
    ("MIME-Version", "1.0"),
    ("Content-Type", 'multipart/alternative; boundary="=_b"'),
]


def told(**other):
    return {
        "domain": DOMAIN, "to": "ada.l@example.com", "marketing": True, "relay": RELAY, "sender": "Ember & Oak",
        "postal_address": "1 Mill Lane, Bath", "record": KEY.record, "measured": False, "leave": LEAVE,
        "preferences": f"{RELAY}p/{TOKEN}", "personal": ["ada.l", "ada.l@example.com", "Lovelace"], **other,
    }


class Key:
    """An RSA key of its own, so that none lies in the tree."""

    def __init__(self, bits):
        dice = random.Random(7)
        p, q = self.prime(dice, bits // 2), self.prime(dice, bits // 2)
        self.n, self.d = p * q, pow(65537, -1, (p - 1) * (q - 1))
        pair = self.der(48, self.whole(self.n) + self.whole(65537))
        kind = self.der(48, bytes.fromhex("06092a864886f70d010101") + b"\5\0")
        spki = self.der(48, kind + self.der(3, b"\0" + pair))
        self.record = "v=DKIM1; k=rsa; p=" + base64.b64encode(spki).decode()

    @staticmethod
    def prime(dice, bits):
        while True:
            p = dice.getrandbits(bits) | 1 | 3 << bits - 2
            if (p - 1) % 65537 and all(pow(base, p - 1, p) == 1 for base in (2, 3, 5, 7)):
                return p

    @staticmethod
    def der(tag, content):
        size = len(content)
        long = size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([tag]) + (bytes([size]) if size < 128 else bytes([128 | len(long)]) + long) + content

    def whole(self, number):
        return self.der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))

    def sign(self, data):
        size = (self.n.bit_length() + 7) // 8
        number = pow(dkim.padded(hashlib.sha256(data).digest(), size), self.d, self.n)
        return base64.b64encode(number.to_bytes(size, "big"))


KEY = Key(2048)
SMALL = Key(1024)


def encoded(text):
    if text.isascii():
        return text
    return "=?utf-8?b?" + base64.b64encode(text.encode()).decode() + "?="


def parts(text=TEXT, html=HTML):
    both = b""
    for kind, content in (("plain", text), ("html", html)):
        body = quopri.encodestring(content.encode()).replace(b"\n", b"\r\n")
        both += (f"--=_b\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
                 "Content-Transfer-Encoding: quoted-printable\r\n\r\n").encode() + body + b"\r\n"
    return both + b"--=_b--\r\n"


def message(body=None, without=(), more=(), key=None, domain=DOMAIN, covers=None, **changed):
    """The good message with some of it changed, and signed as it then is."""
    body = parts() if body is None else body
    fields = [(name, changed.pop(name.replace("-", "_"), value)) for name, value in HEADERS if name not in without]
    fields += list(more)
    raw = [(name.lower(), f"{name}: {encoded(value)}".encode()) for name, value in fields]
    names = covers or ["from"] + [name for name, _ in raw]
    digest = base64.b64encode(hashlib.sha256(dkim.relaxed_body(body)).digest()).decode()
    own = (f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=s;\r\n"
           f"\th={(':' + chr(13) + chr(10) + chr(9)).join(names)};\r\n\tbh={digest};\r\n\tb=").encode()
    own += (key or KEY).sign(dkim.hashed(raw, own, names))
    return own + b"\r\n" + b"\r\n".join(field for _, field in raw) + b"\r\n\r\n" + body


def broken(raw, **other):
    return {rule for rule, _ in rules.check(raw, told(**other), rules.Seen())}


class Checker(unittest.TestCase):
    def test_a_good_message_breaks_no_rule(self):
        self.assertEqual(rules.check(message(), told(), rules.Seen()), [])
        mail = "mailto:leave@ember.example?subject=x"
        plain = message(parts(TEXT.replace(LEAVE, mail), HTML.replace(LEAVE, mail)), without=["List-Unsubscribe-Post"],
                        List_Unsubscribe=f"<{mail}>")
        self.assertEqual(rules.check(plain, told(relay=None), rules.Seen()), [])

    def test_each_broken_message_is_refused_for_the_rule_it_breaks(self):
        personal = f"{RELAY}u/ada.l-0123456789abcdef0123456789"
        cases = {
            "1.https two": ("1.https", message(List_Unsubscribe=f"<{LEAVE}>, <{LEAVE}x>")),
            "1.https none": ("1.https", message(List_Unsubscribe="<mailto:a@ember.example>")),
            "1.https http": ("1.way", message(List_Unsubscribe=LEAVE.replace("https", "http").join("<>"))),
            "1.https elsewhere": ("1.https", message(List_Unsubscribe=f"<https://evil.example/{TOKEN}>")),
            "1.https without a relay": ("1.https", message(), {"relay": None}),
            "1.mailto": ("1.mailto", message(without=["List-Unsubscribe-Post"]).replace(b"mailto:", b"nailto:"), {"relay": None}),
            "1.way": ("1.way", message(without=["List-Unsubscribe"])),
            "1.post": ("1.post", message(without=["List-Unsubscribe-Post"])),
            "1.post other": ("1.post", message(List_Unsubscribe_Post="One-Click")),
            "1.dkim none": ("1.dkim", message().partition(b"\r\nFrom")[2].join([b"From", b""])),
            "1.dkim body": ("1.dkim", message().replace(b"Hello Ada,", b"Hello Eve,")),
            "1.dkim header": ("1.dkim", message().replace(b"14:13:20", b"14:13:21")),
            "1.dkim second From": ("1.dkim", message().replace(b"\r\nTo:", b"\r\nFrom: x@evil.example\r\nTo:")),
            "1.dkim domain": ("1.dkim", message(domain="evil.example")),
            "1.dkim key": ("1.dkim", message(key=SMALL), {"record": SMALL.record}),
            "1.dkim other key": ("1.dkim", message(key=SMALL)),
            "1.dkim length": ("1.dkim", message().replace(b"v=1;", b"v=1; l=5;")),
            "1.covered way": ("1.covered", message(covers=["from", "from", "to", "subject", "date", "list-unsubscribe"])),
            "1.covered feedback": ("1.covered", message(covers=["from"] + [n.lower() for n, _ in HEADERS if n != "Feedback-ID"])),
            "1.covered From": ("1.covered", message(covers=[n.lower() for n, _ in HEADERS])),
            "1.covered front": ("1.covered", b"Precedence: bulk\r\n" + message()),
            "2.token": ("2.token", message(List_Unsubscribe=f"<{RELAY}u/12345>")),
            "2.opaque": ("2.opaque", message(parts(TEXT.replace(LEAVE, personal), HTML.replace(LEAVE, personal)),
                                             List_Unsubscribe=f"<{personal}>")),
            "3.html": ("3.html", message(parts(html=HTML.replace(LEAVE, "https://x.example/")))),
            "3.html hidden": ("3.html", message(parts(html=HTML.replace("<p><a", "<p style='display: none'><a")))),
            "3.html wordless": ("3.html", message(parts(html=HTML.replace(">Unsubscribe<", "> <")))),
            "3.html in a comment": ("3.html", message(parts(html=HTML.replace("<p><a", "<!--<a").replace("</a></p>", "-->")))),
            "3.text": ("3.text", message(parts(TEXT.replace(LEAVE, "our site")))),
            "7.message-id": ("7.message-id", message(Message_ID="<0123456789abcdef0123456789abcdef@evil.example>")),
            "7.message-id short": ("7.message-id", message(Message_ID="<17@ember.example>")),
            "7.date": ("7.date", message(Date="Tue, 21 Sep 2026 14:13:20 +0000")),
            "7.date none": ("7.date", message(without=["Date"])),
            "7.date day": ("7.date", message(Date="Mon, 31 Sep 2026 14:13:20 +0000")),
            "7.list-id": ("7.list-id", message(without=["List-Id"])),
            "7.list-id elsewhere": ("7.list-id", message(List_Id="<news.evil.example>")),
            "7.feedback": ("7.feedback", message(without=["Feedback-ID"])),
            "7.feedback parts": ("7.feedback", message(Feedback_ID="a:b:ember")),
            "7.feedback sender": ("7.feedback", message(Feedback_ID="a:b:c:emb")),
            "7.feedback long": ("7.feedback", message(Feedback_ID="a:b:c:emberemberember1")),
            "7.personal": ("7.personal", message(Feedback_ID="ada.l:b:c:ember")),
            "8.address html": ("8.address", message(parts(html=HTML.replace("Mill Lane", "")))),
            "8.address text": ("8.address", message(parts(TEXT.replace("Mill Lane", "")))),
            "8.address unset": ("8.address", message(), {"postal_address": " "}),
            "8.sender html": ("8.sender", message(parts(html=HTML.replace("&amp; Oak", "")))),
            "8.sender text": ("8.sender", message(parts(TEXT.replace("& Oak", "")))),
            "9.subject": ("9.subject", message(Subject=" ")),
            "9.answer": ("9.answer", message(Subject="Re: your order")),
            "9.answer encoded": ("9.answer", message(Subject="RE[2]: caf\u00e9")),
            "9.from": ("9.from", message(From="a@evil.example")),
            "9.spoof": ("9.spoof", message(From='"service@paypal.example" <hello@ember.example>')),
            "9.spoof encoded": ("9.spoof", message(From="=?utf-8?b?UGF5UGFsLmNvbQ==?= <hello@ember.example>")),
            "9.recipient two": ("9.recipient", message(To="ada.l@example.com, b@example.com")),
            "9.recipient other": ("9.recipient", message(To="eve@example.com")),
            "9.recipient bcc": ("9.recipient", message(more=[("Bcc", "eve@example.com")])),
            "9.header": ("9.header", message(more=[("X-Injected", "1")])),
            "9.header broken": ("9.header", message().replace(b"\r\nTo:", b"\r\nno header\r\nTo:")),
            "9.once": ("9.once", message(more=[("Subject", "two")])),
            "9.needed": ("9.needed", message(without=["MIME-Version"])),
            "9.control": ("9.control", message(Subject="a\0b")),
            "9.control encoded": ("9.control", message(Subject="=?utf-8?b?YQ0KQmNjOiB4?=")),
            "9.word": ("9.word", message(Subject="=?utf-8?b?w6?=")),
            "9.word long": ("9.word", message(Subject="=?utf-8?q?" + "a" * 70 + "?=")),
            "9.word half": ("9.word", message(Subject="=?utf-8?q?=C3?= =?utf-8?q?=A9?=")),
            "9.word close": ("9.word", message(Subject="a=?utf-8?q?b?=")),
            "9.address": ("9.address", message(To="Ada <Eve> <ada.l@example.com>")),
            "9.address quote": ("9.address", message(To='"Ada <ada.l@example.com>')),
            "10.break": ("10.break", message().replace(b"Hello Ada,\r\n", b"Hello Ada,\n")),
            "10.break cr": ("10.break", message(Subject="a\rBcc: b")),
            "10.break decoded": ("10.break", message(parts().replace(b"Hello Ada,", b"Hello=0DAda,"))),
            "10.byte": ("10.byte", message(parts().replace(b"Hello Ada,", "H\u00e9llo".encode()))),
            "10.line": ("10.line", message(parts().replace(b"Hello Ada,", b"a" * 999))),
            "10.end": ("10.end", message() + b"x"),
            "10.text": ("10.text", message(parts().replace(b"text/plain", b"text/other"))),
            "10.text empty": ("10.text", message(parts(text=" \n"))),
            "10.encoding": ("10.encoding", message(parts().replace(b"quoted-printable", b"8bit"))),
            "10.encoding broken": ("10.encoding", message(parts().replace(b"Hello Ada,", b"Hello =zz Ada,"))),
            "10.encoding charset": ("10.encoding", message(parts().replace(b"Hello Ada,", b"=FF"))),
            "10.structure": ("10.structure", message(parts().replace(b"--=_b--", b"--=_b"))),
            "10.structure boundary": ("10.structure", message(Content_Type="multipart/mixed; boundary=x")),
            "10.size": ("10.size", message() + b"long line of words\r\n" * 600_000),
            "17.measured": ("17.measured", message(parts(html=HTML.replace("</body>", f"<img src='{RELAY}o/1'></body>")))),
            "17.measured text": ("17.measured", message(parts(TEXT + f"{RELAY}c/1\n"))),
        }
        for name, (rule, raw, *other) in cases.items():
            with self.subTest(name):
                self.assertIn(rule, broken(raw, **(other[0] if other else {})))
        every = {"7.unique", "2.unique"} | {rule for rule, *_ in cases.values()}
        source = "".join(pathlib.Path(one.__file__).read_text("utf-8") for one in (rules, rules.mime, dkim))
        for rule in set(re.findall(r'\("(\d+\.[a-z0-9-]+)",', source)):
            self.assertIn(rule, every, "a rule that no broken message tries")

    def test_ids_and_tokens_are_unique_in_a_run(self):
        seen = rules.Seen()
        rules.check(message(), told(), seen)
        again = {rule for rule, _ in rules.check(message(), told(), seen)}
        self.assertEqual(again, {"7.unique", "2.unique"})

    def test_the_canonical_forms_are_those_of_the_standard(self):
        # RFC 6376 section 3.4.5.
        self.assertEqual(dkim.relaxed_header(b"B : Y\t\r\n\tZ  "), b"b:Y Z\r\n")
        self.assertEqual(dkim.relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n")


if __name__ == "__main__":
    unittest.main()
