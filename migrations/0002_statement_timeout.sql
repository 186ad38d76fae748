-- The revocation protocol's margin stands on it: no statement may run longer, or a sync could miss the row that it commits
-- (docs/decisions/0003-revocation-protocol.md). Holds for every new connection; migrations lift it for themselves.
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET statement_timeout = %L', current_database(), '5s');
END $$;
