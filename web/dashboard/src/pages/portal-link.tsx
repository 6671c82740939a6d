import { useState } from "react";
import { fieldMessage } from "../api/problem";
import { CreatePortalLinkDocument, RevokePortalLinksDocument } from "../gql/graphql";
import { useAct } from "../ui/act";
import { Button } from "../ui/button";
import { FormDialog } from "../ui/dialog";
import { SelectField, TextField, textOf } from "../ui/form";
import { SecretDialog, type Secret } from "../ui/secret";
import { plural } from "../ui/size";

/** Makes a link with which somebody enters the portal of an account. */
export function PortalLinkDialog({ open, onClose, account }: { open: boolean; onClose: () => void; account: { id: string; name: string } }) {
  const [link, setLink] = useState<Secret>();
  const act = useAct(CreatePortalLinkDocument, {
    changes: [["audit"]],
    then: ({ createPortalLink: { url } }) => {
      onClose();
      setLink({
        title: `A portal link for ${account.name}`,
        hint: "Whoever opens it first gets a session that sees this account alone. It opens nothing a second time.",
        value: url,
      });
    },
  });
  const revoke = useAct(RevokePortalLinksDocument, {
    done: ({ revokePortalLinks: { links, sessions } }) => `Ended: ${plural(links, "link")} that could be opened, ${plural(sessions, "session")}.`,
    failed: "The links are still good",
    changes: [["audit"]],
  });
  const error = (name: string) => fieldMessage(act.error, name);
  return (
    <>
      <FormDialog
        open={open}
        onClose={() => {
          act.reset();
          onClose();
        }}
        title={`Portal link for ${account.name}`}
        description="The portal is this dashboard, with what is this account's alone: for its owner, or for your own front end to send people to."
        action="Make the link"
        busy={act.isPending}
        error={act.error && !["scopes", "expiresIn", "sessionExpiresIn", "reason"].some(error) ? act.error : undefined}
        onSubmit={(form) =>
          act.mutate({
            input: {
              accountID: account.id,
              scopes: textOf(form, "scope") === "MANAGE" ? ["MANAGE"] : ["READ"],
              expiresIn: textOf(form, "expiresIn"),
              sessionExpiresIn: textOf(form, "sessionExpiresIn"),
              reason: textOf(form, "reason") || undefined,
            },
          })
        }
      >
        <SelectField label="Who opens it may" name="scope" defaultValue="READ">
          <option value="READ">See everything of the account</option>
          <option value="MANAGE">See and change everything of the account</option>
        </SelectField>
        <div className="form-row">
          <SelectField label="It can be opened for" name="expiresIn" defaultValue="15m">
            <option value="5m">5 minutes</option>
            <option value="15m">15 minutes</option>
            <option value="1h">An hour</option>
            <option value="24h">A day</option>
          </SelectField>
          <SelectField label="The session lasts" name="sessionExpiresIn" defaultValue="8h">
            <option value="1h">An hour</option>
            <option value="8h">8 hours</option>
            <option value="12h">12 hours</option>
          </SelectField>
        </div>
        <TextField label="Who it is for" name="reason" optional error={error("reason")} hint="For the audit log." />
        <p className="field-hint">
          <Button kind="quiet" busy={revoke.isPending} onClick={() => revoke.mutate({ input: { accountID: account.id } })}>
            End all links of this account, and their sessions
          </Button>
        </p>
      </FormDialog>
      <SecretDialog secret={link} onClose={() => setLink(undefined)} />
    </>
  );
}
