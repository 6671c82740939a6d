-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- create "new_sessions" table
CREATE TABLE `new_sessions` (`id` text NOT NULL, `hash` blob NOT NULL, `admin_hash` blob NULL, `account_id` text NULL, `token_id` text NULL, `portal_link_id` text NULL, `scopes` json NULL, `address` text NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `revoked_at` datetime NULL, PRIMARY KEY (`id`));
-- copy rows from old table "sessions" to new temporary table "new_sessions"
INSERT INTO `new_sessions` (`id`, `hash`, `admin_hash`, `address`, `created_at`, `expires_at`, `revoked_at`) SELECT `id`, `hash`, `admin_hash`, `address`, `created_at`, `expires_at`, `revoked_at` FROM `sessions`;
-- drop "sessions" table after copying rows
DROP TABLE `sessions`;
-- rename temporary table "new_sessions" to "sessions"
ALTER TABLE `new_sessions` RENAME TO `sessions`;
-- create index "sessions_hash_key" to table: "sessions"
CREATE UNIQUE INDEX `sessions_hash_key` ON `sessions` (`hash`);
-- create index "session_expires_at" to table: "sessions"
CREATE INDEX `session_expires_at` ON `sessions` (`expires_at`);
-- create index "session_account_id" to table: "sessions"
CREATE INDEX `session_account_id` ON `sessions` (`account_id`);
-- create "portal_links" table
CREATE TABLE `portal_links` (`id` text NOT NULL, `account_id` text NOT NULL, `hash` blob NOT NULL, `scopes` json NOT NULL, `session_s` integer NOT NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `used_at` datetime NULL, `revoked_at` datetime NULL, PRIMARY KEY (`id`));
-- create index "portal_links_hash_key" to table: "portal_links"
CREATE UNIQUE INDEX `portal_links_hash_key` ON `portal_links` (`hash`);
-- create index "portallink_account_id" to table: "portal_links"
CREATE INDEX `portallink_account_id` ON `portal_links` (`account_id`);
-- create index "portallink_expires_at" to table: "portal_links"
CREATE INDEX `portallink_expires_at` ON `portal_links` (`expires_at`);
-- create "statistics" table
CREATE TABLE `statistics` (`id` text NOT NULL, `account_id` text NULL, `destination_id` text NULL, `hourly` bool NOT NULL, `at` datetime NOT NULL, `writer` text NOT NULL, `events` integer NOT NULL DEFAULT (0), `deliveries` integer NOT NULL DEFAULT (0), `attempts` integer NOT NULL DEFAULT (0), `failed_attempts` integer NOT NULL DEFAULT (0), `succeeded` integer NOT NULL DEFAULT (0), `failed` integer NOT NULL DEFAULT (0), `detail` text NULL, `updated_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "statistic_hourly_at" to table: "statistics"
CREATE INDEX `statistic_hourly_at` ON `statistics` (`hourly`, `at`);
-- create index "statistic_troubled" to table: "statistics"
CREATE INDEX `statistic_troubled` ON `statistics` (`hourly`, `at`) WHERE failed_attempts > 0;
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;

-- +goose Down
-- reverse: create index "statistic_troubled" to table: "statistics"
DROP INDEX `statistic_troubled`;
-- reverse: create index "statistic_hourly_at" to table: "statistics"
DROP INDEX `statistic_hourly_at`;
-- reverse: create "statistics" table
DROP TABLE `statistics`;
-- reverse: create index "portallink_expires_at" to table: "portal_links"
DROP INDEX `portallink_expires_at`;
-- reverse: create index "portallink_account_id" to table: "portal_links"
DROP INDEX `portallink_account_id`;
-- reverse: create index "portal_links_hash_key" to table: "portal_links"
DROP INDEX `portal_links_hash_key`;
-- reverse: create "portal_links" table
DROP TABLE `portal_links`;
-- reverse: create index "session_account_id" to table: "sessions"
DROP INDEX `session_account_id`;
-- reverse: create index "session_expires_at" to table: "sessions"
DROP INDEX `session_expires_at`;
-- reverse: create index "sessions_hash_key" to table: "sessions"
DROP INDEX `sessions_hash_key`;
-- reverse: create "new_sessions" table
DROP TABLE `new_sessions`;
