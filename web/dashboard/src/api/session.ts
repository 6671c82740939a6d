import { bodyOf, send } from "./request";
import { Problem } from "./problem";

// Who is signed in is kept by the browser, in a cookie that no script can read.

/** Opens a session for whoever has this token. */
export async function signIn(token: string): Promise<void> {
  await door("POST", { Authorization: `Bearer ${token}` });
}

/** Opens a session with what a portal link has behind its #. It does so once. */
export async function enterPortal(link: string): Promise<void> {
  await door("POST", { "Content-Type": "application/json" }, JSON.stringify({ portal_link: link }));
}

/** Ends the session. One that is no good is ended, too. */
export async function signOut(): Promise<void> {
  try {
    await door("DELETE");
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "unauthenticated") throw error;
  }
}

async function door(method: string, headers: Record<string, string> = {}, body?: string): Promise<void> {
  const response = await send("/session", { method, headers, body });
  if (response.ok) return;
  const { code = "internal", detail, title } = await bodyOf<{ code?: string; detail?: string; title?: string }>(response);
  throw new Problem(code, detail ?? title ?? `the server answered ${response.status}`);
}
