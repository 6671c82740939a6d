-- +goose Up
-- The audit log is only added to. Written by hand: ent knows no triggers. A later
-- migration that makes the table anew has to make these anew as well.
-- +goose StatementBegin
CREATE TRIGGER `actions_not_changed` BEFORE UPDATE ON `actions` BEGIN
  SELECT RAISE(ABORT, 'the audit log is only added to: UPDATE of "actions" is refused');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER `actions_not_deleted` BEFORE DELETE ON `actions` BEGIN
  SELECT RAISE(ABORT, 'the audit log is only added to: DELETE of "actions" is refused');
END;
-- +goose StatementEnd
-- REPLACE deletes a row without telling the trigger above.
-- +goose StatementBegin
CREATE TRIGGER `actions_not_replaced` BEFORE INSERT ON `actions` WHEN EXISTS (SELECT 1 FROM `actions` WHERE `id` = NEW.`id`) BEGIN
  SELECT RAISE(ABORT, 'the audit log is only added to: REPLACE of "actions" is refused');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER `actions_not_replaced`;
DROP TRIGGER `actions_not_deleted`;
DROP TRIGGER `actions_not_changed`;
