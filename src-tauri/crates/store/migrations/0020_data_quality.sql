-- What is known of the data itself: what values were before.

-- What a value of a contact was, where nothing else keeps it: imports, cleansings and merges keep what they found for their
-- undoing. n: counts the rows of a field of a contact. was: JSON, NULL: there was none. was_source, was_at: who had written
-- that when; NULL: whoever added the contact. source, at: who replaced it when. Gone with the contact.
CREATE TABLE contact_history(
  contact INTEGER NOT NULL,
  field INTEGER NOT NULL,
  n INTEGER NOT NULL,
  was TEXT,
  was_source INTEGER,
  was_at INTEGER,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(contact, field, n)
) WITHOUT ROWID, STRICT;

-- How good the data of contacts was on a day, as it was measured: on days without a row it was not. day: since 1970-01-01
-- on the workspace's wall clock. seq: the first commit that is not in it. pairs: pairs of contacts that may be one person
-- and wait for somebody to say so; NULL: nobody ever looked for them.
CREATE TABLE quality_days(
  day INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  contacts INTEGER NOT NULL,
  pairs INTEGER
) STRICT;

-- Of them: contacts with a value in a field, with one that can be what the field is for, and with one that is written as it
-- should be, too. field as in provenance.
CREATE TABLE quality_fields(
  day INTEGER NOT NULL,
  field INTEGER NOT NULL,
  known INTEGER NOT NULL,
  valid INTEGER NOT NULL,
  tidy INTEGER NOT NULL,
  PRIMARY KEY(day, field)
) WITHOUT ROWID, STRICT;
