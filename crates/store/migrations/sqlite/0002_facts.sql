-- Entities, facts and what the correlation rules look up. All of it follows from the journal.
-- `body` is JSON: text, or zstd of that text when it is long. Times are microseconds since 1970. Numbers of words,
-- deployments, repositories and commits are internal: they differ from one rebuild to the next and order nothing.

CREATE TABLE entity (
    kind   INTEGER NOT NULL, -- place in EventKind::ALL
    source TEXT NOT NULL,
    id     TEXT NOT NULL,
    body   ANY NOT NULL
) STRICT;
CREATE UNIQUE INDEX entity_key ON entity (kind, source, id);

-- Names that stand in many index entries: products, components, instances, lanes.
CREATE TABLE word (
    number INTEGER PRIMARY KEY,
    text   TEXT NOT NULL UNIQUE
) STRICT;

-- A deployment is in here before its fact is known when another row speaks of it: then all but its key is null.
CREATE TABLE deployment (
    number      INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    id          TEXT NOT NULL,
    product     INTEGER, -- word
    component   INTEGER, -- word: product/component
    name        INTEGER, -- word: the component's name within its product
    instance    INTEGER, -- word
    lane        INTEGER, -- word: component, instance, environment
    finished_at INTEGER,
    ran         INTEGER, -- of a finished one: 0 did not succeed, 1 succeeded, 2 counted
    production  INTEGER, -- whether finished and production
    remedies    INTEGER, -- whether finished and a rollback or hotfix that ends failures
    suspect     INTEGER, -- whether finished and with any sign of failure
    implied     INTEGER, -- whether its event names its product
    sha         TEXT,
    version     TEXT,    -- normalised
    blames      INTEGER, -- number of the deployment it says was wrong
    change      INTEGER, -- change number
    body        ANY
) STRICT;
CREATE UNIQUE INDEX deployment_key ON deployment (source, id);
CREATE INDEX deployment_id ON deployment (id) WHERE change IS NOT NULL;
CREATE INDEX deployment_change ON deployment (change) WHERE change IS NOT NULL;
CREATE INDEX deployment_sha ON deployment (sha) WHERE sha IS NOT NULL;
CREATE INDEX deployment_name ON deployment (name) WHERE name IS NOT NULL;
CREATE INDEX deployment_implied ON deployment (component, number) WHERE implied = 1;
CREATE INDEX deployment_blames ON deployment (blames) WHERE blames IS NOT NULL;
CREATE INDEX deployment_component ON deployment (component, finished_at, source, id) WHERE finished_at IS NOT NULL;
CREATE INDEX deployment_lane ON deployment (lane, ran, finished_at, source, id) WHERE ran >= 1;
CREATE INDEX deployment_lane_sha ON deployment (lane, sha, finished_at, source, id) WHERE ran >= 1 AND sha IS NOT NULL;
-- Whether the commit is known decides whether the version is looked at: `sha IS NULL` is found first by its order.
CREATE INDEX deployment_lane_version ON deployment (lane, version, (sha IS NULL), finished_at, source, id)
    WHERE ran >= 1 AND version IS NOT NULL;
CREATE INDEX deployment_counted ON deployment (component, finished_at, source, id, sha, version) WHERE ran = 2;
CREATE INDEX deployment_counted_instance ON deployment (component, instance, finished_at, source, id) WHERE ran = 2;
CREATE INDEX deployment_counted_product ON deployment (product, finished_at, source, id) WHERE ran = 2;
CREATE INDEX deployment_counted_place ON deployment (product, instance, finished_at, source, id) WHERE ran = 2;
CREATE INDEX deployment_production ON deployment (product, finished_at, source, id) WHERE production = 1;
CREATE INDEX deployment_remedies ON deployment (component, finished_at, source, id) WHERE remedies = 1;
CREATE INDEX deployment_suspect ON deployment (component, finished_at, source, id) WHERE suspect = 1;

-- Finished deployments and the incidents they say they fix.
CREATE TABLE fix (
    incident_id TEXT NOT NULL,
    deployment  INTEGER NOT NULL,
    PRIMARY KEY (incident_id, deployment)
) STRICT, WITHOUT ROWID;
CREATE INDEX fix_deployment ON fix (deployment);

