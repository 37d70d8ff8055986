-- How contacts are measured, and every change of what they measure.

-- A field that a score alone writes, by the key of the score.
ALTER TABLE fields ADD COLUMN score TEXT;

CREATE TABLE scores(
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  draft TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  archived_at INTEGER
) STRICT;

-- What was published: the ledger names the version.
CREATE TABLE score_versions(
  score INTEGER NOT NULL,
  version INTEGER NOT NULL,
  model TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(score, version)
) WITHOUT ROWID, STRICT;

-- Each change of a number of points, with what caused it. before: null when first measured.
CREATE TABLE score_ledger(
  id INTEGER PRIMARY KEY,
  score INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  at INTEGER NOT NULL,
  before INTEGER,
  after INTEGER NOT NULL,
  cause INTEGER NOT NULL,
  version INTEGER NOT NULL,
  stage TEXT,
  reasons TEXT NOT NULL
) STRICT;
CREATE INDEX score_ledger_contact ON score_ledger(contact, id);

-- When each stage was entered.
CREATE TABLE score_stages(
  contact INTEGER NOT NULL,
  score INTEGER NOT NULL,
  stage TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(contact, score, stage)
) WITHOUT ROWID, STRICT;

CREATE TRIGGER scores_forget AFTER DELETE ON contacts
BEGIN
  DELETE FROM score_ledger WHERE contact = OLD.id;
  DELETE FROM score_stages WHERE contact = OLD.id;
END;
