import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { LoaderCircle } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { codeOf, inWords } from "../api/problem";
import { enterPortal } from "../api/session";
import icon from "../icon.svg";
import { ButtonLink } from "../ui/button";
import { Notice } from "../ui/notice";
import { useTitle } from "../ui/page";

/** Where a portal link leads: it opens a session of its account, and is used up. */
export function Portal() {
  useTitle("Portal");
  const router = useRouter();
  const queries = useQueryClient();
  const [error, setError] = useState<unknown>();
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    const link = location.hash.slice(1);
    // What the link holds does not stay in the address, nor in the history.
    history.replaceState(history.state, "", "/portal");
    enterPortal(link).then(async () => {
      queries.clear();
      await router.invalidate();
      await router.navigate({ to: "/", replace: true });
    }, setError);
  }, []);
  return (
    <main className="sign-in">
      <div className="sign-in-card form">
        <img src={icon} alt="" width={36} height={36} />
        <h1>{error ? "This link does not open" : "Opening your account"}</h1>
        {error ? (
          <>
            <Notice kind="bad">
              {codeOf(error) === "unauthenticated" ? "It has been used already, or is too old. Ask whoever sent it for another one." : inWords(error)}
            </Notice>
            <ButtonLink to="/sign-in" search={{}}>
              Sign in with a token instead
            </ButtonLink>
          </>
        ) : (
          <p className="muted" role="status">
            <LoaderCircle className="spin" aria-hidden /> One moment…
          </p>
        )}
      </div>
    </main>
  );
}
