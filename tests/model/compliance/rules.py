"""What each marketing mail must hold to, read from its bytes. The numbers of the rules are those of the house's list."""

import datetime
import html.parser
import re

import dkim
import mime

# One of each (RFC 5322 section 3.6), and the headers of lists (RFC 2369, 2919, 8058).
ONCE = [
    "from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type", "list-id",
    "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "content-transfer-encoding", "sender",
]
NEEDED = ["from", "to", "subject", "date", "message-id", "mime-version", "content-type"]
KNOWN = set(ONCE) | {"dkim-signature", "precedence", "auto-submitted"}
# RFC 8058 section 4 asks for the first two; the others are what readers and servers judge by.
COVERED = ["list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id", "from", "to", "subject", "date",
           "message-id", "reply-to", "mime-version", "content-type"]
SIZE = 10 * 1024 * 1024
TOKEN = re.compile(r"[A-Za-z0-9_.~-]{22,}")  # 22 letters of base64 are 128 bits
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Page(html.parser.HTMLParser):
    """What a reader sees of HTML: its words, its links with their words, and every address in it."""

    EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.words, self.links, self.addresses = [], [], []
        self.open, self.hidden, self.link = [], 0, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(reversed(attrs))
        self.addresses += [given[key] for key in ("href", "src", "background") if given.get(key)]
        style = "".join((given.get("style") or "").lower().split())
        hides = tag in ("style", "title", "head", "script", "template") or "display:none" in style
        if tag not in self.EMPTY:
            self.open.append((tag, hides))
            self.hidden += hides
        if tag == "a":
            self.link = [given.get("href") or "", ""]
            if not self.hidden:
                self.links.append(self.link)
        if tag == "img" and not self.hidden and given.get("alt"):
            self.handle_data(given["alt"])
        self.words.append(" ")

    def updatepos(self, i, j):
        """Nobody asks where in the text something stands, and counting lines takes a tenth of the time."""
        return j

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if any(tag == one for one, _ in self.open):
            while True:
                one, hides = self.open.pop()
                self.hidden -= hides
                if one == tag:
                    break
        if tag == "a":
            self.link = None
        self.words.append(" ")

    def handle_data(self, data):
        if self.hidden:
            return
        self.words.append(data)
        if self.link is not None:
            self.link[1] += data


def addresses(text):
    """The words of a text, addresses without the brackets around them."""
    return re.split(r"[\s()<>]+", text)


def flowing(text):
    return " ".join(text.split())


class Seen:
    """What must differ between the messages of one run."""

    def __init__(self):
        self.ids, self.tokens = set(), set()


def check(message, told, seen):
    """Everything that is wrong with one message, as (rule, sentence).

    `told` is what the run says of it: `domain` it is sent from, `to`, `marketing`, `relay` (the base of the relay's
    addresses, or null), `postal_address` and `sender` as people know them, `record` (the published key, or null),
    `measured` (whether the contact agreed to be), `personal` (words that belong to the contact alone)."""
    wrong = []
    mime.lines(message, wrong)
    if len(message) > SIZE:
        wrong.append(("10.size", f"the message has {len(message)} bytes"))
    fields, body = mime.split(message, wrong)
    headers = {}
    for name, field in fields:
        headers.setdefault(name, []).append(field)
    for name, several in headers.items():
        if name not in KNOWN:
            wrong.append(("9.header", f"{name} is no header of ours"))
        if name in ONCE and len(several) > 1:
            wrong.append(("9.once", f"{name} is there {len(several)} times"))
    for name in NEEDED:
        if name not in headers:
            wrong.append(("9.needed", f"there is no {name}"))
    read = {name: mime.value(several[0]) for name, several in headers.items()}
    subject(read, wrong)
    people(read, told, wrong)
    identity(read, told, seen, wrong)
    parts = mime.leaves(fields, body, wrong)
    if [kind for kind, _ in parts] != ["text/plain", "text/html"]:
        wrong.append(("10.text", f"the parts are {[kind for kind, _ in parts]}"))
    text = next((text for kind, text in parts if kind == "text/plain"), "")
    page = Page(next((text for kind, text in parts if kind == "text/html"), ""))
    if not text.strip():
        wrong.append(("10.text", "the text part is empty"))
    covered = []
    if told.get("record"):
        covered = dkim.check(fields, body, told["record"], told["domain"], wrong)
        for name in COVERED:
            if name in headers and name not in covered:
                wrong.append(("1.covered", f"the signature does not cover {name}"))
        if covered.count("from") < 2:
            wrong.append(("1.covered", "a second From could be added"))
        if fields and fields[0][0] != "dkim-signature":
            wrong.append(("1.covered", "something was put in front of the signature"))
    if told["marketing"]:
        leave = unsubscribing(read, told, seen, wrong)
        visible(leave, page, text, wrong)
        lists(read, told, wrong)
        sender(page, text, told, wrong)
    measured(page, text, read, told, wrong)
    return wrong


