-- +goose Up
-- The audit log is only added to. Written by hand: ent knows no triggers.
-- +goose StatementBegin
CREATE FUNCTION "actions_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only added to: % of "actions" is refused', TG_OP;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER "actions_append_only" BEFORE UPDATE OR DELETE ON "actions" FOR EACH ROW EXECUTE FUNCTION "actions_append_only"();
CREATE TRIGGER "actions_not_emptied" BEFORE TRUNCATE ON "actions" FOR EACH STATEMENT EXECUTE FUNCTION "actions_append_only"();

-- +goose Down
DROP TRIGGER "actions_not_emptied" ON "actions";
DROP TRIGGER "actions_append_only" ON "actions";
DROP FUNCTION "actions_append_only";
