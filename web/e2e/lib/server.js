import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = process.env.STANDALONE ?? fileURLToPath(new URL("../../../bin/standalone", import.meta.url));

/** Starts the standalone program on a folder of its own. */
export async function startServer() {
  const dir = await mkdtemp(join(tmpdir(), "datapusher-browser-"));
  const child = spawn(program, [
    "--data-dir", dir, "--listen", "127.0.0.1:0", "--temporal-listen", "127.0.0.1:0", "--temporal-ui-listen", "127.0.0.1:0", "--no-demo",
  ]);
  let printed = "";
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await new Promise((resolve, reject) => {
    const read = (chunk) => {
      printed += chunk;
      if (printed.includes("Stop with Ctrl-C")) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    ended.then((code) => reject(new Error(`${program} ended with ${code}:\n${printed}`)));
  });
  const { api } = JSON.parse(await readFile(join(dir, "endpoints.json"), "utf8"));
  const adminToken = (await readFile(join(dir, "admin-token"), "utf8")).trim();
  return {
    url: api,
    adminToken,
    printed: () => printed,
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A client of the API, as any program has one. */
export function newClient(url, token) {
  return {
    async query(query, variables = {}) {
      const response = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
        body: JSON.stringify({ query, variables }),
      });
      const answer = await response.json();
      if (answer.errors) throw new Error(JSON.stringify(answer.errors));
      return answer.data;
    },
    async send(payload, type) {
      const response = await fetch(`${url}/server/incoming_data`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}`, ...(type && { "Event-Type": type }) },
        body: typeof payload === "string" ? payload : JSON.stringify(payload),
      });
      const answer = await response.json();
      if (response.status !== 202) throw new Error(JSON.stringify(answer));
      return answer.event_id;
    },
    with: (other) => newClient(url, other),
  };
}
