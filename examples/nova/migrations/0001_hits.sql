-- How often each service was asked; every service counts here.
CREATE TABLE hits (
    service text PRIMARY KEY,
    n bigint NOT NULL DEFAULT 0 CHECK (n >= 0)
);
