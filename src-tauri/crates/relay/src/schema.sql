-- A tenant's file. Nothing here names a person: events are sealed, addresses are hashes under a key that is not here.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE epochs (id INTEGER PRIMARY KEY, epoch TEXT NOT NULL UNIQUE, began_at INTEGER NOT NULL);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    epoch INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    received_at INTEGER NOT NULL, -- milliseconds, the relay's clock
    sealed BLOB NOT NULL
);
CREATE TABLE acks (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL);
CREATE TABLE devices (key BLOB PRIMARY KEY, name TEXT NOT NULL, added_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE token_keys (id TEXT PRIMARY KEY, secret BLOB NOT NULL, added_at INTEGER NOT NULL) WITHOUT ROWID;
-- What must happen only once: message ids of API calls, forms that were sent, confirmed links. Hashes.
CREATE TABLE once (id BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE suppressions (
    address BLOB NOT NULL, scope INTEGER NOT NULL, lifted INTEGER NOT NULL, changed INTEGER NOT NULL,
    PRIMARY KEY (address, scope)
) WITHOUT ROWID;
CREATE INDEX suppressions_by_change ON suppressions (changed);