def subject(read, wrong):
    shown = mime.words(read.get("subject", ""), "subject", wrong)
    if not shown.strip():
        wrong.append(("9.subject", "the subject is empty"))
    if re.match(r"\s*(re|aw|sv|antw|fwd?|wg)\s*([\[(]\d+[\])])?\s*:", shown, re.IGNORECASE):
        wrong.append(("9.answer", f"the subject {shown!r} pretends to answer"))


def people(read, told, wrong):
    for name in ("from", "to", "reply-to"):
        if name not in read:
            continue
        found = mime.mailboxes(read[name], name, wrong)
        if len(found) != 1:
            wrong.append(("9.recipient", f"{name} has {len(found)} addresses"))
        shown, address = found[0]
        shown = mime.words(mime.unquoted(shown), name, wrong)
        if len(shown) > 200:
            wrong.append(("9.address", f"the name in {name} has {len(shown)} characters"))
        if name == "to" and address != told["to"]:
            wrong.append(("9.recipient", f"sent to {address!r} and not to {told['to']!r}"))
        if name == "from":
            domain = address.rpartition("@")[2]
            if domain != told["domain"]:
                wrong.append(("9.from", f"sent from {domain!r} and not from {told['domain']!r}"))
            for other in re.findall(r"@\s*([\w-]+(?:\.[\w-]+)+)|\b(?:www\.|https?://)([\w.-]+)|\b([\w-]+\.(?:com|net|org))\b",
                                    shown.replace("\uff20", "@"), re.IGNORECASE):
                other = "".join(other).lower()
                if other != domain and not other.endswith("." + domain) and not domain.endswith("." + other):
                    wrong.append(("9.spoof", f"the sender's name shows {other}"))
    for name in ("cc", "bcc"):
        if name in read:
            wrong.append(("9.recipient", f"there is a {name}"))


def identity(read, told, seen, wrong):
    found = re.fullmatch(r"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+)@([A-Za-z0-9.-]+)>", read.get("message-id", ""))
    if not found or found.group(2) != told["domain"]:
        wrong.append(("7.message-id", f"{read.get('message-id')!r} is no Message-ID at {told['domain']}"))
    elif not TOKEN.fullmatch(found.group(1)):
        wrong.append(("7.message-id", "it can be guessed"))
    if read.get("message-id") in seen.ids:
        wrong.append(("7.unique", "another message has this Message-ID"))
    seen.ids.add(read.get("message-id"))
    date = re.fullmatch(r"(\w{3}), (\d{1,2}) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)([0-5]\d)", read.get("date", ""))
    try:
        weekday, day, month, year, hour, minute, second, _, zone, _ = date.groups()
        when = datetime.datetime(int(year), MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))
        if DAYS[when.weekday()] != weekday or int(zone) > 14 or not 2000 <= when.year <= 2100:
            raise ValueError
    except (ValueError, AttributeError):
        wrong.append(("7.date", f"{read.get('date')!r} is no date"))


