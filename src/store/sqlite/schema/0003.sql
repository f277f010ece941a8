-- Which request of the clinical system a referral answers: the one that named it first holds it.
CREATE TABLE asked (
  place    INTEGER PRIMARY KEY AUTOINCREMENT,
  referral BLOB NOT NULL UNIQUE REFERENCES referral (uuid),
  key      BLOB NOT NULL           -- stands for the request's identifier
) STRICT;
CREATE INDEX asked_key ON asked (key, place);
