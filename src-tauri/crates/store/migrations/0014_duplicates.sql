-- Duplicates: pairs that may be one person, and merges, which can be taken back.

-- A pair of contacts, a below b. state: 0 open 1 different, as somebody said. Two that are merged are no pair any more.
-- same: words for what is the very same in both (email phone identifier). weights: what speaks for and against, JSON.
-- run: the search that found it.
CREATE TABLE duplicate_pairs(
  a INTEGER NOT NULL,
  b INTEGER NOT NULL,
  state INTEGER NOT NULL,
  probability REAL NOT NULL,
  same TEXT NOT NULL,
  weights TEXT NOT NULL,
  run INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY(a, b)
) WITHOUT ROWID, STRICT;
CREATE INDEX duplicate_pairs_open ON duplicate_pairs(probability DESC, a, b) WHERE state = 0;
CREATE INDEX duplicate_pairs_b ON duplicate_pairs(b);

-- Two contacts that were made one. was: both as they were, what was moved and what the merge left, JSON: what taking it
-- back needs; empty once it was. seq, undone_seq: the commits of both.
CREATE TABLE merges(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  survivor INTEGER NOT NULL,
  absorbed INTEGER NOT NULL,
  email TEXT NOT NULL,
  was TEXT NOT NULL,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  undone_at INTEGER,
  undone_seq INTEGER
) STRICT;
CREATE INDEX merges_survivor ON merges(survivor);
CREATE INDEX merges_absorbed ON merges(absorbed);
CREATE INDEX merges_seq ON merges(seq);
CREATE INDEX merges_undone ON merges(undone_seq) WHERE undone_seq IS NOT NULL;

-- Numbers and addresses of contacts that were merged into another: who asks for one finds whoever stands for it now.
CREATE TABLE contact_aliases(
  absorbed INTEGER PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  contact INTEGER NOT NULL,
  merge INTEGER NOT NULL
) STRICT;
CREATE INDEX contact_aliases_of ON contact_aliases(contact);
