-- Bodies that moved to the archive outside. Their rows stay, so that repeats are still known and counted.
ALTER TABLE journal ADD COLUMN archived INTEGER; -- bytes of a body that moved, whole; NULL while it stands here
ALTER TABLE journal ADD COLUMN digest BLOB;      -- first half of the SHA-256 of such a body

-- By the day they came: catalogues stay, they are few and read at every start.
CREATE INDEX journal_kept ON journal (received_at) WHERE archived IS NULL AND kind <> 2;
