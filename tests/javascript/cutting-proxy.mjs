// What stands between one client and the bridge, and cuts all its connections after certain packets; or its WebSocket alone, when
// the probe of that was answered.
//
// A packet is what can arrive as a whole or not at all: an HTTP request or answer, or a frame of a WebSocket, in either
// direction. They are passed on one by one, in the order in which they come.
import net from "node:net";

export class CuttingProxy {
  packets = 0;
  isCut = false;
  whenCut = () => undefined;
  #open = new Set();
  #held = null; // what the polls are answered meanwhile, where a WebSocket is cut alone

  /**
   * `cutAfter` are numbers of packets, each from the cut before, or "probe": the WebSocket is cut as soon as its probe was answered, and no poll is answered
   * from the probe on until `release` is called. `countsAll`: HTTP requests and answers count, too, and not only what goes over a
   * WebSocket from its opening on.
   */
  constructor(port, cutAfter, { countsAll = true } = {}) {
    this.cutAfter = cutAfter;
    this.countsAll = countsAll;
    this.port = port;
    this.server = net.createServer((near) => this.#join(near, net.connect(port, "127.0.0.1")));
  }

  /** Listens, and gives the port. */
  listen() {
    return new Promise((done) => this.server.listen(0, "127.0.0.1", () => done(this.server.address().port)));
  }

  close() {
    this.server.close();
    this.#cut();
  }

  /** Lets the polls be answered again. */
  release() {
    for (const pass of this.#held ?? []) pass();
    this.#held = null;
  }

  #join(near, far) {
    const pair = [near, far];
    const kind = { isWebSocket: false };
    this.#open.add(pair);
    for (const [from, to] of [pair, [far, near]]) {
      from.setNoDelay(true);
      const read = from === far ? answers(kind) : requests(kind);
      from.on("data", (content) => {
        for (const packet of read(content)) {
          if (this.cutAfter === "probe" && this.#probes(packet, pair, from, kind)) continue;
          const counts = this.countsAll || kind.isWebSocket;
          if (!this.#pass(from === far || kind.isWebSocket ? packet : this.#addressed(packet), to, counts)) return;
        }
      });
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#open.delete(pair);
        to.end();
      });
    }
  }

  /** A request that names the bridge's own address, as if its page were the bridge's. */
  #addressed(request) {
    const own = `127.0.0.1:${this.server.address().port}`;
    return Buffer.from(request.toString("latin1").replaceAll(own, `127.0.0.1:${this.port}`), "latin1");
  }

  /** Follows a probe until its WebSocket is cut; returns whether it keeps a packet, or has passed it on itself. */
  #probes(packet, [near, far], from, { isWebSocket }) {
    if (isWebSocket && !this.isCut && from === near) this.#held ??= [];
    if (!isWebSocket && this.#held !== null && from === far) {
      this.#held.push(() => near.write(packet));
      return true;
    }
    if (!isWebSocket || this.isCut || from === near || !packet.includes("3probe")) return false;
    this.isCut = true;
    near.end(packet);
    far.destroy();
    return true;
  }

  /** Returns whether anything else is passed on. */
  #pass(packet, to, counts) {
    if (to.destroyed) return false;
    if (counts) this.packets += 1;
    const isLast = counts && this.packets === this.cutAfter[0];
    if (!isLast) {
      to.write(packet);
      return true;
    }
    this.packets = 0;
    this.cutAfter.shift();
    to.write(packet, () => {
      this.isCut = this.cutAfter.length === 0;
      this.#cut();
      if (this.isCut) this.whenCut();
    });
    for (const pair of this.#open) for (const end of pair) end.removeAllListeners("data");
    return false;
  }

  #cut() {
    for (const pair of this.#open) for (const end of pair) end.destroy();
    this.#open.clear();
  }
}

const requests = (kind) => packets(kind, () => undefined);
const answers = (kind) =>
  packets(kind, (head) => {
    if (head.startsWith("HTTP/1.1 101")) kind.isWebSocket = true;
  });

/** Reads the packets of one direction of a connection out of the pieces that come. */
function packets(kind, sawHead) {
  let left = Buffer.alloc(0);
  return function* (content) {
    left = Buffer.concat([left, content]);
    for (;;) {
      const length = kind.isWebSocket ? lengthOfFrame(left) : lengthOfMessage(left);
      if (length === null || left.length < length) return;
      const packet = left.subarray(0, length);
      left = left.subarray(length);
      if (!kind.isWebSocket) sawHead(packet.toString("latin1", 0, 64));
      yield packet;
    }
  };
}

function lengthOfFrame(bytes) {
  if (bytes.length < 2) return null;
  const mask = bytes[1] & 0x80 ? 4 : 0;
  const short = bytes[1] & 0x7f;
  if (short < 126) return 2 + mask + short;
  if (bytes.length < 10) return null;
  return short === 126 ? 4 + mask + bytes.readUInt16BE(2) : 10 + mask + Number(bytes.readBigUInt64BE(2));
}

function lengthOfMessage(bytes) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const head = bytes.toString("latin1", 0, end).toLowerCase();
  if (/\r\ntransfer-encoding: *chunked/.test(head)) return lengthOfChunks(bytes, end + 4);
  const length = /\r\ncontent-length: *(\d+)/.exec(head);
  return end + 4 + (length === null ? 0 : Number(length[1]));
}

function lengthOfChunks(bytes, start) {
  for (let at = start; ; ) {
    const line = bytes.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    at = line + 2 + size + 2;
    if (size === 0) return at;
  }
}
