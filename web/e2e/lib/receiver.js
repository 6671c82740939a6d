import { createServer } from "node:http";
import { once } from "node:events";

/** A receiver whose answer can be changed while it runs. */
export async function startReceiver(status = 200, body = '{"received":true}') {
  const receiver = { status, body, delay: 0, requests: [] };
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      receiver.requests.push({ method: request.method, url: request.url, headers: request.headers, body: text });
      setTimeout(() => {
        response.writeHead(receiver.status, { "Content-Type": "application/json", "X-Receiver": "shop" });
        response.end(receiver.status < 300 ? receiver.body : '{"error":"the shop is closed for maintenance"}');
      }, receiver.delay);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  receiver.url = `http://127.0.0.1:${server.address().port}/webhooks`;
  receiver.stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return receiver;
}
