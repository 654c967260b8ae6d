-- Months that facts left: whoever keeps facts by month looks for their old rows there. Written where facts are written,
-- so that nothing can forget it; emptied when those rows are gone.
CREATE TABLE moved (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   INTEGER NOT NULL, -- place in EventKind::ALL
    source TEXT NOT NULL,
    id     TEXT NOT NULL,
    month  TEXT NOT NULL,    -- like 2025-01; empty for facts without an instant
    UNIQUE (kind, source, id, month)
) STRICT;

-- Instants of the other facts, as their bodies have them.
ALTER TABLE other ADD COLUMN at INTEGER;

-- Microseconds become seconds by whole numbers, rounded down also before 1970.
CREATE TRIGGER deployment_moved AFTER UPDATE OF finished_at ON deployment
WHEN old.change IS NOT NULL AND (new.change IS NULL OR
    ifnull(strftime('%Y-%m', (old.finished_at - (old.finished_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch'), '')
        <> ifnull(strftime('%Y-%m', (new.finished_at - (new.finished_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch'), ''))
BEGIN
    INSERT OR REPLACE INTO moved (kind, source, id, month) VALUES (0, old.source, old.id,
        ifnull(strftime('%Y-%m', (old.finished_at - (old.finished_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch'), ''));
END;

CREATE TRIGGER incident_moved AFTER UPDATE OF started_at ON incident
WHEN strftime('%Y-%m', (old.started_at - (old.started_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
    <> strftime('%Y-%m', (new.started_at - (new.started_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
BEGIN
    INSERT OR REPLACE INTO moved (kind, source, id, month) VALUES (5, old.source, old.id,
        strftime('%Y-%m', (old.started_at - (old.started_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch'));
END;

CREATE TRIGGER incident_removed AFTER DELETE ON incident
BEGIN
    INSERT OR REPLACE INTO moved (kind, source, id, month) VALUES (5, old.source, old.id,
        strftime('%Y-%m', (old.started_at - (old.started_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch'));
END;

CREATE TRIGGER other_moved AFTER UPDATE OF at ON other
WHEN old.at IS NOT NULL AND strftime('%Y-%m', (old.at - (old.at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
    <> strftime('%Y-%m', (new.at - (new.at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
BEGIN
    INSERT OR REPLACE INTO moved (kind, source, id, month) VALUES (old.kind, old.source, old.id,
        strftime('%Y-%m', (old.at - (old.at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch'));
END;
