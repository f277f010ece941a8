-- What records say of one person, whatever referral they are about; and what a person must see who decides whose version
-- counts.

-- Whom a referral is about by its newest record: a payload. Absent until the referral is written the next time.
ALTER TABLE referral ADD COLUMN whose BLOB;

-- Refused records that say something of a person's consent: what they concern waits until they are mended.
CREATE TABLE doubt (
  key    BLOB NOT NULL,           -- a referral's UUID, or what a person is known by
  record BLOB NOT NULL,           -- stands for the refused record
  day    TEXT NOT NULL,           -- on which it was refused last
  PRIMARY KEY (key, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX doubt_record ON doubt (record);

-- What stood at the endpoint otherwise than we left it when an entry was last prepared.
CREATE TABLE differing (
  entry   INTEGER NOT NULL REFERENCES entry (id),
  place   INTEGER NOT NULL,
  type    TEXT NOT NULL,
  uuid    TEXT NOT NULL,          -- by which we name it
  id      TEXT NOT NULL,
  version TEXT,
  PRIMARY KEY (entry, place)
) STRICT, WITHOUT ROWID;
