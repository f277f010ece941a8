-- The first form of the store. Instants are nanoseconds since 1970 (UTC); UUIDs and keys of persons are 16 bytes;
-- states, reasons and kinds are the words of the program.

CREATE TABLE referral (
  uuid         BLOB NOT NULL PRIMARY KEY,
  source       TEXT NOT NULL,
  referral_id  TEXT NOT NULL,
  endpoint     TEXT,              -- of its first delivery; fixed from then on
  practice     TEXT,              -- that chose it
  number       BLOB,              -- key of the NHS number, the same for every source
  active_since TEXT               -- day of the episode now running
) STRICT, WITHOUT ROWID;
-- Not partial: an index WHERE … IS NOT NULL makes SQLite prepare every question to this table again for each new value.
CREATE INDEX referral_number ON referral (number, active_since);

-- What a person is known by within a source.
CREATE TABLE person (
  key      BLOB NOT NULL,
  referral BLOB NOT NULL REFERENCES referral (uuid),
  PRIMARY KEY (key, referral)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_referral ON person (referral);

-- Statements about consent that count in all referrals of the person.
CREATE TABLE statement (
  referral BLOB NOT NULL REFERENCES referral (uuid),
  place    INTEGER NOT NULL,
  date     TEXT,
  share    TEXT NOT NULL,
  PRIMARY KEY (referral, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  id       INTEGER PRIMARY KEY,
  referral BLOB NOT NULL REFERENCES referral (uuid),
  event_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  place    INTEGER,               -- id of its first revision: the order in which events came
  current  INTEGER NOT NULL,      -- 1 on the last revision
  payload  BLOB NOT NULL,
  UNIQUE (referral, event_id, revision)
) STRICT;

CREATE TABLE entry (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  key         BLOB NOT NULL UNIQUE,
  referral    BLOB NOT NULL REFERENCES referral (uuid),
  event_id    TEXT NOT NULL,
  event_type  TEXT NOT NULL,
  endpoint    TEXT NOT NULL,
  practice    TEXT,
  state       TEXT NOT NULL,
  reason      TEXT,
  waived      TEXT NOT NULL,      -- reasons a person has waived, with spaces between
  attempts    INTEGER NOT NULL,
  has_request INTEGER NOT NULL,
  token       INTEGER NOT NULL,   -- of the last lease
  owner       INTEGER NOT NULL,
  lease_until INTEGER,
  next_at     INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL,
  changed_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  keep_for    INTEGER NOT NULL,   -- nanoseconds
  head        INTEGER NOT NULL DEFAULT 0 -- 1 on the first open entry of its referral
) STRICT;
CREATE INDEX entry_referral ON entry (referral, id);
CREATE INDEX entry_state ON entry (state, id);
CREATE INDEX entry_due ON entry (endpoint, next_at, id) WHERE head = 1 AND state IN ('pending', 'unknown');
CREATE INDEX entry_flying ON entry (referral, lease_until) WHERE state = 'in-flight';
CREATE INDEX entry_age ON entry (expires_at, id) WHERE state IN ('pending', 'held');
CREATE INDEX entry_again ON entry (next_at, id) WHERE state = 'held' AND reason IN ('future-date', 'no-endpoint');

-- How many entries are in each state: kept by triggers, so that counting a million costs nothing.
CREATE TABLE tally (
  endpoint TEXT NOT NULL,
  state    TEXT NOT NULL,
  entries  INTEGER NOT NULL,
  PRIMARY KEY (endpoint, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
  INSERT INTO tally VALUES (new.endpoint, new.state, 1)
    ON CONFLICT (endpoint, state) DO UPDATE SET entries = entries + 1;
END;
CREATE TRIGGER entry_moved AFTER UPDATE OF endpoint, state ON entry
  WHEN old.endpoint <> new.endpoint OR old.state <> new.state BEGIN
  UPDATE tally SET entries = entries - 1 WHERE endpoint = old.endpoint AND state = old.state;
  INSERT INTO tally VALUES (new.endpoint, new.state, 1)
    ON CONFLICT (endpoint, state) DO UPDATE SET entries = entries + 1;
END;
CREATE TRIGGER entry_gone AFTER DELETE ON entry BEGIN
  UPDATE tally SET entries = entries - 1 WHERE endpoint = old.endpoint AND state = old.state;
END;

-- The content of entries, apart from them so that lists and queues stay small.
CREATE TABLE content (
  entry   INTEGER PRIMARY KEY REFERENCES entry (id),
  parcel  BLOB,
  request BLOB
) STRICT;

CREATE TABLE attempt (
  entry      INTEGER NOT NULL REFERENCES entry (id),
  number     INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  outcome    TEXT,
  reason     TEXT,
  status     INTEGER,
  codes      TEXT NOT NULL,       -- a JSON list
  PRIMARY KEY (entry, number)
) STRICT, WITHOUT ROWID;

-- What is known of our resources at an endpoint.
CREATE TABLE resource (
  referral BLOB NOT NULL REFERENCES referral (uuid),
  endpoint TEXT NOT NULL,
  type     TEXT NOT NULL,
  uuid     TEXT NOT NULL,
  id       TEXT NOT NULL,
  version  TEXT,
  content  TEXT NOT NULL,         -- SHA-256 as last sent
  PRIMARY KEY (referral, endpoint, type, uuid)
) STRICT, WITHOUT ROWID;
-- Whose a resource is that was met at an endpoint.
CREATE INDEX resource_uuid ON resource (uuid);

CREATE TABLE audit (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  entry  INTEGER NOT NULL REFERENCES entry (id),
  at     INTEGER NOT NULL,
  actor  TEXT NOT NULL,
  action TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX audit_entry ON audit (entry, id);

CREATE TABLE note (name TEXT NOT NULL PRIMARY KEY, word TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE seen (
  kind  TEXT NOT NULL,
  key   TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_until ON seen (until);
