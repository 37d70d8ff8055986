-- Counts the saves of a draft that changed it, so that whoever shows it can tell which of two is the newer.

ALTER TABLE journeys ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
