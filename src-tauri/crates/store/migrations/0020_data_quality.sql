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