def unsubscribing(read, told, seen, wrong):
    """The address that ends the mails, as it must stand in the body too."""
    ways = re.fullmatch(r"<([^<>\s]+)>(?:\s*,\s*<([^<>\s]+)>)?", read.get("list-unsubscribe", ""))
    ways = [way for way in ways.groups() if way] if ways else []
    if not ways:
        wrong.append(("1.way", "List-Unsubscribe has no address, or more than two"))
    https = [way for way in ways if way.startswith("https://")]
    mails = [way for way in ways if re.fullmatch(r"mailto:[^?\s]+@[^?\s]+(\?subject=[^\s&]+)?", way)]
    if len(https) + len(mails) != len(ways):
        wrong.append(("1.way", f"List-Unsubscribe has another address: {ways}"))
    post = read.get("list-unsubscribe-post")
    if not told["relay"]:
        if https or post is not None:
            wrong.append(("1.https", "a way to unsubscribe on the web without a relay"))
        if len(mails) != 1:
            wrong.append(("1.mailto", f"{len(mails)} ways to unsubscribe by mail"))
        return mails[0] if mails else ""
    if len(https) != 1:
        wrong.append(("1.https", f"{len(https)} ways to unsubscribe on the web"))
    if post != "List-Unsubscribe=One-Click":
        wrong.append(("1.post", f"List-Unsubscribe-Post is {post!r}"))
    for way in https:
        token = way.partition("?")[0].rstrip("/").rpartition("/")[2]
        if not way.startswith(told["relay"]):
            wrong.append(("1.https", "the way to unsubscribe leads to somebody else"))
        if not TOKEN.fullmatch(token):
            wrong.append(("2.token", f"the token has {len(token)} characters"))
        if any(word.lower() in way.lower() for word in told["personal"] if len(word) > 3):
            wrong.append(("2.opaque", "the way to unsubscribe says who it is for"))
        if token in seen.tokens:
            wrong.append(("2.unique", "another message has this token"))
        seen.tokens.add(token)
    return https[0] if https else ""


def visible(leave, page, text, wrong):
    if not any(href == leave and words.strip() for href, words in page.links):
        wrong.append(("3.html", "the HTML shows no link to unsubscribe"))
    if not leave or leave not in addresses(text):
        wrong.append(("3.text", "the text shows no address to unsubscribe"))


def lists(read, told, wrong):
    name, _, rest = mime.words(read.get("list-id", ""), "list-id", wrong).rpartition("<")
    label = rest[:-1] if rest.endswith(">") else ""
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", label) or not label.endswith("." + told["domain"]):
        wrong.append(("7.list-id", f"{read.get('list-id')!r} is no list at {told['domain']}"))
    feedback = read.get("feedback-id", "")
    parts = feedback.split(":")
    if len(parts) != 4 or not all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", part) for part in parts):
        wrong.append(("7.feedback", f"Feedback-ID is {feedback!r}"))
    elif not 5 <= len(parts[3]) <= 15:
        wrong.append(("7.feedback", f"its sender has {len(parts[3])} characters"))
    if any(word.lower() in feedback.lower() for word in told["personal"] if len(word) > 3):
        wrong.append(("7.personal", "Feedback-ID has something of one person"))


def sender(page, text, told, wrong):
    seen = flowing("".join(page.words))
    for rule, wanted in [("8.address", told["postal_address"]), ("8.sender", told["sender"])]:
        wanted = flowing(wanted)
        if not wanted or wanted not in seen:
            wrong.append((rule, f"the HTML does not say {wanted!r}"))
        if not wanted or wanted not in flowing(text):
            wrong.append((rule, f"the text does not say {wanted!r}"))


def measured(page, text, read, told, wrong):
    """Who did not agree to be measured gets no address of the relay but those to leave and to choose."""
    if not told["relay"] or told["measured"]:
        return
    free = [told.get("leave"), told.get("preferences")]
    for address in page.addresses + addresses(text):
        if address.startswith(told["relay"]) and address not in free:
            wrong.append(("17.measured", f"{address} tells of somebody who did not agree"))
