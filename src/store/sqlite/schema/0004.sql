-- Entries held for a reason that planning set: looked at again when what they hang on changes, and now and then by itself.
DROP INDEX entry_again;
CREATE INDEX entry_again ON entry (next_at, id) WHERE state = 'held' AND reason IN ('needs-identity', 'no-consent',
  'consent-unclear', 'protected', 'sensitive', 'future-date', 'two-persons', 'birth-dates-differ', 'nhs-numbers-differ',
  'possible-duplicate', 'request-taken', 'no-endpoint', 'practice-changed', 'target-unknown');
