-- What contacts did, and who is meant.

CREATE TABLE event_types(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

-- No secondary index: a contact's timeline is found through the postings in memory.
CREATE TABLE events(
  id INTEGER PRIMARY KEY,
  contact INTEGER NOT NULL,
  type INTEGER NOT NULL,
  at INTEGER NOT NULL,
  arrived_at INTEGER NOT NULL,
  source INTEGER NOT NULL,
  props TEXT
) STRICT;

CREATE TABLE segments(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Conditions of journey versions, followed like segments; numbered with them.
CREATE TABLE watches(
  id INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  condition INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE(version, condition)
) STRICT;

-- Each distinct clause once, by the BLAKE3 of its canonical text.
CREATE TABLE clauses(
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE segment_clauses(
  segment INTEGER NOT NULL,
  clause INTEGER NOT NULL,
  PRIMARY KEY(segment, clause)
) WITHOUT ROWID, STRICT;

-- Who a clause held for at a seq. bits: portable roaring bitmap.
CREATE TABLE clause_state(
  clause INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  n INTEGER NOT NULL,
  bits BLOB
) STRICT;

-- Entered and left, in order: rows of the commit that caused them.
CREATE TABLE segment_edges(
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  entered INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
