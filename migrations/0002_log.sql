-- Where the log stands, and how an entry's place in it is found.

-- A log is known by its key: another key is another log, which begins anew.
ALTER TABLE log_state RENAME COLUMN node TO log;

-- The first entry of every 256: the rest are counted from it, so that an
-- entry costs the log no row of its own. Append-only.
CREATE TABLE log_page (
	log		int NOT NULL,
	page		bigint NOT NULL,
	xid		xid8 NOT NULL,
	seq		bigint NOT NULL,
	PRIMARY KEY (log, page)
);
CREATE UNIQUE INDEX log_page_entry ON log_page (log, xid, seq);

GRANT SELECT, INSERT ON log_page TO resguardo_app;
GRANT SELECT ON log_page TO resguardo_auditor;
