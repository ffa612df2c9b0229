/** A QR code as one path. It is dark on light in both colour schemes: many wallets read no other. */

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import encodeQR from "qr";

const QUIET_ZONE = 3;

export function QrCode({ text, label }: { text: string; label: string }): JSX.Element {
  const { path, size } = useMemo(() => drawn(text), [text]);
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <path d={path} />
    </svg>
  );
}

function drawn(text: string): { path: string; size: number } {
  const modules = encodeQR(text, "raw", { ecc: "medium", border: QUIET_ZONE });
  const runs = modules.flatMap((row, y) => {
    const found: string[] = [];
    for (let x = 0; x < row.length; x += 1) {
      const begin = x;
      while (row[x]) x += 1;
      if (x > begin) found.push(`M${begin} ${y}h${x - begin}v1h${begin - x}z`);
    }
    return found;
  });
  return { path: runs.join(""), size: modules.length };
}
