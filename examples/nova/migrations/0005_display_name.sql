-- Expand: the version that runs does not know the column and goes on without it.
-- The contraction, if the handle is ever to go, is a later release's.
ALTER TABLE users ADD COLUMN display_name text;
