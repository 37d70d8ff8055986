-- Journeys, passages through them, and what happened on the way.

CREATE TABLE journeys(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  draft TEXT NOT NULL,
  version INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE journey_versions(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  journey INTEGER NOT NULL REFERENCES journeys(id),
  number INTEGER NOT NULL,
  document TEXT NOT NULL,
  published_at INTEGER NOT NULL,
  UNIQUE(journey, number)
) STRICT;
CREATE TRIGGER journey_versions_no_update BEFORE UPDATE ON journey_versions
BEGIN SELECT RAISE(ABORT, 'a published version never changes'); END;
CREATE TRIGGER journey_versions_no_delete BEFORE DELETE ON journey_versions
BEGIN SELECT RAISE(ABORT, 'a published version never changes'); END;

-- step: index in the version's canonical order, NULL after the end.
-- visits: pairs of u16 step and u32 count, little-endian. reached: u16 steps. ended: JSON of the end.
CREATE TABLE enrolments(
  id INTEGER PRIMARY KEY,
  journey INTEGER NOT NULL,
  version INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  number INTEGER NOT NULL,
  active INTEGER NOT NULL,
  step INTEGER,
  planned_at INTEGER NOT NULL,
  wake_at INTEGER,
  visits BLOB NOT NULL,
  reached BLOB,
  entered_at INTEGER NOT NULL,
  ended_at INTEGER,
  ended TEXT,
  last_fact INTEGER,
  last_call INTEGER,
  UNIQUE(journey, contact, number)
) STRICT;
CREATE INDEX enrolments_wake ON enrolments(wake_at) WHERE active = 1 AND wake_at IS NOT NULL;
CREATE INDEX enrolments_contact ON enrolments(contact) WHERE active = 1;

-- Inputs that wait for the tick, in planned order. enrolment NULL: of nobody in particular yet.
CREATE TABLE inputs(
  id INTEGER PRIMARY KEY,
  planned_at INTEGER NOT NULL,
  journey INTEGER,
  enrolment INTEGER,
  contact INTEGER NOT NULL,
  input TEXT NOT NULL
) STRICT;
CREATE INDEX inputs_planned ON inputs(planned_at);

-- prev: the enrolment's fact before, so that why walks back by point reads.
CREATE TABLE facts(
  id INTEGER PRIMARY KEY,
  enrolment INTEGER NOT NULL,
  prev INTEGER,
  at INTEGER NOT NULL,
  step TEXT NOT NULL,
  what TEXT NOT NULL
) STRICT;

-- What each call of the kernel got, for replay. who: what the version needs of the contact.
CREATE TABLE calls(
  id INTEGER PRIMARY KEY,
  enrolment INTEGER NOT NULL,
  prev INTEGER,
  at INTEGER NOT NULL,
  input TEXT NOT NULL,
  who TEXT NOT NULL
) STRICT;
