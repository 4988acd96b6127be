-- Who answers for the data, as receipts have to say it (ISO/IEC TS 27560,
-- "party"): where they are, whom to write to, and in which countries the data
-- is kept. The row's MAC covers these too once one of them is filled in.
ALTER TABLE controller
	ADD COLUMN address	text NOT NULL DEFAULT '',
	ADD COLUMN contact	text NOT NULL DEFAULT '',
	ADD COLUMN email	text NOT NULL DEFAULT '',
	ADD COLUMN phone	text NOT NULL DEFAULT '',
	ADD COLUMN url		text NOT NULL DEFAULT '',
	ADD COLUMN storage	text NOT NULL DEFAULT '';	-- countries, comma separated

GRANT UPDATE (address, contact, email, phone, url, storage) ON controller TO resguardo_app;
