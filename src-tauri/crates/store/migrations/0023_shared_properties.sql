-- Chunks of events have another layout: properties that events share stand in them once. They are written anew when the file is
-- opened; rows are the truth.
DELETE FROM event_chunks;
DELETE FROM event_parts;
