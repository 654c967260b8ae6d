-- Facts that are no longer, so that whoever follows the changes hears of it. A fact that comes back leaves this table.
CREATE TABLE removed (
    kind   INTEGER NOT NULL, -- 0 deployment, 1 incident
    source TEXT NOT NULL,
    id     TEXT NOT NULL,
    change INTEGER NOT NULL, -- change number
    PRIMARY KEY (kind, source, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX removed_change ON removed (change);
