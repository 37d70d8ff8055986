-- Folders whose new files are imported, and what became of each file; companies that were removed and can be given back.

-- path: full. recipe: how a file is read and imported, in the words of the caller (JSON). origin: the import it was taken from.
-- trouble: why the folder could not be read at the last look, in words for people.
CREATE TABLE import_folders(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  path TEXT NOT NULL,
  pattern TEXT NOT NULL,
  recipe TEXT NOT NULL,
  origin INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  trouble TEXT,
  made_at INTEGER NOT NULL
) STRICT;

-- name: of the file in its folder. size, modified (nanoseconds): as it was looked at. hash: of all it holds, BLAKE3; none where it
-- was not read. import: the one it began in the same commit, or that of the file with the same content.
CREATE TABLE import_files(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  folder INTEGER NOT NULL,
  name TEXT NOT NULL,
  size INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  hash BLOB,
  state TEXT NOT NULL,
  import INTEGER,
  why TEXT,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX import_files_name ON import_files(folder, name);
CREATE INDEX import_files_hash ON import_files(folder, hash) WHERE hash IS NOT NULL;
CREATE INDEX import_files_import ON import_files(import) WHERE import IS NOT NULL;
CREATE INDEX import_files_state ON import_files(folder, state);

-- contacts: how many had it. kept: what is needed to give it back, beside its contacts (JSON).
CREATE TABLE removed_companies(
  company INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  contacts INTEGER NOT NULL,
  kept TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

-- source and at: the provenance of the connection, where it had its own.
CREATE TABLE removed_company_contacts(
  company INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  source INTEGER,
  at INTEGER,
  PRIMARY KEY(company, contact)
) WITHOUT ROWID, STRICT;
