/** Whose page it looks like: the shop's name and logo, as it is configured; nothing where nothing is. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, Problem } from "../net/rest";
import { useWords } from "./speaking";

interface Branding {
  name: string;
  logo: string | null;
}

export function Brand(): JSX.Element | null {
  const words = useWords();
  const [brand, setBrand] = useState<Branding | null>(null);
  useEffect(() => {
    get<Branding>("/brand.json").then(setBrand, (error: unknown) => {
      if (!(error instanceof Problem)) throw error; // the page is as good without
    });
  }, []);
  if (brand === null || (brand.name === "" && brand.logo === null)) return null;
  return (
    <span class="brand-mark">
      {brand.logo !== null && <img src={brand.logo} alt={brand.name === "" ? words.say("theShop") : ""} />}
      <bdi>{brand.name}</bdi>
    </span>
  );
}
