-- Whom each followed expression means, so that an opening reads it and works nothing out. All of it is derived.
-- Clauses were kept so that a lost edge is found; whole memberships tell that as well.
DROP TABLE clause_state;
DROP TABLE segment_clauses;
DROP TABLE clauses;
DELETE FROM cursors WHERE name IN
  ('clause_states_seq', 'clause_states_edge', 'clause_states_contacts', 'clause_states_segments');

-- seq: as of that commit. edge: edges from this number on came later. program: the one that reads rows like this, by its
-- sources; empty: nobody believes it any more, and it still tells who was in.
CREATE TABLE memberships(
  segment INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  edge INTEGER NOT NULL,
  program TEXT NOT NULL
) STRICT;
CREATE TABLE membership_chunks(
  segment INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;
-- What each commit did to the memberships that are believed. Without a row of each commit since, none is.
CREATE TABLE membership_verdicts(
  seq INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;
