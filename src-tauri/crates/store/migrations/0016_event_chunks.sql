-- Events as the index takes them in, 65,536 numbers a row: derived, written when a file is opened, and gone with the
-- first change of one of their rows, whoever makes it.
CREATE TABLE event_chunks(
  part INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;
CREATE TRIGGER event_chunks_deleted AFTER DELETE ON events BEGIN
  DELETE FROM event_chunks WHERE part = OLD.id >> 16;
END;
CREATE TRIGGER event_chunks_updated AFTER UPDATE ON events BEGIN
  DELETE FROM event_chunks WHERE part IN (OLD.id >> 16, NEW.id >> 16);
END;
-- Events have names by number: another name would stand in the bytes still.
CREATE TRIGGER event_chunks_renamed AFTER UPDATE ON event_types BEGIN
  DELETE FROM event_chunks;
END;
