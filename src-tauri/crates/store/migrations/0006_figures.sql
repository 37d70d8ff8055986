-- Figures kept in the commit that causes them.

-- bucket: days, or hours, since 1970-01-01 on the wall clock of the workspace's zone.
CREATE TABLE rollups(
  metric TEXT NOT NULL,
  object INTEGER NOT NULL,
  part TEXT NOT NULL,
  bucket INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(metric, object, part, bucket)
) WITHOUT ROWID, STRICT;

-- How many stand where now.
CREATE TABLE gauges(
  gauge TEXT NOT NULL,
  object INTEGER NOT NULL,
  part INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY(gauge, object, part)
) WITHOUT ROWID, STRICT;
