-- What people were shown before they said yes or no. Published once, whole,
-- and never changed: the server's role may add to notice and read it, no more.

-- The short form stands beside the full one (body); both under their hash.
-- Purposes are ids, comma separated and sorted: those without which there is
-- no service, and those that people choose.
ALTER TABLE notice
	ADD COLUMN short	bytea NOT NULL,
	ADD COLUMN short_hash	bytea NOT NULL,
	ADD COLUMN effective	timestamptz NOT NULL,
	ADD COLUMN ask_again	timestamptz,	-- who agreed before is asked anew from then on
	ADD COLUMN evidence	smallint NOT NULL,	-- how sure it is that these were the words
	ADD COLUMN necessary	text NOT NULL,
	ADD COLUMN voluntary	text NOT NULL,
	ALTER COLUMN published SET NOT NULL;
ALTER TABLE notice ALTER body SET STORAGE EXTENDED, ALTER short SET STORAGE EXTENDED;
