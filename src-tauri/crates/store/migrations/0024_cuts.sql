-- What it takes to be in the top or the bottom, of each followed expression that asks for it: as it was measured when the
-- expression was saved, or at the first commit of a later day. Without a value: nobody had one.
CREATE TABLE segment_cuts(
  segment INTEGER NOT NULL,
  clause TEXT NOT NULL,
  measured_at INTEGER NOT NULL,
  number REAL,
  minor INTEGER,
  currency TEXT,
  PRIMARY KEY(segment, clause)
) STRICT, WITHOUT ROWID;
