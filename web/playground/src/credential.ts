/** What the headers editor shows before a token is filled in. */
export const bareHeaders = `// Whoever is signed in at the dashboard (/) needs nothing
// here. Otherwise put a token behind "Bearer ": the admin
// token (standalone keeps it in <data-dir>/admin-token)
// or an account's secretToken (createAccount shows it).
{
  "Authorization": "Bearer "
}
`;

/** Whether the headers editor holds nothing that its user has written. */
export function isBare(headers: string): boolean {
  return headers.trim() === "" || headers.trim() === bareHeaders.trim();
}

/**
 * Leaves out an Authorization without a token: a request without a credential
 * may read the schema, one with a broken credential may read nothing.
 */
export function withoutBareCredential(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name, value]) => !(name.toLowerCase() === "authorization" && /^\s*Bearer\s*$/i.test(String(value))),
    ),
  );
}

/**
 * The headers to begin with. The standalone program prints a link with its admin
 * token behind the #, which browsers send to nobody; it is taken out of the
 * address at once, so that it is in no history and no picture of the window.
 */
export function firstHeaders(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return bareHeaders;
  history.replaceState(null, "", location.pathname + location.search);
  return JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2) + "\n";
}
