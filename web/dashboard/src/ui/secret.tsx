import { Button } from "./button";
import { CopyButton } from "./copy";
import { Dialog } from "./dialog";
import { Notice } from "./notice";

export interface Secret {
  title: string;
  /** What it is for, and where it goes. */
  hint: string;
  value: string;
}

/** Shows a secret the only time that it is shown. */
export function SecretDialog({ secret, onClose }: { secret: Secret | undefined; onClose: () => void }) {
  return (
    <Dialog
      open={secret !== undefined}
      onClose={onClose}
      firm
      title={secret?.title}
      description={secret?.hint}
      actions={
        <Button kind="primary" onClick={onClose}>
          I have kept it
        </Button>
      }
    >
      <div className="secret">
        <code data-testid="secret">{secret?.value}</code>
        <CopyButton text={secret?.value ?? ""} what="the secret" />
      </div>
      <Notice kind="warn">It is shown once, and nobody can read it again: keep it where your receiver or sender finds it.</Notice>
    </Dialog>
  );
}
