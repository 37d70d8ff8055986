"""The same file, by Splink on DuckDB, which learns without labels too. Prints one JSON object, scored as ours is.

Values are made alike first, as Splink's documentation asks for: small letters, no accents, digits of telephone numbers
without the country. Names are one comparison, swapped ones included, with how common they are; candidate pairs share two
things that rarely agree by chance, or one that is somebody's own. Two are one from a probability of a half, and groups are
what hangs together: no rule has seen the truth.
"""
import logging
import sys
import tempfile
import time

import duckdb
import splink
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from dedup_score import of_groups, of_pairs, people_of, tell
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

HALF = 0.5
SEED = 1
# Pairs the chances of agreeing by accident are counted in.
SAMPLE = 1e6
PLAIN = "strip_accents(replace(replace(replace(replace(lower(trim({0})), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ß', 'ss'))"
DIGITS = "right(regexp_replace({0}, '[^0-9]', '', 'g'), 9)"


def prepared(base, rows):
    """The table `people`: what a person would write two ways is written one way."""
    base.register("raw", rows)
    parts = []
    for column in rows:
        form = DIGITS if column == "phone" else PLAIN
        parts.append(f"nullif({form.format(chr(34) + column + chr(34))}, '') AS {column.replace('.1', '_2')}")
    base.execute(f"CREATE TABLE plain AS SELECT row_number() OVER () - 1 AS unique_id, {', '.join(parts)} FROM raw")
    base.execute("CREATE TABLE people AS SELECT *, given_name || ' ' || surname AS name FROM plain")
    return [column.replace(".1", "_2") for column in rows]


class Chances:
    """How often two rows agree by accident where random pairs are too few to see it: counted."""

    def __init__(self, base):
        self.base = base
        rows = base.execute("SELECT count(*) FROM people").fetchall()[0][0]
        self.pairs = rows * (rows - 1) / 2

    def of(self, *columns):
        """The share of pairs that have the same in all of them."""
        known = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        sizes = f"SELECT count(*) AS n FROM people WHERE {known} GROUP BY {', '.join(columns)}"
        same = self.base.execute(f"SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM ({sizes})").fetchall()[0][0]
        return float(same) / self.pairs

    def set(self, level, share):
        """The level with this chance, of one pair at least."""
        return level.configure(u_probability=max(share, 1 / self.pairs), fix_u_probability=True)


def home(chances):
    """Surname, telephone and place as one comparison: families share them all, so that each alone would be counted as
    evidence of one person again and again."""
    street = cll.Or(cll.ExactMatchLevel("address"), cll.JaroWinklerLevel("address", 0.95))
    code, town = cll.ExactMatchLevel("post_code"), cll.ExactMatchLevel("suburb")
    near_town = cll.Or(code, town, cll.DamerauLevenshteinLevel("post_code", 1), cll.JaroWinklerLevel("suburb", 0.88))
    place, surname = cll.And(street, near_town), cll.ExactMatchLevel("surname")
    near_surname = cll.Or(surname, cll.JaroWinklerLevel("surname", 0.92))
    phone = cll.Or(cll.ExactMatchLevel("phone"), cll.DamerauLevenshteinLevel("phone", 1))
    unknown = cll.And(*(cll.NullLevel(part) for part in ("surname", "address", "post_code", "suburb", "phone")))
    spot = ("address", "post_code")
    both = {"all": chances.of("phone", "surname", *spot), "spot": chances.of("phone", *spot)}
    both |= {"family": chances.of("surname", *spot), "name": chances.of("phone", "surname")}
    levels = [
        chances.set(cll.And(phone, place, near_surname), both["all"]),
        chances.set(cll.And(phone, place), both["spot"] - both["all"]),
        chances.set(cll.And(phone, near_surname), both["name"] - both["all"]),
        chances.set(phone, chances.of("phone") - both["spot"] - both["name"] + both["all"]),
        chances.set(cll.And(place, near_surname), both["family"] - both["all"]),
        chances.set(place, chances.of(*spot) - both["spot"] - both["family"] + both["all"]),
        chances.set(cll.And(street, near_surname), chances.of("address", "surname") - both["family"]),
        chances.set(cll.And(cll.Or(code, town), surname), chances.of("post_code", "surname") - both["family"]),
        cll.And(near_town, near_surname),
        cll.ExactMatchLevel("surname").configure(tf_adjustment_column="surname"),
        near_surname,
        cll.Or(code, town),
        street,
        near_town,
    ]
    return cl.CustomComparison([unknown, *levels, cll.ElseLevel()], output_column_name="home")


def email(chances):
    """The same address, or one with slips. The library's ready comparison also takes what stands before the @, which is made of
    the name: namesakes would be told by their names twice."""
    levels = [
        cll.NullLevel("email"),
        chances.set(cll.ExactMatchLevel("email"), chances.of("email")),
        cll.DamerauLevenshteinLevel("email", 2),
        cll.ElseLevel(),
    ]
    return cl.CustomComparison(levels, output_column_name="email")


