-- What was sent and may be shared no more is told until a person has seen to it: the lines of the history that say so.
CREATE INDEX audit_notice ON audit (entry, id) WHERE action IN ('withdrawn-after-sending', 'narrowed-after-sending');
