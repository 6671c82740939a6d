import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { useState } from "react";
import { firstHeaders } from "./credential";
import { Companion } from "./companion";
import { newFetcher } from "./fetcher";
import { useSchema } from "./schema";
import { steps } from "./steps";
import { persistHeaders, storage } from "./storage";

const plugins = [explorerPlugin(), HISTORY_PLUGIN];

/** The page: GraphiQL with one tab for each step of the main job. */
export function Playground({ endpoint }: { endpoint: string }) {
  const [fetcher] = useState(() => newFetcher(endpoint));
  const [tabs] = useState(() => steps(location.origin));
  const [headers] = useState(firstHeaders);
  const schema = useSchema(endpoint);
  return (
    <GraphiQL
      fetcher={fetcher}
      schema={schema}
      plugins={plugins}
      defaultTabs={tabs}
      defaultHeaders={headers}
      defaultEditorToolsVisibility="headers"
      storage={storage}
      shouldPersistHeaders={persistHeaders()}
      showPersistHeadersSettings
    >
      <GraphiQL.Logo>Data Pusher</GraphiQL.Logo>
      <GraphiQL.Footer>
        <Companion />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}
