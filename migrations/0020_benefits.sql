-- What was given in return: codes that work once, and promises with a date.

-- A code is kept as a keyed digest. The row says where to look; it is believed
-- only where that person's own ledger gives the same code. Append-only.
CREATE TABLE benefit_code (
	controller	int NOT NULL,
	digest		bytea NOT NULL,
	subject_id	uuid NOT NULL,
	benefit		uuid NOT NULL,
	PRIMARY KEY (controller, digest)
);
CREATE INDEX benefit_code_subject ON benefit_code (subject_id);

-- What was promised and not delivered yet. A row goes when the promise is
-- kept or taken back, so that what is overdue is one short index range however
-- long the histories are. The ledger stays the proof.
CREATE TABLE promise (
	subject_id	uuid NOT NULL,
	benefit		uuid NOT NULL,
	controller	int NOT NULL,
	due		timestamptz NOT NULL,
	PRIMARY KEY (subject_id, benefit)
);
CREATE INDEX promise_due ON promise (due, benefit);

CREATE INDEX request_open ON request (kind, due) WHERE state = 1;

GRANT SELECT, INSERT ON benefit_code, promise TO resguardo_app;
GRANT DELETE ON promise TO resguardo_app;
GRANT SELECT, DELETE ON benefit_code, promise TO resguardo_eraser;
GRANT SELECT ON benefit_code, promise TO resguardo_auditor;
