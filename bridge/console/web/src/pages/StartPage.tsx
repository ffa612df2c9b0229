/** `/`: where to go, for whoever was given the bridge's address alone. */

import "../styles/pay.css";
import "../styles/own.css";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

const PLACES: readonly { path: string; name: string; about: string }[] = [
  { path: "/orders", name: "Your orders", about: "for buyers: what you pay, and what comes back" },
  { path: "/sales", name: "Your sales", about: "for sellers: what is paid to you, and what is on its way" },
  { path: "/ops", name: "The console", about: "for finance ops: what needs a person" },
  { path: "/ops/system", name: "The system", about: "for finance ops: how the bridge is doing" },
];

export function StartPage(): JSX.Element {
  useEffect(() => {
    document.title = "The bridge";
  }, []);
  return (
    <div class="pay">
      <main id="main" class="own">
        <h1>The bridge</h1>
        <p>It tells buyers, sellers and finance ops how payments stand, as it happens. The page of a payment is reached by its link in the shop.</p>
        <ul class="own-list">
          {PLACES.map(({ path, name, about }) => (
            <li key={path} class="own-entry">
              <a href={path}>{name}</a>
              <span class="own-about">{about}</span>
            </li>
          ))}
        </ul>
      </main>
    </div>
  );
}
