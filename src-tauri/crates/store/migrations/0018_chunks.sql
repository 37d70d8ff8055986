-- Rows as the index takes them in, 65,536 numbers a part, one row for each name of events and each field, so that what
-- nobody asks for is not read. All of it is derived: written when a file is opened or while it rests, and gone with the
-- first change of what stands in it.
DROP TRIGGER event_chunks_deleted;
DROP TRIGGER event_chunks_updated;
DROP TRIGGER event_chunks_renamed;
DROP TABLE event_chunks;

-- names: [[number of the name, [key of a property, ...]], ...] of the part.
CREATE TABLE event_parts(
  part INTEGER PRIMARY KEY,
  names TEXT NOT NULL
) STRICT;
CREATE TABLE event_chunks(
  part INTEGER NOT NULL,
  type INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY(part, type)
) STRICT;
CREATE TRIGGER event_chunks_deleted AFTER DELETE ON events BEGIN
  DELETE FROM event_parts WHERE part = OLD.id >> 16;
  DELETE FROM event_chunks WHERE part = OLD.id >> 16;
END;
CREATE TRIGGER event_chunks_updated AFTER UPDATE ON events BEGIN
  DELETE FROM event_parts WHERE part IN (OLD.id >> 16, NEW.id >> 16);
  DELETE FROM event_chunks WHERE part IN (OLD.id >> 16, NEW.id >> 16);
END;

-- bytes: who there is, with what is known of them in yes or no.
CREATE TABLE contact_parts(
  part INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;
-- Whose yes or no changed since: their rows are read beside the part.
CREATE TABLE contact_parts_stale(
  contact INTEGER PRIMARY KEY
) STRICT;
-- field: as in provenance.
CREATE TABLE contact_chunks(
  part INTEGER NOT NULL,
  field INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY(part, field)
) STRICT;
