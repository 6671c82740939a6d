import "./workers";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./playground.css";
import { createRoot } from "react-dom/client";
import { Playground } from "./playground";

const endpoint = document.querySelector<HTMLMetaElement>('meta[name="graphql-endpoint"]')!.content;

createRoot(document.getElementById("root")!).render(<Playground endpoint={endpoint} />);
