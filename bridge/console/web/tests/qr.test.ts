import encodeQR from "qr";
import decodeQR from "qr/decode.js";
import { expect, it } from "vitest";

it("a QR code leads a wallet to just what was put into it", () => {
  const uri = "ethereum:0xdAC17F958D2ee523a2206206994597C13D831ec7@1/transfer?address=0x6f2Fa34bC0EE&uint256=49900000";
  const modules = encodeQR(uri, "raw", { ecc: "medium", border: 3 });
  const scale = 4;
  const size = modules.length * scale;
  const data = new Uint8ClampedArray(size * size * 4).fill(255);
  modules.forEach((row, y) =>
    row.forEach((isDark, x) => {
      if (!isDark) return;
      for (let dy = 0; dy < scale; dy += 1) {
        for (let dx = 0; dx < scale; dx += 1) {
          const place = ((y * scale + dy) * size + x * scale + dx) * 4;
          data.fill(0, place, place + 3);
        }
      }
    }),
  );
  expect(decodeQR({ width: size, height: size, data })).toBe(uri);
});
