-- +goose Up
-- modify "accounts" table
ALTER TABLE "accounts" ADD COLUMN "allow_cidrs" jsonb NULL;
-- modify "actions" table
ALTER TABLE "actions" ALTER COLUMN "account_id" DROP NOT NULL, ADD COLUMN "before" bytea NULL, ADD COLUMN "after" bytea NULL, ADD COLUMN "address" character varying NULL, ADD COLUMN "request_id" character varying NULL;
-- create "key_checks" table
CREATE TABLE "key_checks" ("id" character varying NOT NULL COLLATE "C", "sealed" bytea NOT NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create "sessions" table
CREATE TABLE "sessions" ("id" character varying(30) NOT NULL COLLATE "C", "hash" bytea NOT NULL, "admin_hash" bytea NOT NULL, "address" character varying NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, "revoked_at" timestamptz NULL, PRIMARY KEY ("id"));
-- create index "session_expires_at" to table: "sessions"
CREATE INDEX "session_expires_at" ON "sessions" ("expires_at");
-- create index "sessions_hash_key" to table: "sessions"
CREATE UNIQUE INDEX "sessions_hash_key" ON "sessions" ("hash");

-- +goose Down
-- reverse: create index "sessions_hash_key" to table: "sessions"
DROP INDEX "sessions_hash_key";
-- reverse: create index "session_expires_at" to table: "sessions"
DROP INDEX "session_expires_at";
-- reverse: create "sessions" table
DROP TABLE "sessions";
-- reverse: create "key_checks" table
DROP TABLE "key_checks";
-- reverse: modify "actions" table
ALTER TABLE "actions" DROP COLUMN "request_id", DROP COLUMN "address", DROP COLUMN "after", DROP COLUMN "before", ALTER COLUMN "account_id" SET NOT NULL;
-- reverse: modify "accounts" table
ALTER TABLE "accounts" DROP COLUMN "allow_cidrs";
