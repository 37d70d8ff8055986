-- What the file says of itself, and the file's one order of commits.
-- All times are INTEGER milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE meta(
  key TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID, STRICT;

-- Plain settings of the user, JSON each.
CREATE TABLE settings(
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID, STRICT;

-- The next identity of each table whose identities are never reused, whatever is deleted.
CREATE TABLE marks(
  name TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Where values came from, each text once: import:12, user, journey:3/welcome.
CREATE TABLE sources(
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- Ranges of rows written by each commit; seq is the order everybody follows.
CREATE TABLE changes(
  seq INTEGER NOT NULL,
  "table" TEXT NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY(seq, "table", first)
) WITHOUT ROWID, STRICT;

-- How far each reader of the file's streams has come.
CREATE TABLE cursors(
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Sources that number what they send.
CREATE TABLE intake_cursors(
  source TEXT PRIMARY KEY,
  epoch TEXT NOT NULL,
  seq INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

-- Sources that do not: what was taken in, by a 16-byte key.
CREATE TABLE intake_keys(
  source INTEGER NOT NULL,
  key BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(source, key)
) WITHOUT ROWID, STRICT;
