-- Campaigns: one message to the members of a segment, once. Each is sent by a journey of its own, whose number it has.

-- settings: the campaign as JSON. state, was: words; was is what a pause goes back to.
-- audience: contacts who get something, or are held out, as of the start (portable roaring bitmap).
-- entered: contacts with a lower number have been let in, in the present part of the campaign.
-- events: events up to this one have been looked at for the test.
CREATE TABLE campaigns(
  journey INTEGER PRIMARY KEY REFERENCES journeys(id),
  settings TEXT NOT NULL,
  state TEXT NOT NULL,
  was TEXT,
  count INTEGER,
  confirmed_at INTEGER,
  recall_until INTEGER,
  starts_at INTEGER,
  started_at INTEGER,
  ends_at INTEGER,
  done_at INTEGER,
  audience BLOB,
  parts TEXT,
  entered INTEGER NOT NULL DEFAULT 0,
  events INTEGER NOT NULL DEFAULT 0,
  decision TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Members of the segment who get nothing, by reason, as of the start.
CREATE TABLE campaign_left_out(
  journey INTEGER NOT NULL,
  reason TEXT NOT NULL,
  contacts BLOB NOT NULL,
  PRIMARY KEY(journey, reason)
) WITHOUT ROWID, STRICT;

-- One row for each contact whose message of a test was accepted. due_at: when its window is over.
CREATE TABLE campaign_exposures(
  journey INTEGER NOT NULL,
  contact INTEGER NOT NULL,
  arm INTEGER NOT NULL,
  message INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  hit_at INTEGER,
  unsubscribed_at INTEGER,
  complained_at INTEGER,
  counted INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(journey, contact)
) WITHOUT ROWID, STRICT;
CREATE INDEX campaign_exposures_due ON campaign_exposures(journey, due_at, contact) WHERE counted = 0;

-- What the counted recipients of an arm did, in the order of counting. what: hit, unsubscribed, complained.
CREATE TABLE campaign_outcomes(
  journey INTEGER NOT NULL,
  arm INTEGER NOT NULL,
  what TEXT NOT NULL,
  outcomes BLOB NOT NULL,
  PRIMARY KEY(journey, arm, what)
) WITHOUT ROWID, STRICT;

-- How many messages of a campaign to a domain stand where now. state: of the outbox, 0 for all that is on its way.
CREATE TABLE campaign_domains(
  journey INTEGER NOT NULL,
  domain TEXT NOT NULL,
  state INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(journey, domain, state)
) WITHOUT ROWID, STRICT;

-- The recipient's domain, for messages of campaigns.
ALTER TABLE outbox ADD COLUMN to_domain TEXT;
