-- Contacts, their values and permissions.

-- id is the dense ordinal: the bit position in the index, never reused (marks).
-- source and created_at are the provenance of every value that has no row in provenance.
CREATE TABLE contacts(
  id INTEGER PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  first_name TEXT,
  last_name TEXT,
  phone TEXT,
  country TEXT,
  city TEXT,
  language TEXT,
  time_zone TEXT,
  zone_source INTEGER,
  suppressed INTEGER NOT NULL DEFAULT 0,
  source INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Custom fields. Retired ones keep their column; a column is never dropped.
CREATE TABLE fields(
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  label TEXT NOT NULL,
  type TEXT NOT NULL,
  options TEXT NOT NULL,
  position INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  retired_at INTEGER
) STRICT;

-- One typed column a field, f<id>, added at run time; money has f<id>c for its currency beside.
CREATE TABLE contact_fields(
  contact INTEGER PRIMARY KEY
) STRICT;

-- Only values written after the contact was created, or by another hand.
-- field: 0 to 99 the built-in fields in their order, 100 + fields.id the custom ones.
CREATE TABLE provenance(
  contact INTEGER NOT NULL,
  field INTEGER NOT NULL,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(contact, field)
) WITHOUT ROWID, STRICT;

CREATE TABLE tags(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE contact_tags(
  tag INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(tag, contact)
) WITHOUT ROWID, STRICT;

CREATE TABLE wordings(
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  text TEXT NOT NULL
) STRICT;

-- The ledger: append-only, and it outlives the contact.
CREATE TABLE consents(
  id INTEGER PRIMARY KEY,
  contact INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  purpose INTEGER NOT NULL,
  action INTEGER NOT NULL,
  basis INTEGER NOT NULL,
  wording INTEGER,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX consents_contact ON consents(contact);
CREATE TRIGGER consents_no_update BEFORE UPDATE ON consents
BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END;
CREATE TRIGGER consents_no_delete BEFORE DELETE ON consents
BEGIN SELECT RAISE(ABORT, 'the consent ledger is append-only'); END;

-- The ledger's last word, which the gate reads.
CREATE TABLE permissions(
  contact INTEGER NOT NULL,
  channel INTEGER NOT NULL,
  purpose INTEGER NOT NULL,
  granted INTEGER NOT NULL,
  basis INTEGER NOT NULL,
  consent INTEGER NOT NULL,
  PRIMARY KEY(contact, channel, purpose)
) WITHOUT ROWID, STRICT;

-- Keys under which addresses are hashed: the file's own is 1, those of merged files follow.
CREATE TABLE suppression_keys(
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE
) STRICT;

-- Keyed hashes of addresses never to be written to; they outlive the contact.
CREATE TABLE suppressions(
  hash BLOB NOT NULL,
  key INTEGER NOT NULL,
  reason INTEGER NOT NULL,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(hash, key)
) WITHOUT ROWID, STRICT;

-- Who put an address on the list or took it off, and why: append-only.
CREATE TABLE suppression_acts(
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  added INTEGER NOT NULL,
  reason TEXT NOT NULL,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER suppression_acts_no_update BEFORE UPDATE ON suppression_acts
BEGIN SELECT RAISE(ABORT, 'the record of suppressions is append-only'); END;
CREATE TRIGGER suppression_acts_no_delete BEFORE DELETE ON suppression_acts
BEGIN SELECT RAISE(ABORT, 'the record of suppressions is append-only'); END;

-- The contacts or events an import added lie between first_row and last_row and carry its source.
CREATE TABLE imports(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  plan TEXT NOT NULL,
  source INTEGER NOT NULL,
  position INTEGER NOT NULL DEFAULT 0,
  first_row INTEGER,
  last_row INTEGER,
  added INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0,
  duplicate INTEGER NOT NULL DEFAULT 0,
  invalid INTEGER NOT NULL DEFAULT 0,
  suppressed INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;

-- What an import found in contacts that were there before: [[field, value before], ...].
CREATE TABLE import_changes(
  import INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  was TEXT NOT NULL,
  PRIMARY KEY(import, contact)
) WITHOUT ROWID, STRICT;
