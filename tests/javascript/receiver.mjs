// A small back end that verifies webhooks with the stock library of Standard Webhooks, and writes down what it takes.
//
// It listens on a free port of loopback and prints {"port"}. It reads a JSON line for each path: {"path", "secret", "refuses": n,
// "holdsMs": ms}; of what comes there it refuses the first try of every n-th message, in the order in which their first tries come
// (0: none), and answers so late. It prints {"path", "id", "offset", "number"} for each message that it takes, and {"path", "wrong"}
// for one that is not signed as it should be.
import http from "node:http";
import readline from "node:readline";
import { Webhook } from "standardwebhooks";

const paths = new Map();
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

function answer(path, headers, body) {
  const { webhook, refuses, tried } = paths.get(path);
  let message;
  try {
    message = webhook.verify(body, headers);
  } catch (error) {
    print({ path, wrong: error.message });
    return 401;
  }
  const id = headers["webhook-id"];
  if (!tried.has(id)) {
    tried.add(id);
    if (refuses > 0 && tried.size % refuses === 0) return 500;
  }
  print({ path, id, offset: message.offset, number: Number(message.data.type) });
  return 204;
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const status = answer(request.url, request.headers, Buffer.concat(parts).toString());
    setTimeout(() => response.writeHead(status).end(), paths.get(request.url).holdsMs);
  });
});
server.listen(0, "127.0.0.1", () => print({ port: server.address().port }));

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { path, secret, refuses, holdsMs } = JSON.parse(line);
  paths.set(path, { webhook: new Webhook(secret), refuses, holdsMs, tried: new Set() });
}
process.exit();
