import { useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { Button, ButtonLink } from "../ui/button";
import { Empty, Failed, useTitle } from "../ui/page";

/** What is shown in the place of a page that could not be made. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  useTitle("Something went wrong");
  const old = error instanceof Error && /dynamically imported module|Importing a module/.test(error.message);
  return (
    <main className="page broken">
      <h1>{old ? "There is a newer dashboard" : "This page could not be shown"}</h1>
      {old ? (
        <>
          <p>The server has been updated since this page was opened.</p>
          <Button kind="primary" onClick={() => location.reload()}>
            Load it
          </Button>
        </>
      ) : (
        <Failed
          error={error}
          retry={() => {
            reset();
            void router.invalidate();
          }}
        />
      )}
    </main>
  );
}

/** What is shown where no page is. */
export function NotFound() {
  useTitle("Not found");
  return (
    <main className="page">
      <h1 className="hidden">Not found</h1>
      <Empty icon={Compass} title="There is nothing at this address" action={<ButtonLink to="/">Go to the overview</ButtonLink>}>
        The link may be old, or it is what belongs to another account.
      </Empty>
    </main>
  );
}
