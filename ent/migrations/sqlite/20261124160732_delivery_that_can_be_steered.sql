-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- create "new_attempts" table
CREATE TABLE `new_attempts` (`id` text NOT NULL, `account_id` text NOT NULL, `number` integer NOT NULL, `status` integer NULL, `error_class` text NULL, `started_at` datetime NOT NULL, `duration_us` integer NOT NULL, `asked_by` text NOT NULL DEFAULT ('SCHEDULE'), `dns_us` integer NOT NULL DEFAULT (0), `connect_us` integer NOT NULL DEFAULT (0), `tls_us` integer NOT NULL DEFAULT (0), `first_byte_us` integer NOT NULL DEFAULT (0), `request_headers` blob NULL, `response_headers` blob NULL, `response_body` blob NULL, `response_truncated` bool NOT NULL DEFAULT (false), `delivery_id` text NOT NULL, PRIMARY KEY (`id`));
-- copy rows from old table "attempts" to new temporary table "new_attempts"
INSERT INTO `new_attempts` (`id`, `account_id`, `number`, `status`, `error_class`, `started_at`, `duration_us`, `response_body`, `response_truncated`, `delivery_id`) SELECT `id`, `account_id`, `number`, `status`, `error_class`, `started_at`, `duration_us`, `response_body`, `response_truncated`, `delivery_id` FROM `attempts`;
-- drop "attempts" table after copying rows
DROP TABLE `attempts`;
-- rename temporary table "new_attempts" to "attempts"
ALTER TABLE `new_attempts` RENAME TO `attempts`;
-- create index "attempt_delivery_id" to table: "attempts"
CREATE INDEX `attempt_delivery_id` ON `attempts` (`delivery_id`);
-- create "new_deliveries" table
CREATE TABLE `new_deliveries` (`id` text NOT NULL, `account_id` text NOT NULL, `status` text NOT NULL DEFAULT ('PENDING'), `reason` text NULL, `attempt_count` integer NOT NULL DEFAULT (0), `next_attempt_at` datetime NULL, `run` text NOT NULL, `lease_until` datetime NULL, `schedule_step` integer NOT NULL DEFAULT (0), `steered` text NULL, `parked_at` datetime NULL, `parked_us` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `settled_at` datetime NULL, `destination_id` text NOT NULL, `event_id` text NOT NULL, PRIMARY KEY (`id`));
-- copy rows from old table "deliveries" to new temporary table "new_deliveries"
INSERT INTO `new_deliveries` (`id`, `account_id`, `status`, `reason`, `attempt_count`, `next_attempt_at`, `run`, `lease_until`, `created_at`, `settled_at`, `destination_id`, `event_id`) SELECT `id`, `account_id`, `status`, `reason`, `attempt_count`, `next_attempt_at`, `run`, `lease_until`, `created_at`, `settled_at`, `destination_id`, `event_id` FROM `deliveries`;
-- drop "deliveries" table after copying rows
DROP TABLE `deliveries`;
-- rename temporary table "new_deliveries" to "deliveries"
ALTER TABLE `new_deliveries` RENAME TO `deliveries`;
-- create index "delivery_account_id_id" to table: "deliveries"
CREATE INDEX `delivery_account_id_id` ON `deliveries` (`account_id`, `id`);
-- create index "delivery_event_id" to table: "deliveries"
CREATE INDEX `delivery_event_id` ON `deliveries` (`event_id`);
-- create index "delivery_destination_id_id" to table: "deliveries"
CREATE INDEX `delivery_destination_id_id` ON `deliveries` (`destination_id`, `id`);
-- create index "delivery_run_unsettled" to table: "deliveries"
CREATE INDEX `delivery_run_unsettled` ON `deliveries` (`run`) WHERE status IN ('PENDING', 'DELIVERING', 'RETRYING');
-- create index "delivery_lease_unsettled" to table: "deliveries"
CREATE INDEX `delivery_lease_unsettled` ON `deliveries` (`lease_until`) WHERE status IN ('PENDING', 'DELIVERING', 'RETRYING');
-- create index "delivery_parked" to table: "deliveries"
CREATE INDEX `delivery_parked` ON `deliveries` (`destination_id`, `id`) WHERE status = 'PARKED';
-- create index "delivery_retrying" to table: "deliveries"
CREATE INDEX `delivery_retrying` ON `deliveries` (`destination_id`, `id`) WHERE status = 'RETRYING';
-- create "new_destinations" table
CREATE TABLE `new_destinations` (`id` text NOT NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `deleted_at` datetime NULL, `seed_id` integer NULL, `name` text NULL, `url` text NOT NULL, `http_method` text NOT NULL DEFAULT ('POST'), `headers` blob NULL, `signing_secrets` blob NOT NULL, `enabled` bool NOT NULL DEFAULT (true), `state` text NOT NULL DEFAULT ('SENDING'), `reason` text NULL, `state_since` datetime NULL, `paused_until` datetime NULL, `draining` bool NOT NULL DEFAULT (false), `drain_rate` real NULL, `failing` text NULL, `failing_since` datetime NULL, `probe_at` datetime NULL, `probes` integer NOT NULL DEFAULT (0), `probed` text NULL, `retry_schedule` text NULL, `timeout_ms` integer NULL, `give_up_after_s` integer NULL, `signing_algorithm` text NOT NULL DEFAULT ('HMAC_SHA256'), `account_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `destinations_accounts_destinations` FOREIGN KEY (`account_id`) REFERENCES `accounts` (`id`) ON DELETE NO ACTION);
-- copy rows from old table "destinations" to new temporary table "new_destinations"
INSERT INTO `new_destinations` (`id`, `created_at`, `updated_at`, `deleted_at`, `seed_id`, `name`, `url`, `http_method`, `headers`, `signing_secrets`, `enabled`, `state`, `reason`, `account_id`) SELECT `id`, `created_at`, `updated_at`, `deleted_at`, `seed_id`, `name`, `url`, `http_method`, `headers`, `signing_secrets`, `enabled`, `state`, `reason`, `account_id` FROM `destinations`;
-- drop "destinations" table after copying rows
DROP TABLE `destinations`;
-- rename temporary table "new_destinations" to "destinations"
ALTER TABLE `new_destinations` RENAME TO `destinations`;
-- create index "destinations_seed_id_key" to table: "destinations"
CREATE UNIQUE INDEX `destinations_seed_id_key` ON `destinations` (`seed_id`);
-- create index "destination_account_id_id" to table: "destinations"
CREATE INDEX `destination_account_id_id` ON `destinations` (`account_id`, `id`);
-- create "new_events" table
CREATE TABLE `new_events` (`id` text NOT NULL, `event_type` text NULL, `idempotency_key` text NULL, `payload` blob NOT NULL, `created_at` datetime NOT NULL, `replay_of` text NULL, `replay_id` text NULL, `headers` blob NULL, `account_id` text NOT NULL, PRIMARY KEY (`id`));
-- copy rows from old table "events" to new temporary table "new_events"
INSERT INTO `new_events` (`id`, `event_type`, `idempotency_key`, `payload`, `created_at`, `account_id`) SELECT `id`, `event_type`, `idempotency_key`, `payload`, `created_at`, `account_id` FROM `events`;
-- drop "events" table after copying rows
DROP TABLE `events`;
-- rename temporary table "new_events" to "events"
ALTER TABLE `new_events` RENAME TO `events`;
-- create index "event_account_id_id" to table: "events"
CREATE INDEX `event_account_id_id` ON `events` (`account_id`, `id`);
-- create index "event_replay_of" to table: "events"
CREATE INDEX `event_replay_of` ON `events` (`replay_of`) WHERE replay_of IS NOT NULL;
-- create index "event_replay_id" to table: "events"
CREATE INDEX `event_replay_id` ON `events` (`replay_id`) WHERE replay_id IS NOT NULL;
-- create "actions" table
CREATE TABLE `actions` (`id` text NOT NULL, `account_id` text NOT NULL, `subject_id` text NOT NULL, `kind` text NOT NULL, `actor` text NOT NULL, `reason` text NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "action_account_id_id" to table: "actions"
CREATE INDEX `action_account_id_id` ON `actions` (`account_id`, `id`);
-- create index "action_subject_id_id" to table: "actions"
CREATE INDEX `action_subject_id_id` ON `actions` (`subject_id`, `id`);
-- create "replays" table
CREATE TABLE `replays` (`id` text NOT NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `account_id` text NOT NULL, `status` text NOT NULL DEFAULT ('RUNNING'), `actor` text NOT NULL, `reason` text NULL, `destination_id` text NULL, `from_time` datetime NOT NULL, `to_time` datetime NOT NULL, `event_type` text NULL, `statuses` json NULL, `target_ids` json NULL, `rate` real NOT NULL, `matched` integer NOT NULL, `position` text NULL, `replayed` integer NOT NULL DEFAULT (0), `skipped` integer NOT NULL DEFAULT (0), `deliveries` integer NOT NULL DEFAULT (0), `finished_at` datetime NULL, PRIMARY KEY (`id`));
-- create index "replay_account_id_id" to table: "replays"
CREATE INDEX `replay_account_id_id` ON `replays` (`account_id`, `id`);
-- create index "replay_running" to table: "replays"
CREATE INDEX `replay_running` ON `replays` (`updated_at`) WHERE status = 'RUNNING';
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;

-- +goose Down
-- reverse: create index "replay_running" to table: "replays"
DROP INDEX `replay_running`;
-- reverse: create index "replay_account_id_id" to table: "replays"
DROP INDEX `replay_account_id_id`;
-- reverse: create "replays" table
DROP TABLE `replays`;
-- reverse: create index "action_subject_id_id" to table: "actions"
DROP INDEX `action_subject_id_id`;
-- reverse: create index "action_account_id_id" to table: "actions"
DROP INDEX `action_account_id_id`;
-- reverse: create "actions" table
DROP TABLE `actions`;
-- reverse: create index "event_replay_id" to table: "events"
DROP INDEX `event_replay_id`;
-- reverse: create index "event_replay_of" to table: "events"
DROP INDEX `event_replay_of`;
-- reverse: create index "event_account_id_id" to table: "events"
DROP INDEX `event_account_id_id`;
-- reverse: create "new_events" table
DROP TABLE `new_events`;
-- reverse: create index "destination_account_id_id" to table: "destinations"
DROP INDEX `destination_account_id_id`;
-- reverse: create index "destinations_seed_id_key" to table: "destinations"
DROP INDEX `destinations_seed_id_key`;
-- reverse: create "new_destinations" table
DROP TABLE `new_destinations`;
-- reverse: create index "delivery_retrying" to table: "deliveries"
DROP INDEX `delivery_retrying`;
-- reverse: create index "delivery_parked" to table: "deliveries"
DROP INDEX `delivery_parked`;
-- reverse: create index "delivery_lease_unsettled" to table: "deliveries"
DROP INDEX `delivery_lease_unsettled`;
-- reverse: create index "delivery_run_unsettled" to table: "deliveries"
DROP INDEX `delivery_run_unsettled`;
-- reverse: create index "delivery_destination_id_id" to table: "deliveries"
DROP INDEX `delivery_destination_id_id`;
-- reverse: create index "delivery_event_id" to table: "deliveries"
DROP INDEX `delivery_event_id`;
-- reverse: create index "delivery_account_id_id" to table: "deliveries"
DROP INDEX `delivery_account_id_id`;
-- reverse: create "new_deliveries" table
DROP TABLE `new_deliveries`;
-- reverse: create index "attempt_delivery_id" to table: "attempts"
DROP INDEX `attempt_delivery_id`;
-- reverse: create "new_attempts" table
DROP TABLE `new_attempts`;
