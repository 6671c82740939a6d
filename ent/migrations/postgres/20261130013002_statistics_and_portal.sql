-- +goose Up
-- modify "sessions" table
ALTER TABLE "sessions" ALTER COLUMN "admin_hash" DROP NOT NULL, ADD COLUMN "account_id" character varying(30) NULL COLLATE "C", ADD COLUMN "token_id" character varying(30) NULL COLLATE "C", ADD COLUMN "portal_link_id" character varying(30) NULL COLLATE "C", ADD COLUMN "scopes" jsonb NULL;
-- create index "session_account_id" to table: "sessions"
CREATE INDEX "session_account_id" ON "sessions" ("account_id");
-- create "portal_links" table
CREATE TABLE "portal_links" ("id" character varying(30) NOT NULL COLLATE "C", "account_id" character varying(30) NOT NULL COLLATE "C", "hash" bytea NOT NULL, "scopes" jsonb NOT NULL, "session_s" bigint NOT NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, "used_at" timestamptz NULL, "revoked_at" timestamptz NULL, PRIMARY KEY ("id"));
-- create index "portal_links_hash_key" to table: "portal_links"
CREATE UNIQUE INDEX "portal_links_hash_key" ON "portal_links" ("hash");
-- create index "portallink_account_id" to table: "portal_links"
CREATE INDEX "portallink_account_id" ON "portal_links" ("account_id");
-- create index "portallink_expires_at" to table: "portal_links"
CREATE INDEX "portallink_expires_at" ON "portal_links" ("expires_at");
-- create "statistics" table
CREATE TABLE "statistics" ("id" character varying NOT NULL COLLATE "C", "account_id" character varying(30) NULL COLLATE "C", "destination_id" character varying(30) NULL COLLATE "C", "hourly" boolean NOT NULL, "at" timestamptz NOT NULL, "writer" character varying NOT NULL COLLATE "C", "events" bigint NOT NULL DEFAULT 0, "deliveries" bigint NOT NULL DEFAULT 0, "attempts" bigint NOT NULL DEFAULT 0, "failed_attempts" bigint NOT NULL DEFAULT 0, "succeeded" bigint NOT NULL DEFAULT 0, "failed" bigint NOT NULL DEFAULT 0, "detail" text NULL, "updated_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "statistic_hourly_at" to table: "statistics"
CREATE INDEX "statistic_hourly_at" ON "statistics" ("hourly", "at");
-- create index "statistic_troubled" to table: "statistics"
CREATE INDEX "statistic_troubled" ON "statistics" ("hourly", "at") WHERE (failed_attempts > 0);

-- +goose Down
-- reverse: create index "statistic_troubled" to table: "statistics"
DROP INDEX "statistic_troubled";
-- reverse: create index "statistic_hourly_at" to table: "statistics"
DROP INDEX "statistic_hourly_at";
-- reverse: create "statistics" table
DROP TABLE "statistics";
-- reverse: create index "portallink_expires_at" to table: "portal_links"
DROP INDEX "portallink_expires_at";
-- reverse: create index "portallink_account_id" to table: "portal_links"
DROP INDEX "portallink_account_id";
-- reverse: create index "portal_links_hash_key" to table: "portal_links"
DROP INDEX "portal_links_hash_key";
-- reverse: create "portal_links" table
DROP TABLE "portal_links";
-- reverse: create index "session_account_id" to table: "sessions"
DROP INDEX "session_account_id";
-- reverse: modify "sessions" table; those of accounts were not there before
DELETE FROM "sessions" WHERE "admin_hash" IS NULL;
ALTER TABLE "sessions" DROP COLUMN "scopes", DROP COLUMN "portal_link_id", DROP COLUMN "token_id", DROP COLUMN "account_id", ALTER COLUMN "admin_hash" SET NOT NULL;
