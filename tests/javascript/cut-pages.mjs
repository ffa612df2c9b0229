// Proxies for pages in a browser, each of which cuts all that goes through it once: after a certain packet of its WebSocket,
// the next, and so on.
//
// node cut-pages.mjs URL FIRST COUNT
// It prints {"cut", "port"} for each when it listens, and {"cut", "isCut": true} when that was done.
import { CuttingProxy } from "./cutting-proxy.mjs";

const [url, first, count] = process.argv.slice(2);
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

for (let cut = Number(first); cut < Number(first) + Number(count); cut++) {
  const proxy = new CuttingProxy(Number(new URL(url).port), [cut], { countsAll: false });
  proxy.whenCut = () => print({ cut, isCut: true });
  print({ cut, port: await proxy.listen() });
}
process.stdin.on("end", () => process.exit()).resume();
