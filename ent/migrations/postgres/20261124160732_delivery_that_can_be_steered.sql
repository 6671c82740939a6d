-- +goose Up
-- modify "attempts" table
ALTER TABLE "attempts" ADD COLUMN "asked_by" character varying NOT NULL DEFAULT 'SCHEDULE', ADD COLUMN "dns_us" bigint NOT NULL DEFAULT 0, ADD COLUMN "connect_us" bigint NOT NULL DEFAULT 0, ADD COLUMN "tls_us" bigint NOT NULL DEFAULT 0, ADD COLUMN "first_byte_us" bigint NOT NULL DEFAULT 0, ADD COLUMN "request_headers" bytea NULL, ADD COLUMN "response_headers" bytea NULL;
-- modify "deliveries" table
ALTER TABLE "deliveries" ADD COLUMN "schedule_step" bigint NOT NULL DEFAULT 0, ADD COLUMN "steered" character varying NULL, ADD COLUMN "parked_at" timestamptz NULL, ADD COLUMN "parked_us" bigint NOT NULL DEFAULT 0;
-- create index "delivery_retrying" to table: "deliveries"
CREATE INDEX "delivery_retrying" ON "deliveries" ("destination_id", "id") WHERE ((status)::text = 'RETRYING'::text);
-- modify "destinations" table
ALTER TABLE "destinations" ADD COLUMN "state_since" timestamptz NULL, ADD COLUMN "paused_until" timestamptz NULL, ADD COLUMN "draining" boolean NOT NULL DEFAULT false, ADD COLUMN "drain_rate" double precision NULL, ADD COLUMN "failing" character varying NULL, ADD COLUMN "failing_since" timestamptz NULL, ADD COLUMN "probe_at" timestamptz NULL, ADD COLUMN "probes" bigint NOT NULL DEFAULT 0, ADD COLUMN "probed" character varying NULL COLLATE "C", ADD COLUMN "retry_schedule" character varying NULL, ADD COLUMN "timeout_ms" bigint NULL, ADD COLUMN "give_up_after_s" bigint NULL, ADD COLUMN "signing_algorithm" character varying NOT NULL DEFAULT 'HMAC_SHA256';
-- modify "events" table
ALTER TABLE "events" ADD COLUMN "replay_of" character varying(30) NULL COLLATE "C", ADD COLUMN "replay_id" character varying(30) NULL COLLATE "C", ADD COLUMN "headers" bytea NULL;
-- create index "event_replay_id" to table: "events"
CREATE INDEX "event_replay_id" ON "events" ("replay_id") WHERE (replay_id IS NOT NULL);
-- create index "event_replay_of" to table: "events"
CREATE INDEX "event_replay_of" ON "events" ("replay_of") WHERE (replay_of IS NOT NULL);
-- create "actions" table
CREATE TABLE "actions" ("id" character varying(30) NOT NULL COLLATE "C", "account_id" character varying(30) NOT NULL COLLATE "C", "subject_id" character varying(30) NOT NULL COLLATE "C", "kind" character varying NOT NULL, "actor" character varying NOT NULL, "reason" character varying NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "action_account_id_id" to table: "actions"
CREATE INDEX "action_account_id_id" ON "actions" ("account_id", "id");
-- create index "action_subject_id_id" to table: "actions"
CREATE INDEX "action_subject_id_id" ON "actions" ("subject_id", "id");
-- create "replays" table
CREATE TABLE "replays" ("id" character varying(30) NOT NULL COLLATE "C", "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "account_id" character varying(30) NOT NULL COLLATE "C", "status" character varying NOT NULL DEFAULT 'RUNNING', "actor" character varying NOT NULL, "reason" character varying NULL, "destination_id" character varying(30) NULL COLLATE "C", "from_time" timestamptz NOT NULL, "to_time" timestamptz NOT NULL, "event_type" character varying NULL, "statuses" jsonb NULL, "target_ids" jsonb NULL, "rate" double precision NOT NULL, "matched" bigint NOT NULL, "position" character varying NULL COLLATE "C", "replayed" bigint NOT NULL DEFAULT 0, "skipped" bigint NOT NULL DEFAULT 0, "deliveries" bigint NOT NULL DEFAULT 0, "finished_at" timestamptz NULL, PRIMARY KEY ("id"));
-- create index "replay_account_id_id" to table: "replays"
CREATE INDEX "replay_account_id_id" ON "replays" ("account_id", "id");
-- create index "replay_running" to table: "replays"
CREATE INDEX "replay_running" ON "replays" ("updated_at") WHERE ((status)::text = 'RUNNING'::text);

-- +goose Down
-- reverse: create index "replay_running" to table: "replays"
DROP INDEX "replay_running";
-- reverse: create index "replay_account_id_id" to table: "replays"
DROP INDEX "replay_account_id_id";
-- reverse: create "replays" table
DROP TABLE "replays";
-- reverse: create index "action_subject_id_id" to table: "actions"
DROP INDEX "action_subject_id_id";
-- reverse: create index "action_account_id_id" to table: "actions"
DROP INDEX "action_account_id_id";
-- reverse: create "actions" table
DROP TABLE "actions";
-- reverse: create index "event_replay_of" to table: "events"
DROP INDEX "event_replay_of";
-- reverse: create index "event_replay_id" to table: "events"
DROP INDEX "event_replay_id";
-- reverse: modify "events" table
ALTER TABLE "events" DROP COLUMN "headers", DROP COLUMN "replay_id", DROP COLUMN "replay_of";
-- reverse: modify "destinations" table
ALTER TABLE "destinations" DROP COLUMN "signing_algorithm", DROP COLUMN "give_up_after_s", DROP COLUMN "timeout_ms", DROP COLUMN "retry_schedule", DROP COLUMN "probed", DROP COLUMN "probes", DROP COLUMN "probe_at", DROP COLUMN "failing_since", DROP COLUMN "failing", DROP COLUMN "drain_rate", DROP COLUMN "draining", DROP COLUMN "paused_until", DROP COLUMN "state_since";
-- reverse: create index "delivery_retrying" to table: "deliveries"
DROP INDEX "delivery_retrying";
-- reverse: modify "deliveries" table
ALTER TABLE "deliveries" DROP COLUMN "parked_us", DROP COLUMN "parked_at", DROP COLUMN "steered", DROP COLUMN "schedule_step";
-- reverse: modify "attempts" table
ALTER TABLE "attempts" DROP COLUMN "response_headers", DROP COLUMN "request_headers", DROP COLUMN "first_byte_us", DROP COLUMN "tls_us", DROP COLUMN "connect_us", DROP COLUMN "dns_us", DROP COLUMN "asked_by";
