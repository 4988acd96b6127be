-- Whom an entry about many was about, so that each of them can be shown their
-- path to its root. Nothing here names anybody: a token is noise to who lacks
-- that person's evidence key, and so is a commitment. Append-only.
CREATE TABLE audit_page (
	entry		uuid PRIMARY KEY,
	time		timestamptz NOT NULL,
	controller	int NOT NULL,
	-- A page of a release that was given out: which, and who had to be left
	-- out of it (a bit a place, NULL: nobody). The page has the commitments.
	release		uuid,
	page		int,
	left_out	bytea,
	-- An import: a token a person, and the commitments in their order.
	members		bigint[],
	commitments	bytea
);
CREATE INDEX audit_page_release ON audit_page (release, page) WHERE release IS NOT NULL;
-- A row brings dozens of tokens at once: they gather and go in together.
CREATE INDEX audit_page_members ON audit_page USING gin (members) WHERE members IS NOT NULL;
ALTER TABLE audit_page ALTER commitments SET STORAGE EXTERNAL;

CREATE INDEX release_created ON release (controller, created);

GRANT SELECT, INSERT ON audit_page TO resguardo_app;
GRANT SELECT ON audit_page TO resguardo_auditor;
