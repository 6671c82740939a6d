import { Toast } from "@base-ui/react/toast";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { inWords, Problem } from "../api/problem";
import { IconButton } from "./button";

const manager = Toast.createToastManager();

/** Tells that something is done. */
export function say(title: string, description?: string): void {
  manager.add({ title, description, type: "ok" });
}

/** Tells what went wrong. */
export function complain(title: string, error: unknown): void {
  const request = error instanceof Problem && error.requestID ? ` Request ${error.requestID}.` : "";
  manager.add({ title, description: inWords(error) + request, type: "bad", priority: "high", timeout: 10_000 });
}

/** Where messages appear. */
export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={manager} timeout={5000}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className={`toast toast-${toast.type}`}>
      <Toast.Content className="toast-content">
        <span className="dot" aria-hidden />
        <div>
          <Toast.Title className="toast-title" />
          <Toast.Description className="toast-description" />
        </div>
        <Toast.Close render={<IconButton icon={X} label="Dismiss" />} />
      </Toast.Content>
    </Toast.Root>
  ));
}
