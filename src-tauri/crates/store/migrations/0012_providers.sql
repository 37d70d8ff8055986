-- What a provider calls a message it took: some of its events name nothing else. Only messages that left over its API.
CREATE TABLE provider_messages(
  provider INTEGER NOT NULL,
  id TEXT NOT NULL,
  message INTEGER NOT NULL,
  PRIMARY KEY(provider, id)
) WITHOUT ROWID, STRICT;
