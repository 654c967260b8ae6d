-- What came in, in the order in which it was made durable. Everything else can be made anew from it.
-- A row's state comes last of the short columns and 0 and 1 take no room in SQLite's record format, so that marking a
-- row applied overwrites it in place and does not rewrite its body.
CREATE TABLE journal (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT, -- order of arrival; never used twice
    kind        INTEGER NOT NULL, -- 0 event, 1 webhook, 2 catalogue, 3 refused
    source      TEXT NOT NULL,    -- who sent it
    type        TEXT,             -- of an event its type, of a webhook its parser
    id          TEXT,             -- of an event its identity, of a webhook its delivery id
    event       TEXT,             -- of a webhook its event or route
    hash        BLOB,             -- SHA-256 of an event's content, or of a catalogue
    received_at INTEGER NOT NULL, -- microseconds since 1970
    headers     TEXT,             -- of a webhook: JSON, pairs of name and value
    packed      INTEGER NOT NULL, -- whether the body is compressed (zstd)
    state       INTEGER NOT NULL, -- 0 pending, 1 applied, 2 ignored, 3 rejected, 4 refused
    code        TEXT,             -- why: public code
    message     TEXT,             -- why: for a person
    body        BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX journal_event ON journal (source, type, id, hash) WHERE kind = 0;
CREATE UNIQUE INDEX journal_webhook ON journal (source, id) WHERE kind = 1;
CREATE INDEX journal_catalogue ON journal (seq) WHERE kind = 2;
CREATE INDEX journal_pending ON journal (seq) WHERE state = 0;
CREATE INDEX journal_left ON journal (state, seq) WHERE state >= 2;
CREATE INDEX journal_source ON journal (source, seq);

-- Counts kept beside the rows: counting a long journal anew for every scrape would read all of it.
CREATE TABLE journal_count (
    name  TEXT PRIMARY KEY, -- pending, applied, ignored, rejected, refused, duplicate, refused_dropped
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- change: the last change number given; tree: that of the last change of catalogue or product hints;
-- rebuilt: the change number before the last rebuild; catalogue: the one applied last, as JSON.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL, -- SHA-256 of the secret; the secret itself is nowhere
    scopes     TEXT NOT NULL, -- separated by spaces
    created_at INTEGER NOT NULL,
    revoked_at INTEGER        -- kept, so that a log that names it can be understood
) STRICT;

CREATE UNIQUE INDEX token_live ON token (name) WHERE revoked_at IS NULL;
