import { buildSchema, type GraphQLSchema } from "graphql";
import { useEffect, useState } from "react";

/**
 * The schema for documentation, completion and checks. It is a public contract
 * beside the endpoint and needs no credential, unlike introspection: so all
 * three work before a token is filled in. null: on its way; undefined: not to be
 * had, which makes GraphiQL ask by introspection.
 */
export function useSchema(endpoint: string): GraphQLSchema | null | undefined {
  const [schema, setSchema] = useState<GraphQLSchema | null | undefined>(null);
  useEffect(() => {
    const stop = new AbortController();
    load(endpoint, stop.signal).then(setSchema, () => {
      if (!stop.signal.aborted) setSchema(undefined);
    });
    return () => stop.abort();
  }, [endpoint]);
  return schema;
}

async function load(endpoint: string, signal: AbortSignal): Promise<GraphQLSchema> {
  const response = await fetch(new URL("schema.graphql", new URL(endpoint, location.href)), { signal });
  if (!response.ok) throw new Error(`the schema answers ${response.status}`);
  return buildSchema(await response.text());
}
