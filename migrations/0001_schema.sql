-- The tables of Resguardo. Run by the role resguardo_owner, once.
--
-- What a column of type bytea holds is sealed, a digest or a MAC, as
-- docs/FORMAT.md says byte by byte; nothing here is a personal value in the
-- clear. Every table about a person begins its primary key with subject_id;
-- what is unique across people stands in lookup alone.
--
-- Tables marked "append-only" grant the server no UPDATE and no DELETE.

-- Who answers for the data: a legal entity or brand.
CREATE TABLE controller (
	controller	int PRIMARY KEY,
	name		text NOT NULL UNIQUE,
	title		text NOT NULL,
	jurisdiction	text NOT NULL,
	currency	text NOT NULL,
	zone		text NOT NULL,
	mac		bytea NOT NULL
);

-- Who is given data: marketing tools, processors, brands of the same group.
CREATE TABLE recipient (
	recipient	int PRIMARY KEY,
	controller	int NOT NULL REFERENCES controller,
	name		text NOT NULL,
	title		text NOT NULL,
	country		text NOT NULL,
	contract	text NOT NULL,
	contract_until	timestamptz,
	epoch		int NOT NULL DEFAULT 1,
	mac		bytea NOT NULL,
	UNIQUE (controller, name)
);

-- Who may call, and the keys they call with. Secrets are kept keyed-hashed.
CREATE TABLE principal (
	principal	uuid PRIMARY KEY,
	controller	int NOT NULL REFERENCES controller,
	name		text NOT NULL,
	role		text NOT NULL,
	recipient	int REFERENCES recipient,
	subject_id	uuid,
	purposes	text NOT NULL,		-- ids, comma separated, sorted
	created		timestamptz NOT NULL,
	mac		bytea NOT NULL,
	UNIQUE (controller, name)
);
CREATE TABLE credential (
	credential	uuid PRIMARY KEY,
	principal	uuid NOT NULL REFERENCES principal,
	secret_digest	bytea NOT NULL,
	created		timestamptz NOT NULL,
	expires		timestamptz,
	revoked		timestamptz,
	mac		bytea NOT NULL
);
CREATE INDEX ON credential (principal);

-- Random keys wrapped by the root key.
CREATE TABLE service_key (
	service		smallint NOT NULL,
	owner		int NOT NULL,
	part		int NOT NULL,
	generation	int NOT NULL,
	wrapped		bytea NOT NULL,
	PRIMARY KEY (service, owner, part)
);

-- The rules, whole; the newest activated one is in force.
CREATE TABLE policy_version (
	version		int PRIMARY KEY,
	bundle		bytea NOT NULL,
	hash		bytea NOT NULL,
	proposed_by	text NOT NULL,
	proposed	timestamptz NOT NULL,
	activated	timestamptz,
	mac		bytea NOT NULL
);
CREATE TABLE approval (
	approval	uuid PRIMARY KEY,
	what		smallint NOT NULL,
	ref		bytea NOT NULL,
	proposed_by	uuid,
	approved_by	uuid,
	decided		timestamptz,
	mac		bytea NOT NULL
);

-- A person. One row of some 500 bytes answers "may I, and what is there".
CREATE TABLE subject (
	subject_id	uuid PRIMARY KEY,
	controller	int NOT NULL,
	version		bigint NOT NULL,	-- of the header; bound into its seal
	generation	int NOT NULL,		-- of the root key that wraps keyset
	keyset		bytea NOT NULL,
	header		bytea NOT NULL,
	activity	bytea
) WITH (fillfactor = 90);

-- Every value a field ever had. Append-only: the header names the live version.
CREATE TABLE field_value (
	subject_id	uuid NOT NULL,
	field		smallint NOT NULL,
	version		int NOT NULL,
	sealed		bytea NOT NULL,
	PRIMARY KEY (subject_id, field, version)
);

-- Blind indexes. slot is all zeroes for a unique field, else the subject.
CREATE TABLE lookup (
	controller	int NOT NULL,
	field		smallint NOT NULL,
	digest		bytea NOT NULL,
	slot		uuid NOT NULL,
	subject_id	uuid NOT NULL,
	PRIMARY KEY (controller, field, digest, slot)
);
CREATE INDEX lookup_subject ON lookup (subject_id);

-- People not to be created again or contacted, as digests under a key apart.
CREATE TABLE suppression (
	controller	int NOT NULL,
	field		smallint NOT NULL,
	digest		bytea NOT NULL,
	created		timestamptz NOT NULL,
	PRIMARY KEY (controller, field, digest)
);

