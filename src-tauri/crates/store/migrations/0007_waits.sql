-- Waits of published versions whose moment hangs on a field of the contact: whoever stands in one is told when that
-- field is written.

CREATE TABLE waits(
  field TEXT NOT NULL,
  version INTEGER NOT NULL,
  step INTEGER NOT NULL,
  PRIMARY KEY(field, version, step)
) WITHOUT ROWID, STRICT;

-- A date or schedule that comes round again while its journey is paused takes the place of its earlier times.
CREATE INDEX inputs_entering ON inputs(journey, contact) WHERE enrolment IS NULL;
