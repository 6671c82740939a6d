import { useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { Button, ButtonLink } from "../ui/button";
import { Empty, Failed, Page, useTitle } from "../ui/page";
import { InPlaceOfPage } from "./frame";

/** What is shown in the place of a page that could not be made. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const old = error instanceof Error && /dynamically imported module|Importing a module/.test(error.message);
  return (
    <InPlaceOfPage>
      <Page title={old ? "There is a newer dashboard" : "This page could not be shown"}>
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
      </Page>
    </InPlaceOfPage>
  );
}

/** What is shown where no page is. */
export function NotFound() {
  useTitle("Not found");
  return (
    <InPlaceOfPage>
      <h1 className="hidden">Not found</h1>
      <Empty icon={Compass} title="There is nothing at this address" action={<ButtonLink to="/">Go to the overview</ButtonLink>}>
        The link may be old, or it belongs to another account.
      </Empty>
    </InPlaceOfPage>
  );
}