-- Guardian, representative, household, merged into.
CREATE TABLE relation (
	subject_id	uuid NOT NULL,
	kind		smallint NOT NULL,
	other		uuid NOT NULL,
	created		timestamptz NOT NULL,
	mac		bytea NOT NULL,
	PRIMARY KEY (subject_id, kind, other)
);

-- Histories, sealed and chained: hash covers the one before. Append-only.
CREATE TABLE consent_event (
	subject_id	uuid NOT NULL,
	sequence	int NOT NULL,
	sealed		bytea NOT NULL,
	hash		bytea NOT NULL,
	PRIMARY KEY (subject_id, sequence)
);
CREATE TABLE benefit_event (
	subject_id	uuid NOT NULL,
	sequence	int NOT NULL,
	sealed		bytea NOT NULL,
	hash		bytea NOT NULL,
	PRIMARY KEY (subject_id, sequence)
);

-- Purchases, returns, contacts ... The first eight bytes of event_id are a
-- keyed digest of the document, so its lines stand together. Append-only.
CREATE TABLE event (
	subject_id	uuid NOT NULL,
	event_id	uuid NOT NULL,
	sealed		bytea NOT NULL,
	PRIMARY KEY (subject_id, event_id)
);

CREATE TABLE attachment (
	subject_id	uuid NOT NULL,
	attachment	uuid NOT NULL,
	sealed		bytea NOT NULL,
	PRIMARY KEY (subject_id, attachment)
);

-- What the law obliges to keep from erasure, and what people asked for.
CREATE TABLE hold (
	subject_id	uuid NOT NULL,
	hold		uuid NOT NULL,
	sealed		bytea NOT NULL,
	until		timestamptz,
	mac		bytea NOT NULL,
	PRIMARY KEY (subject_id, hold)
);
CREATE TABLE request (
	subject_id	uuid NOT NULL,
	request		uuid NOT NULL,
	kind		smallint NOT NULL,
	state		smallint NOT NULL,
	received	timestamptz NOT NULL,
	due		timestamptz,
	sealed		bytea NOT NULL,
	mac		bytea NOT NULL,
	PRIMARY KEY (subject_id, request)
);

-- What people are shown and offered.
CREATE TABLE notice (
	controller	int NOT NULL,
	name		text NOT NULL,
	version		int NOT NULL,
	language	text NOT NULL,
	body		bytea NOT NULL,
	hash		bytea NOT NULL,
	published	timestamptz,
	mac		bytea NOT NULL,
	PRIMARY KEY (controller, name, version, language)
);
CREATE TABLE incentive (
	controller	int NOT NULL,
	name		text NOT NULL,
	version		int NOT NULL,
	body		bytea NOT NULL,
	hash		bytea NOT NULL,
	published	timestamptz,
	mac		bytea NOT NULL,
	PRIMARY KEY (controller, name, version)
);

-- One row an access, denial, write or administrative act; one a page of bulk
-- work. xid and seq order it for the log; leaf is what the log publishes.
-- The columns between serve officers' searches. Append-only.
CREATE TABLE audit_entry (
	xid		xid8 NOT NULL DEFAULT pg_current_xact_id(),
	seq		bigint GENERATED ALWAYS AS IDENTITY,
	entry		uuid NOT NULL,
	time		timestamptz NOT NULL,
	controller	int NOT NULL,
	actor		uuid NOT NULL,
	action		smallint NOT NULL,
	purpose		smallint NOT NULL,	-- 0: none was stated
	decision	smallint NOT NULL,
	recipient	int NOT NULL,		-- 0: nobody outside
	tag		bytea,			-- NULL: about nobody, or about many
	leaf		bytea NOT NULL,
	leaf_hash	bytea NOT NULL,
	PRIMARY KEY (xid, seq)
);
CREATE UNIQUE INDEX audit_entry_id ON audit_entry (entry);
CREATE INDEX audit_entry_tag ON audit_entry (tag) WHERE tag IS NOT NULL;
CREATE INDEX audit_entry_time ON audit_entry USING brin (time) WITH (pages_per_range = 32);

CREATE TABLE log_state (
	node		int PRIMARY KEY,
	size		bigint NOT NULL,
	cursor_xid	xid8 NOT NULL,
	cursor_seq	bigint NOT NULL,
	root		bytea NOT NULL,
	checkpoint	bytea NOT NULL
);