CREATE TABLE incident (
    number    INTEGER PRIMARY KEY,
    source    TEXT NOT NULL,
    id        TEXT NOT NULL,
    product   INTEGER NOT NULL, -- word
    name      INTEGER,          -- word: the component's name within its product
    opened_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    change    INTEGER NOT NULL,
    body      ANY NOT NULL
) STRICT;
CREATE UNIQUE INDEX incident_key ON incident (source, id);
CREATE INDEX incident_id ON incident (id);
CREATE INDEX incident_change ON incident (change);
CREATE INDEX incident_name ON incident (name) WHERE name IS NOT NULL;
CREATE INDEX incident_opened ON incident (product, opened_at);
CREATE INDEX incident_started ON incident (product, started_at);

-- Deployments incidents are attributed to under any rule.
CREATE TABLE cause (
    deployment INTEGER NOT NULL,
    incident   INTEGER NOT NULL,
    PRIMARY KEY (deployment, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX cause_incident ON cause (incident);

-- Deployment ids that an incident or its override names; the incident's own fact may not be there yet.
CREATE TABLE naming (
    deployment_id TEXT NOT NULL,
    source        TEXT NOT NULL,
    id            TEXT NOT NULL,
    PRIMARY KEY (deployment_id, source, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX naming_incident ON naming (source, id);

CREATE TABLE other (
    number INTEGER PRIMARY KEY,
    kind   INTEGER NOT NULL, -- place in EventKind::ALL
    source TEXT NOT NULL,
    id     TEXT NOT NULL,
    name   INTEGER, -- word: the component's name within its product
    change INTEGER NOT NULL,
    body   ANY NOT NULL
) STRICT;
CREATE UNIQUE INDEX other_key ON other (kind, source, id);
CREATE INDEX other_change ON other (change);
CREATE INDEX other_name ON other (name) WHERE name IS NOT NULL;

CREATE TABLE repo (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE
) STRICT;

-- The commit graph. Numbers are dense within a repository, for the bitmaps of arrived commits.
CREATE TABLE commit_node (
    repo         INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    sha          TEXT NOT NULL,
    committed_at INTEGER, -- null while only its hash is known
    parents      BLOB,    -- numbers, four bytes each, little end first; null when not told
    PRIMARY KEY (repo, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX commit_sha ON commit_node (repo, sha);
CREATE INDEX commit_told ON commit_node (sha, repo) WHERE committed_at IS NOT NULL;

CREATE TABLE tag (
    repo       TEXT NOT NULL,
    name       TEXT NOT NULL,
    normalised TEXT NOT NULL,
    sha        TEXT NOT NULL,
    PRIMARY KEY (repo, normalised, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tag_name ON tag (repo, name);

CREATE TABLE pull_request (
    repo      TEXT NOT NULL,
    merge_sha TEXT NOT NULL,
    kind      INTEGER NOT NULL,
    source    TEXT NOT NULL,
    id        TEXT NOT NULL,
    PRIMARY KEY (repo, merge_sha)
) STRICT, WITHOUT ROWID;

CREATE TABLE wait (
    text       TEXT NOT NULL,
    deployment INTEGER NOT NULL,
    PRIMARY KEY (text, deployment)
) STRICT, WITHOUT ROWID;
CREATE INDEX wait_deployment ON wait (deployment);

-- Commits that have arrived on a lane or component: roaring bitmaps of their numbers.
CREATE TABLE reached (
    repo      INTEGER NOT NULL,
    component INTEGER NOT NULL, -- 1 for a component, 0 for a lane
    place     INTEGER NOT NULL, -- word
    commits   BLOB NOT NULL,
    PRIMARY KEY (repo, component, place)
) STRICT;

CREATE TABLE arrived (
    deployment INTEGER PRIMARY KEY,
    repo       INTEGER NOT NULL,
    lane       BLOB NOT NULL,
    component  BLOB NOT NULL
) STRICT;

CREATE TABLE commits (
    deployment INTEGER PRIMARY KEY,
    body       ANY NOT NULL
) STRICT;

-- `sha` is packed to bytes when it is hexadecimal: this is the longest table of all.
CREATE TABLE commit_of (
    repo       INTEGER NOT NULL, -- word
    sha        ANY NOT NULL,
    deployment INTEGER NOT NULL,
    PRIMARY KEY (repo, sha, deployment)
) STRICT, WITHOUT ROWID;

CREATE TABLE revert (
    by_deployment INTEGER NOT NULL,
    deployment    INTEGER NOT NULL, -- the reverted one
    sha           TEXT NOT NULL,    -- the reverted commit
    PRIMARY KEY (by_deployment, deployment, sha)
) STRICT, WITHOUT ROWID;
CREATE INDEX revert_deployment ON revert (deployment);
