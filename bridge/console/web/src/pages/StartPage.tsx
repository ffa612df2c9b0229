/** `/`: where to go, for whoever was given the bridge's address alone. */

import "../styles/pay.css";
import "../styles/own.css";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { LanguageChooser, useWords } from "../parts/speaking";
import type { Fixed } from "../words/catalogue";
import { inTheSameLanguage } from "../words/languages";

const PLACES: readonly { path: string; name: Fixed; about: Fixed }[] = [
  { path: "/orders", name: "yourOrders", about: "aboutOrders" },
  { path: "/sales", name: "yourSales", about: "aboutSales" },
  { path: "/ops", name: "theConsole", about: "aboutConsole" },
  { path: "/ops/system", name: "theSystem", about: "aboutSystem" },
];

export function StartPage(): JSX.Element {
  const words = useWords();
  useEffect(() => {
    document.title = words.say("theBridge");
  }, [words]);
  return (
    <div class="pay">
      <main id="main" class="own">
        <h1>{words.say("theBridge")}</h1>
        <p>{words.say("whatItDoes")}</p>
        <ul class="own-list">
          {PLACES.map(({ path, name, about }) => (
            <li key={path} class="own-entry">
              <a href={inTheSameLanguage(path, location.search)}>{words.say(name)}</a>
              <span class="own-about">{words.say(about)}</span>
            </li>
          ))}
        </ul>
      </main>
      <LanguageChooser />
    </div>
  );
}