-- Score limits, and what was given to whom under them.
CREATE TABLE model (
	model		uuid PRIMARY KEY,
	controller	int NOT NULL,
	created		timestamptz NOT NULL,
	definition	bytea NOT NULL,
	mac		bytea NOT NULL
);
CREATE INDEX ON model (controller, created);
CREATE TABLE release (
	release		uuid PRIMARY KEY,
	controller	int NOT NULL,
	recipient	int NOT NULL,
	created		timestamptz NOT NULL,
	snapshot	xid8 NOT NULL,		-- what came after has to be looked at again
	definition	bytea NOT NULL,
	pages		int NOT NULL,
	mac		bytea NOT NULL
);
CREATE INDEX ON release (recipient, created);
CREATE TABLE release_page (
	release		uuid NOT NULL,
	page		int NOT NULL,
	sealed		bytea NOT NULL,
	PRIMARY KEY (release, page)
);

-- Who changed since when, in a way that releases must look at. Append-only.
CREATE TABLE subject_change (
	xid		xid8 NOT NULL DEFAULT pg_current_xact_id(),
	subject_id	uuid NOT NULL,
	PRIMARY KEY (xid, subject_id)
);

-- Answers to repeated writes: ids only.
CREATE TABLE idempotency (
	credential	uuid NOT NULL,
	key		bytea NOT NULL,
	body		bytea NOT NULL,
	status		smallint NOT NULL,
	ref		uuid NOT NULL,
	number		bigint NOT NULL,
	created		timestamptz NOT NULL,
	PRIMARY KEY (credential, key)
);

-- Messages waiting for the courier.
CREATE TABLE outbox (
	message		uuid PRIMARY KEY,
	controller	int NOT NULL,
	channel		smallint NOT NULL,
	due		timestamptz NOT NULL,
	sealed		bytea NOT NULL
);

-- Sealed bytes do not compress; keep them in the row where they fit.
ALTER TABLE subject ALTER keyset SET STORAGE EXTERNAL,
	ALTER header SET STORAGE EXTERNAL, ALTER activity SET STORAGE EXTERNAL;
ALTER TABLE field_value ALTER sealed SET STORAGE EXTERNAL;
ALTER TABLE consent_event ALTER sealed SET STORAGE EXTERNAL;
ALTER TABLE benefit_event ALTER sealed SET STORAGE EXTERNAL;
ALTER TABLE event ALTER sealed SET STORAGE EXTERNAL;
ALTER TABLE attachment ALTER sealed SET STORAGE EXTERNAL;
ALTER TABLE release_page ALTER sealed SET STORAGE EXTERNAL;
ALTER TABLE audit_entry ALTER leaf SET STORAGE EXTERNAL;

-- The server reads what it needs, adds, and changes only what must change.
GRANT SELECT, INSERT ON
	controller, recipient, principal, credential, service_key, policy_version,
	approval, subject, field_value, lookup, suppression, relation,
	consent_event, benefit_event, event, attachment, hold, request, notice,
	incentive, audit_entry, log_state, model, release, release_page,
	subject_change, idempotency, outbox
	TO resguardo_app;
GRANT UPDATE (version, generation, keyset, header, activity) ON subject TO resguardo_app;
GRANT UPDATE (expires, revoked, mac) ON credential TO resguardo_app;
GRANT UPDATE (title, country, contract, contract_until, epoch, mac) ON recipient TO resguardo_app;
GRANT UPDATE (title, mac) ON controller TO resguardo_app;
GRANT UPDATE (activated, mac) ON policy_version TO resguardo_app;
GRANT UPDATE (approved_by, decided, mac) ON approval TO resguardo_app;
GRANT UPDATE (generation, wrapped) ON service_key TO resguardo_app;
GRANT UPDATE (state, due, sealed, mac) ON request TO resguardo_app;
GRANT UPDATE (size, cursor_xid, cursor_seq, root, checkpoint) ON log_state TO resguardo_app;
GRANT DELETE ON lookup, idempotency, outbox TO resguardo_app;

-- Removal of what nobody may see any more is another role's.
GRANT SELECT, DELETE ON field_value, event, attachment, lookup, consent_event,
	benefit_event, relation, subject_change, release_page TO resguardo_eraser;
GRANT SELECT (subject_id, controller, version) ON subject TO resguardo_eraser;

-- Auditors read; they hold no keys.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO resguardo_auditor;
