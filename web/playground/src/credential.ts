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
