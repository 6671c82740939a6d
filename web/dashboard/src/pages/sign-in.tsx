import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { signIn } from "../api/session";
import { inWords } from "../api/problem";
import icon from "../icon.svg";
import { Button } from "../ui/button";
import { TextField, textOf } from "../ui/form";
import { useTitle } from "../ui/page";

/** Signs in, with the admin token or a token of an account. */
export function SignIn() {
  useTitle("Sign in");
  const { to } = useSearch({ from: "/sign-in" });
  const router = useRouter();
  const queries = useQueryClient();
  const [given] = useState(tokenOfTheLink);
  const enter = useMutation({
    mutationFn: signIn,
    async onSuccess() {
      queries.clear();
      await router.invalidate();
      await router.navigate({ href: to?.startsWith("/") && !to.startsWith("//") ? to : "/", replace: true });
    },
  });
  return (
    <main className="sign-in">
      <form
        className="sign-in-card form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          enter.mutate(textOf(new FormData(event.currentTarget), "token"));
        }}
      >
        <img src={icon} alt="" width={36} height={36} />
        <div>
          <h1>Sign in to Data Pusher</h1>
          <p className="muted">With the admin token, or with a token of your account.</p>
        </div>
        <TextField
          label="Token"
          name="token"
          type="password"
          autoComplete="current-password"
          autoFocus
          defaultValue={given}
          required
          hint={
            <>
              You get one from whoever runs this server. On your own machine, the admin token is in <code>data/admin-token</code>.
            </>
          }
          error={enter.isError ? (enter.error.message.includes("valid credential") ? "This token is not valid: it may be mistyped, expired or revoked." : inWords(enter.error)) : undefined}
        />
        <Button kind="primary" type="submit" busy={enter.isPending}>
          Sign in
        </Button>
      </form>
      <p className="sign-in-foot muted">
        <a href="/playground">Playground</a>
        <a href="/schema.graphql">Schema</a>
        <a href="/openapi.json">OpenAPI</a>
      </p>
    </main>
  );
}

/**
 * A link of the command line has a token behind its #, which browsers send to nobody. It is filled in, and does not stay
 * in the address; whoever came by the link signs in by hand, so that no foreign page signs anybody in.
 */
function tokenOfTheLink(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  if (token) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}
