-- What an attachment is, when it came and the hash of its bytes, sealed apart
-- from them: whoever names one in a consent is answered without reading it.
ALTER TABLE attachment ADD COLUMN head bytea NOT NULL;
ALTER TABLE attachment ALTER head SET STORAGE EXTERNAL;
