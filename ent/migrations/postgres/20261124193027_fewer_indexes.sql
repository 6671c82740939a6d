-- +goose Up
-- drop index "attempt_delivery_id" from table: "attempts"
DROP INDEX "attempt_delivery_id";
-- drop index "delivery_event_id" from table: "deliveries"
DROP INDEX "delivery_event_id";
-- create index "delivery_unsuccessful" to table: "deliveries"
CREATE INDEX "delivery_unsuccessful" ON "deliveries" ("account_id", "id") WHERE ((status)::text = ANY (ARRAY['FAILED'::text, 'CANCELED'::text]));
-- drop index "event_replay_id" from table: "events"
DROP INDEX "event_replay_id";
-- create index "event_replay_id_id" to table: "events"
CREATE INDEX "event_replay_id_id" ON "events" ("replay_id", "id") WHERE (replay_id IS NOT NULL);

-- +goose Down
-- reverse: create index "event_replay_id_id" to table: "events"
DROP INDEX "event_replay_id_id";
-- reverse: drop index "event_replay_id" from table: "events"
CREATE INDEX "event_replay_id" ON "events" ("replay_id") WHERE (replay_id IS NOT NULL);
-- reverse: create index "delivery_unsuccessful" to table: "deliveries"
DROP INDEX "delivery_unsuccessful";
-- reverse: drop index "delivery_event_id" from table: "deliveries"
CREATE INDEX "delivery_event_id" ON "deliveries" ("event_id");
-- reverse: drop index "attempt_delivery_id" from table: "attempts"
CREATE INDEX "attempt_delivery_id" ON "attempts" ("delivery_id");
