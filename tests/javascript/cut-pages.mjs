// Proxies for pages in a browser, each of which cuts all that goes through it once: after a certain packet of its WebSocket.
//
// node cut-pages.mjs URL CUT...
// It prints {"cut", "port"} for each when it listens, and {"cut", "isCut": true} when that was done.
import { CuttingProxy } from "./cutting-proxy.mjs";

const [url, ...cuts] = process.argv.slice(2);
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

for (const cut of cuts.map(Number)) {
  const proxy = new CuttingProxy(Number(new URL(url).port), [cut], { countsAll: false });
  proxy.whenCut = () => print({ cut, isCut: true });
  print({ cut, port: await proxy.listen() });
}
process.stdin.on("end", () => process.exit()).resume();
