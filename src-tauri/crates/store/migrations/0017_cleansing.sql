-- Cleansings: what was put right in many contacts at once, which can be taken back at once.

-- state: running done undoing undone; one that a crash cut off stays running, and can be taken back. source: the number of
-- the source its values name. contacts, changed: how many contacts, and how many values in all.
CREATE TABLE cleansings(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL,
  source INTEGER NOT NULL,
  contacts INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL,
  undone_at INTEGER
) STRICT;

-- What a cleansing found in a field it changed: the value before (JSON, NULL: none), and who had written it when (NULL:
-- whoever added the contact). Gone with the contact, and once it was put back.
CREATE TABLE cleansing_changes(
  cleansing INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  field INTEGER NOT NULL,
  was TEXT,
  was_source INTEGER,
  was_at INTEGER,
  PRIMARY KEY(cleansing, contact, field)
) WITHOUT ROWID, STRICT;
CREATE INDEX cleansing_changes_contact ON cleansing_changes(contact);