def given_name():
    """The given name, also where it stands in the other field."""
    return cl.CustomComparison(
        [
            cll.NullLevel("given_name"),
            cll.ExactMatchLevel("given_name").configure(tf_adjustment_column="given_name"),
            cll.ColumnsReversedLevel("given_name", "surname", symmetrical=True),
            cll.JaroWinklerLevel("given_name", 0.92),
            cll.JaroWinklerLevel("given_name", 0.88),
            cll.CustomLevel("left(given_name_l, 1) = left(given_name_r, 1)"),
            cll.ElseLevel(),
        ],
        output_column_name="given",
    )


def comparisons(columns, chances):
    """One comparison for each thing that is known of people, as the library has them ready. Lists that know telephones
    are of families."""
    if "phone" in columns:
        return [given_name(), home(chances), email(chances)]
    often = {"term_frequency_adjustments": True}
    ready = {
        "address": cl.JaroWinklerAtThresholds("address", [0.95, 0.88, 0.75]).configure(**often),
        "address_2": cl.JaroWinklerAtThresholds("address_2", [0.95, 0.88]),
        "street_number": cl.LevenshteinAtThresholds("street_number", 1).configure(**often),
        "suburb": cl.JaroWinklerAtThresholds("suburb", [0.95, 0.88]).configure(**often),
        "post_code": cl.DamerauLevenshteinAtThresholds("post_code", [1, 2]).configure(**often),
        "identifier": cl.DamerauLevenshteinAtThresholds("identifier", [1, 2]),
        "date": cl.DamerauLevenshteinAtThresholds("date", [1, 2]),
    }
    names = cl.ForenameSurnameComparison("given_name", "surname", forename_surname_concat_col_name="name")
    return [names, *(ready[column] for column in columns if column in ready)]


def rules(columns):
    """Which pairs are looked at: rules of the names, the place, and what is one's own."""
    pairs = [
        ("given_name", "surname"), ("surname", "post_code"), ("given_name", "post_code"), ("surname", "address"),
        ("given_name", "address"), ("address", "post_code"), ("surname", "suburb"), ("given_name", "suburb"),
        ("address", "suburb"), ("date", "post_code"), ("date", "surname"), ("date", "given_name"),
        ("street_number", "post_code"), ("street_number", "suburb"), ("address_2", "suburb"), ("address_2", "post_code"),
    ]
    kept = [block_on(*pair) for pair in pairs if set(pair) <= set(columns)]
    return kept + [block_on(own) for own in ("email", "phone", "identifier") if own in columns]


def train(linker, columns):
    """Its own estimates: how rare a pair is from rules that hardly err, accident from random pairs, the rest by
    expectation and maximisation among people of one name and, for the names, among those who share something else. At
    one address live families, whom such a block would take for one person where there is a better one."""
    sure = [("email",), ("identifier",), ("phone", "given_name"), ("name", "post_code"), ("name", "address")]
    sure = [block_on(*rule) for rule in sure if set(rule) <= {*columns, "name"}]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLE, seed=SEED)
    namesakes = [("given_name", "surname"), ("address", "post_code"), ("date",)]
    blocks = [("email",), ("phone",)] if "phone" in columns else namesakes
    for block in blocks:
        if set(block) <= set(columns):
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(*block), max_pairs=SAMPLE)


def main(file):
    rows, person = people_of(file)
    logging.getLogger("splink").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(dir=".") as spill:
        base = duckdb.connect(config={"temp_directory": spill})
        started = time.monotonic()
        columns = prepared(base, rows)
        settings = SettingsCreator(
            link_type="dedupe_only",
            comparisons=comparisons(columns, Chances(base)),
            blocking_rules_to_generate_predictions=rules(columns),
        )
        api = DuckDBAPI(base)
        linker = Linker(api.register("people"), settings, log_level=logging.ERROR)
        train(linker, columns)
        links = linker.inference.predict(threshold_match_probability=HALF)
        groups = linker.clustering.cluster_pairwise_predictions_at_threshold(links, threshold_match_probability=HALF)
        group = groups.as_pandas_dataframe()
        seconds = time.monotonic() - started
        group = group.set_index("unique_id")["cluster_id"].reindex(person.index)
        found, right = of_groups(person, group)
        pairs = links.as_pandas_dataframe()
        plain = of_pairs(person, pairs["unique_id_l"], pairs["unique_id_r"])
        print("without groups:", *plain, file=sys.stderr)
        tell(f"Splink {splink.__version__}", person, found, right, None, seconds)


if __name__ == "__main__":
    main(sys.argv[1])
