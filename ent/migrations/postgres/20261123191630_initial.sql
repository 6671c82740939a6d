-- +goose Up
-- create "accounts" table
CREATE TABLE "accounts" ("id" character varying(30) NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "deleted_at" timestamptz NULL, "seed_id" bigint NULL, "name" character varying NOT NULL, "email" character varying NOT NULL, "website" character varying NULL, PRIMARY KEY ("id"));
-- create index "account_email" to table: "accounts"
CREATE UNIQUE INDEX "account_email" ON "accounts" ("email") WHERE (deleted_at IS NULL);
-- create index "accounts_seed_id_key" to table: "accounts"
CREATE UNIQUE INDEX "accounts_seed_id_key" ON "accounts" ("seed_id");
-- create "attempts" table
CREATE TABLE "attempts" ("id" character varying(30) NOT NULL COLLATE "C", "account_id" character varying(30) NOT NULL COLLATE "C", "number" bigint NOT NULL, "status" bigint NULL, "error_class" character varying NULL, "started_at" timestamptz NOT NULL, "duration_us" bigint NOT NULL, "response_body" bytea NULL, "response_truncated" boolean NOT NULL DEFAULT false, "delivery_id" character varying(30) NOT NULL COLLATE "C", PRIMARY KEY ("id"));
-- create index "attempt_delivery_id" to table: "attempts"
CREATE INDEX "attempt_delivery_id" ON "attempts" ("delivery_id");
-- create "deliveries" table
CREATE TABLE "deliveries" ("id" character varying(30) NOT NULL COLLATE "C", "account_id" character varying(30) NOT NULL COLLATE "C", "status" character varying NOT NULL DEFAULT 'PENDING', "reason" character varying NULL, "attempt_count" bigint NOT NULL DEFAULT 0, "next_attempt_at" timestamptz NULL, "run" character varying NOT NULL COLLATE "C", "lease_until" timestamptz NULL, "created_at" timestamptz NOT NULL, "settled_at" timestamptz NULL, "destination_id" character varying(30) NOT NULL COLLATE "C", "event_id" character varying(30) NOT NULL COLLATE "C", PRIMARY KEY ("id"));
-- create index "delivery_account_id_id" to table: "deliveries"
CREATE INDEX "delivery_account_id_id" ON "deliveries" ("account_id", "id");
-- create index "delivery_destination_id_id" to table: "deliveries"
CREATE INDEX "delivery_destination_id_id" ON "deliveries" ("destination_id", "id");
-- create index "delivery_event_id" to table: "deliveries"
CREATE INDEX "delivery_event_id" ON "deliveries" ("event_id");
-- create index "delivery_lease_unsettled" to table: "deliveries"
CREATE INDEX "delivery_lease_unsettled" ON "deliveries" ("lease_until") WHERE ((status)::text = ANY (ARRAY['PENDING'::text, 'DELIVERING'::text, 'RETRYING'::text]));
-- create index "delivery_parked" to table: "deliveries"
CREATE INDEX "delivery_parked" ON "deliveries" ("destination_id", "id") WHERE ((status)::text = 'PARKED'::text);
-- create index "delivery_run_unsettled" to table: "deliveries"
CREATE INDEX "delivery_run_unsettled" ON "deliveries" ("run") WHERE ((status)::text = ANY (ARRAY['PENDING'::text, 'DELIVERING'::text, 'RETRYING'::text]));
-- create "events" table
CREATE TABLE "events" ("id" character varying(30) NOT NULL COLLATE "C", "event_type" character varying NULL, "idempotency_key" character varying NULL, "payload" bytea NOT NULL, "created_at" timestamptz NOT NULL, "account_id" character varying(30) NOT NULL COLLATE "C", PRIMARY KEY ("id"));
-- create index "event_account_id_id" to table: "events"
CREATE INDEX "event_account_id_id" ON "events" ("account_id", "id");
-- create "idempotency_keys" table
CREATE TABLE "idempotency_keys" ("id" character varying NOT NULL COLLATE "C", "account_id" character varying(30) NOT NULL COLLATE "C", "event_id" character varying(30) NOT NULL COLLATE "C", "body_hash" bytea NOT NULL, "expires_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "idempotencykey_expires_at" to table: "idempotency_keys"
CREATE INDEX "idempotencykey_expires_at" ON "idempotency_keys" ("expires_at");
-- create "destinations" table
CREATE TABLE "destinations" ("id" character varying(30) NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "deleted_at" timestamptz NULL, "seed_id" bigint NULL, "name" character varying NULL, "url" character varying NOT NULL, "http_method" character varying NOT NULL DEFAULT 'POST', "headers" bytea NULL, "signing_secrets" bytea NOT NULL, "enabled" boolean NOT NULL DEFAULT true, "state" character varying NOT NULL DEFAULT 'SENDING', "reason" character varying NULL, "account_id" character varying(30) NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "destinations_accounts_destinations" FOREIGN KEY ("account_id") REFERENCES "accounts" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "destination_account_id_id" to table: "destinations"
CREATE INDEX "destination_account_id_id" ON "destinations" ("account_id", "id");
-- create index "destinations_seed_id_key" to table: "destinations"
CREATE UNIQUE INDEX "destinations_seed_id_key" ON "destinations" ("seed_id");
-- create "tokens" table
CREATE TABLE "tokens" ("id" character varying(30) NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "name" character varying NOT NULL, "scopes" jsonb NOT NULL, "hash" bytea NOT NULL, "prefix" character varying NOT NULL, "first" boolean NOT NULL DEFAULT false, "last_used_at" timestamptz NULL, "expires_at" timestamptz NULL, "revoked_at" timestamptz NULL, "account_id" character varying(30) NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "tokens_accounts_tokens" FOREIGN KEY ("account_id") REFERENCES "accounts" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- create index "token_account_id_id" to table: "tokens"
CREATE INDEX "token_account_id_id" ON "tokens" ("account_id", "id");
-- create index "token_prefix" to table: "tokens"
CREATE INDEX "token_prefix" ON "tokens" ("prefix");

-- +goose Down
-- reverse: create index "token_prefix" to table: "tokens"
DROP INDEX "token_prefix";
-- reverse: create index "token_account_id_id" to table: "tokens"
DROP INDEX "token_account_id_id";
-- reverse: create "tokens" table
DROP TABLE "tokens";
-- reverse: create index "destinations_seed_id_key" to table: "destinations"
DROP INDEX "destinations_seed_id_key";
-- reverse: create index "destination_account_id_id" to table: "destinations"
DROP INDEX "destination_account_id_id";
-- reverse: create "destinations" table
DROP TABLE "destinations";
-- reverse: create index "idempotencykey_expires_at" to table: "idempotency_keys"
DROP INDEX "idempotencykey_expires_at";
-- reverse: create "idempotency_keys" table
DROP TABLE "idempotency_keys";
-- reverse: create index "event_account_id_id" to table: "events"
DROP INDEX "event_account_id_id";
-- reverse: create "events" table
DROP TABLE "events";
-- reverse: create index "delivery_run_unsettled" to table: "deliveries"
DROP INDEX "delivery_run_unsettled";
-- reverse: create index "delivery_parked" to table: "deliveries"
DROP INDEX "delivery_parked";
-- reverse: create index "delivery_lease_unsettled" to table: "deliveries"
DROP INDEX "delivery_lease_unsettled";
-- reverse: create index "delivery_event_id" to table: "deliveries"
DROP INDEX "delivery_event_id";
-- reverse: create index "delivery_destination_id_id" to table: "deliveries"
DROP INDEX "delivery_destination_id_id";
-- reverse: create index "delivery_account_id_id" to table: "deliveries"
DROP INDEX "delivery_account_id_id";
-- reverse: create "deliveries" table
DROP TABLE "deliveries";
-- reverse: create index "attempt_delivery_id" to table: "attempts"
DROP INDEX "attempt_delivery_id";
-- reverse: create "attempts" table
DROP TABLE "attempts";
-- reverse: create index "accounts_seed_id_key" to table: "accounts"
DROP INDEX "accounts_seed_id_key";
-- reverse: create index "account_email" to table: "accounts"
DROP INDEX "account_email";
-- reverse: create "accounts" table
DROP TABLE "accounts";
