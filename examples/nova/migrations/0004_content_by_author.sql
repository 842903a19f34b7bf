-- no-transaction
-- Built beside the traffic: an index in a transaction would lock writers out until it is done.
CREATE INDEX CONCURRENTLY IF NOT EXISTS content_by_author ON content (author_id, published_at DESC);
