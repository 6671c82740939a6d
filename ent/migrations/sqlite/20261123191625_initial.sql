-- +goose Up
-- create "accounts" table
CREATE TABLE `accounts` (`id` text NOT NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `deleted_at` datetime NULL, `seed_id` integer NULL, `name` text NOT NULL, `email` text NOT NULL, `website` text NULL, PRIMARY KEY (`id`));
-- create index "accounts_seed_id_key" to table: "accounts"
CREATE UNIQUE INDEX `accounts_seed_id_key` ON `accounts` (`seed_id`);
-- create index "account_email" to table: "accounts"
CREATE UNIQUE INDEX `account_email` ON `accounts` (`email`) WHERE deleted_at IS NULL;
-- create "attempts" table
CREATE TABLE `attempts` (`id` text NOT NULL, `account_id` text NOT NULL, `number` integer NOT NULL, `status` integer NULL, `error_class` text NULL, `started_at` datetime NOT NULL, `duration_us` integer NOT NULL, `response_body` blob NULL, `response_truncated` bool NOT NULL DEFAULT (false), `delivery_id` text NOT NULL, PRIMARY KEY (`id`));
-- create index "attempt_delivery_id" to table: "attempts"
CREATE INDEX `attempt_delivery_id` ON `attempts` (`delivery_id`);
-- create "deliveries" table
CREATE TABLE `deliveries` (`id` text NOT NULL, `account_id` text NOT NULL, `status` text NOT NULL DEFAULT ('PENDING'), `reason` text NULL, `attempt_count` integer NOT NULL DEFAULT (0), `next_attempt_at` datetime NULL, `run` text NOT NULL, `lease_until` datetime NULL, `created_at` datetime NOT NULL, `settled_at` datetime NULL, `destination_id` text NOT NULL, `event_id` text NOT NULL, PRIMARY KEY (`id`));
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
-- create "destinations" table
CREATE TABLE `destinations` (`id` text NOT NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `deleted_at` datetime NULL, `seed_id` integer NULL, `name` text NULL, `url` text NOT NULL, `http_method` text NOT NULL DEFAULT ('POST'), `headers` blob NULL, `signing_secrets` blob NOT NULL, `enabled` bool NOT NULL DEFAULT (true), `state` text NOT NULL DEFAULT ('SENDING'), `reason` text NULL, `account_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `destinations_accounts_destinations` FOREIGN KEY (`account_id`) REFERENCES `accounts` (`id`) ON DELETE NO ACTION);
-- create index "destinations_seed_id_key" to table: "destinations"
CREATE UNIQUE INDEX `destinations_seed_id_key` ON `destinations` (`seed_id`);
-- create index "destination_account_id_id" to table: "destinations"
CREATE INDEX `destination_account_id_id` ON `destinations` (`account_id`, `id`);
-- create "events" table
CREATE TABLE `events` (`id` text NOT NULL, `event_type` text NULL, `idempotency_key` text NULL, `payload` blob NOT NULL, `created_at` datetime NOT NULL, `account_id` text NOT NULL, PRIMARY KEY (`id`));
-- create index "event_account_id_id" to table: "events"
CREATE INDEX `event_account_id_id` ON `events` (`account_id`, `id`);
-- create "idempotency_keys" table
CREATE TABLE `idempotency_keys` (`id` text NOT NULL, `account_id` text NOT NULL, `event_id` text NOT NULL, `body_hash` blob NOT NULL, `expires_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "idempotencykey_expires_at" to table: "idempotency_keys"
CREATE INDEX `idempotencykey_expires_at` ON `idempotency_keys` (`expires_at`);
-- create "tokens" table
CREATE TABLE `tokens` (`id` text NOT NULL, `created_at` datetime NOT NULL, `name` text NOT NULL, `scopes` json NOT NULL, `hash` blob NOT NULL, `prefix` text NOT NULL, `first` bool NOT NULL DEFAULT (false), `last_used_at` datetime NULL, `expires_at` datetime NULL, `revoked_at` datetime NULL, `account_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `tokens_accounts_tokens` FOREIGN KEY (`account_id`) REFERENCES `accounts` (`id`) ON DELETE NO ACTION);
-- create index "token_account_id_id" to table: "tokens"
CREATE INDEX `token_account_id_id` ON `tokens` (`account_id`, `id`);
-- create index "token_prefix" to table: "tokens"
CREATE INDEX `token_prefix` ON `tokens` (`prefix`);

-- +goose Down
-- reverse: create index "token_prefix" to table: "tokens"
DROP INDEX `token_prefix`;
-- reverse: create index "token_account_id_id" to table: "tokens"
DROP INDEX `token_account_id_id`;
-- reverse: create "tokens" table
DROP TABLE `tokens`;
-- reverse: create index "idempotencykey_expires_at" to table: "idempotency_keys"
DROP INDEX `idempotencykey_expires_at`;
-- reverse: create "idempotency_keys" table
DROP TABLE `idempotency_keys`;
-- reverse: create index "event_account_id_id" to table: "events"
DROP INDEX `event_account_id_id`;
-- reverse: create "events" table
DROP TABLE `events`;
-- reverse: create index "destination_account_id_id" to table: "destinations"
DROP INDEX `destination_account_id_id`;
-- reverse: create index "destinations_seed_id_key" to table: "destinations"
DROP INDEX `destinations_seed_id_key`;
-- reverse: create "destinations" table
DROP TABLE `destinations`;
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
-- reverse: create "deliveries" table
DROP TABLE `deliveries`;
-- reverse: create index "attempt_delivery_id" to table: "attempts"
DROP INDEX `attempt_delivery_id`;
-- reverse: create "attempts" table
DROP TABLE `attempts`;
-- reverse: create index "account_email" to table: "accounts"
DROP INDEX `account_email`;
-- reverse: create index "accounts_seed_id_key" to table: "accounts"
DROP INDEX `accounts_seed_id_key`;
-- reverse: create "accounts" table
DROP TABLE `accounts`;
