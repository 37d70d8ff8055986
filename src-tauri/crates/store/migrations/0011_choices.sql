-- What people chose on the preference page: topics they left (bits, by the topic's number) and a pause. By the keyed hash
-- of the address, as the suppression list: it outlives the contact, and other machines tell of it without an address.
CREATE TABLE choices(
  hash BLOB NOT NULL,
  key INTEGER NOT NULL,
  topics_left INTEGER NOT NULL,
  paused_until INTEGER,
  source INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(hash, key)
) WITHOUT ROWID, STRICT;

-- What the mails of a template are about: the number of a topic, or nothing.
ALTER TABLE templates ADD COLUMN topic INTEGER;

-- Whom the ids mean by which the user's own site, shop or app tells visitors and customers apart: hashes of them.
CREATE TABLE visitors(
  id BLOB PRIMARY KEY,
  contact INTEGER NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX visitors_of ON visitors(contact);
CREATE TRIGGER visitors_forget AFTER DELETE ON contacts
BEGIN DELETE FROM visitors WHERE contact = OLD.id; END;
