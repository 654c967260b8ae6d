-- What is remembered on the way through a tool's past: how far it was read, and which pages are known. Losing it costs
-- only time: what is read again is known already.
CREATE TABLE cursor (
    source     TEXT NOT NULL, -- by its configured name
    key        TEXT NOT NULL, -- whatever the source calls it
    value      TEXT NOT NULL, -- whatever the source keeps there; never a secret
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

-- Commits that only others name: what a backfill asks for.
CREATE INDEX commit_untold ON commit_node (repo, number) WHERE committed_at IS NULL;
