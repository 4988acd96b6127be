-- A log ends with the entry that names the next one, and nothing is added to
-- it after that: who still has its key is told so.
ALTER TABLE log_state ADD COLUMN closed boolean NOT NULL DEFAULT false;

GRANT UPDATE (closed) ON log_state TO resguardo_app;
