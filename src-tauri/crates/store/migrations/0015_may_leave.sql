-- Replies that may be a wish to get no more mail: 0 nobody has decided 1 mail goes on 2 taken off the list; null for all
-- that is none. Marketing to the person rests while there is one of 0.
ALTER TABLE responses ADD COLUMN may_leave INTEGER;
CREATE INDEX responses_undecided ON responses(contact, id) WHERE may_leave = 0;
