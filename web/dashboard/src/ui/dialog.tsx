import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { useRef, type ReactNode } from "react";
import { inWords } from "../api/problem";
import { Button, IconButton } from "./button";
import { Notice } from "./notice";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons, the main one last. */
  actions?: ReactNode;
  size?: "small" | "medium" | "large";
  /** Closing by a click beside it or by Escape would lose something. */
  firm?: boolean;
}

/** What has the focus when a window opens: what is to be filled in, or else its buttons. */
const first = ".dialog-body :is(input, select, textarea), .dialog-actions button, .dialog-body button";

/** A window above the page. */
export function Dialog({ open, onClose, title, description, children, actions, size = "medium", firm = false }: DialogProps) {
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Base.Root
      open={open}
      disablePointerDismissal={firm}
      onOpenChange={(next, details) => {
        if (next) return;
        if (firm && details.reason === "escape-key") return;
        onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Viewport className="dialog-viewport">
          <Base.Popup className={`dialog dialog-${size}`} ref={popup} initialFocus={() => popup.current?.querySelector<HTMLElement>(first) ?? true}>
            <header className="dialog-head">
              <Base.Title className="dialog-title">{title}</Base.Title>
              {!firm && <Base.Close render={<IconButton icon={X} label="Close" />} />}
            </header>
            <div className="dialog-body">
              {description && <Base.Description className="dialog-description">{description}</Base.Description>}
              {children}
            </div>
            {actions && <footer className="dialog-actions">{actions}</footer>}
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  /** What the button does, as a verb. */
  action: string;
  danger?: boolean;
  busy?: boolean;
  error?: unknown;
  onConfirm: () => void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ open, onClose, title, children, action, danger, busy, error, onConfirm }: ConfirmProps) {
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={title}
      size="small"
      description={children}
      actions={
        <>
          <Button onClick={onClose}>Keep it as it is</Button>
          <Button kind={danger ? "danger" : "primary"} busy={busy} onClick={onConfirm}>
            {action}
          </Button>
        </>
      }
    >
      {error != null && <Notice kind="bad">{inWords(error)}</Notice>}
    </Dialog>
  );
}

interface FormDialogProps extends Omit<DialogProps, "actions"> {
  /** What the button does, as a verb. */
  action: string;
  busy?: boolean;
  disabled?: boolean;
  /** Shown above the buttons unless a field tells it. */
  error?: unknown;
  onSubmit: (form: FormData) => void;
}

/** A window with a form. */
export function FormDialog({ action, busy, disabled, error, onSubmit, children, ...rest }: FormDialogProps) {
  return (
    <Dialog
      {...rest}
      actions={
        <>
          <Button onClick={rest.onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="dialog-form" busy={busy} disabled={disabled}>
            {action}
          </Button>
        </>
      }
    >
      <form
        id="dialog-form"
        className="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit(new FormData(event.currentTarget));
        }}
      >
        {children}
        {error != null && <Notice kind="bad">{inWords(error)}</Notice>}
      </form>
    </Dialog>
  );
}
