-- Messages, from the decision to send to the last word.

CREATE TABLE templates(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  subject TEXT NOT NULL,
  preheader TEXT NOT NULL,
  body TEXT NOT NULL,
  text TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- No secret: those are in the keychain. settings: the account as JSON.
CREATE TABLE accounts(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL
) STRICT;

-- One row a message. enrolment is unique for (journey, contact, number), so that
-- UNIQUE(enrolment, step, visit) is the message key.
-- accepted_at stays when a bounce comes later.
-- domain: right side of its Message-ID, fixed when queued.
-- state: 0 queued 1 deferred | 2 claimed 3 in flight 4 unknown 5 frozen |
--        6 accepted 7 bounced 8 suppressed 9 expired 10 cancelled
CREATE TABLE outbox(
  id INTEGER PRIMARY KEY,
  enrolment INTEGER NOT NULL,
  step TEXT NOT NULL,
  visit INTEGER NOT NULL,
  journey INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  number INTEGER NOT NULL,
  account INTEGER NOT NULL,
  template INTEGER NOT NULL,
  transactional INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  queued_at INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  lease_until INTEGER,
  fence INTEGER,
  changed_at INTEGER NOT NULL,
  accepted_at INTEGER,
  last_attempt INTEGER,
  domain TEXT NOT NULL,
  subject TEXT NOT NULL,
  last_word TEXT,
  was INTEGER,
  UNIQUE(enrolment, step, visit)
) STRICT;
CREATE INDEX outbox_waiting ON outbox(account, next_at) WHERE state < 2;
CREATE INDEX outbox_open ON outbox(state) WHERE state BETWEEN 2 AND 5;

CREATE TABLE attempts(
  id INTEGER PRIMARY KEY,
  message INTEGER NOT NULL,
  prev INTEGER,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  state INTEGER NOT NULL,
  class TEXT,
  code TEXT,
  detail TEXT
) STRICT;

-- Spending of an account, by minute: what its limits are counted from.
CREATE TABLE spending(
  account INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(account, minute)
) WITHOUT ROWID, STRICT;
