import type { TypedDocumentString } from "../gql/graphql";
import { Problem, type FieldProblem } from "./problem";

interface Answer<Result> {
  data?: Result | null;
  errors?: { message: string; extensions?: { code?: string; fields?: FieldProblem[]; requestID?: string } }[];
}

/** Runs one operation. What went wrong is thrown as a Problem. */
export async function request<Result, Variables>(
  operation: TypedDocumentString<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  const response = await send("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json, application/json" },
    body: JSON.stringify({ query: operation.toString(), variables }),
    signal,
  });
  const answer = await bodyOf<Answer<Result>>(response);
  const error = answer.errors?.[0];
  if (error) {
    const { code = "internal", fields, requestID } = error.extensions ?? {};
    throw new Problem(code, error.message, fields, requestID);
  }
  if (answer.data == null) throw new Problem("internal", `the server answered ${response.status} without data`);
  return answer.data;
}

/** fetch, with the failure of the network as a Problem. */
export async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { credentials: "same-origin", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem("offline", "the server does not answer: check the network, or whether it runs");
  }
}

/** The JSON of an answer. A proxy in between may answer with something else. */
export async function bodyOf<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw new Problem("unavailable", `the server answered ${response.status}, and not with JSON: is there a proxy in between?`);
  }
}
