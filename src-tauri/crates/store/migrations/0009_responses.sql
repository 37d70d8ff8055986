-- What comes back for messages, and whether anybody listens for opt-outs.

-- kind: 0 delivered 1 delayed 2 bounced 3 complained 4 unsubscribed 5 opened 6 clicked 7 replied 8 auto_replied
--       9 submitted 10 confirmed
-- hand: 0 human 1 machine 2 proxy. class: 0 hard 1 soft 2 block.
-- Raw: a hit of a machine stays, and what it is called can change when the rules do.
CREATE TABLE responses(
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  message INTEGER,
  contact INTEGER,
  at INTEGER NOT NULL,
  arrived_at INTEGER NOT NULL,
  source INTEGER NOT NULL,
  hand INTEGER NOT NULL,
  class INTEGER,
  link INTEGER,
  rule TEXT,
  detail TEXT
) STRICT;
CREATE INDEX responses_message ON responses(message) WHERE message IS NOT NULL;
-- Bounces of one address add up.
CREATE INDEX responses_bounced ON responses(contact, at) WHERE kind = 2;
-- What people and servers said: few beside what they opened and clicked.
CREATE INDEX responses_said ON responses(kind, id) WHERE kind NOT IN (0, 5, 6);

-- Where links of messages lead, each once.
CREATE TABLE links(
  id INTEGER PRIMARY KEY,
  url TEXT NOT NULL UNIQUE
) STRICT;

-- Whoever can tell of an opt-out: mailbox:1, relay, provider:2. Marketing leaves only while each was read lately.
-- read_at: everything up to then is taken in and committed.
CREATE TABLE opt_out_sources(
  name TEXT PRIMARY KEY,
  label TEXT NOT NULL,
  read_at INTEGER,
  trouble TEXT
) WITHOUT ROWID, STRICT;

-- What was asked for leaves while marketing waits for its sources.
CREATE INDEX outbox_asked_for ON outbox(account, next_at) WHERE state < 2 AND transactional = 1;

-- settings: JSON, without any secret.
CREATE TABLE mailboxes(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL
) STRICT;

-- How far each folder was read: JSON of the cursor.
CREATE TABLE mailbox_cursors(
  mailbox INTEGER NOT NULL,
  folder TEXT NOT NULL,
  cursor TEXT NOT NULL,
  PRIMARY KEY(mailbox, folder)
) WITHOUT ROWID, STRICT;

CREATE TABLE providers(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  cursor TEXT,
  paused INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL
) STRICT;
