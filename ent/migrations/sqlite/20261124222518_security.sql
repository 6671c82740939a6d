-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- add column "allow_cidrs" to table: "accounts"
ALTER TABLE `accounts` ADD COLUMN `allow_cidrs` json NULL;
-- create "new_actions" table
CREATE TABLE `new_actions` (`id` text NOT NULL, `account_id` text NULL, `subject_id` text NOT NULL, `kind` text NOT NULL, `actor` text NOT NULL, `reason` text NULL, `before` blob NULL, `after` blob NULL, `address` text NULL, `request_id` text NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- copy rows from old table "actions" to new temporary table "new_actions"
INSERT INTO `new_actions` (`id`, `account_id`, `subject_id`, `kind`, `actor`, `reason`, `created_at`) SELECT `id`, `account_id`, `subject_id`, `kind`, `actor`, `reason`, `created_at` FROM `actions`;
-- drop "actions" table after copying rows
DROP TABLE `actions`;
-- rename temporary table "new_actions" to "actions"
ALTER TABLE `new_actions` RENAME TO `actions`;
-- create index "action_account_id_id" to table: "actions"
CREATE INDEX `action_account_id_id` ON `actions` (`account_id`, `id`);
-- create index "action_subject_id_id" to table: "actions"
CREATE INDEX `action_subject_id_id` ON `actions` (`subject_id`, `id`);
-- create "key_checks" table
CREATE TABLE `key_checks` (`id` text NOT NULL, `sealed` blob NOT NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create "sessions" table
CREATE TABLE `sessions` (`id` text NOT NULL, `hash` blob NOT NULL, `admin_hash` blob NOT NULL, `address` text NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `revoked_at` datetime NULL, PRIMARY KEY (`id`));
-- create index "sessions_hash_key" to table: "sessions"
CREATE UNIQUE INDEX `sessions_hash_key` ON `sessions` (`hash`);
-- create index "session_expires_at" to table: "sessions"
CREATE INDEX `session_expires_at` ON `sessions` (`expires_at`);
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;

-- +goose Down
-- reverse: create index "session_expires_at" to table: "sessions"
DROP INDEX `session_expires_at`;
-- reverse: create index "sessions_hash_key" to table: "sessions"
DROP INDEX `sessions_hash_key`;
-- reverse: create "sessions" table
DROP TABLE `sessions`;
-- reverse: create "key_checks" table
DROP TABLE `key_checks`;
-- reverse: create index "action_subject_id_id" to table: "actions"
DROP INDEX `action_subject_id_id`;
-- reverse: create index "action_account_id_id" to table: "actions"
DROP INDEX `action_account_id_id`;
-- reverse: create "new_actions" table
DROP TABLE `new_actions`;
-- reverse: add column "allow_cidrs" to table: "accounts"
ALTER TABLE `accounts` DROP COLUMN `allow_cidrs`;
