/** Whose page it looks like: the shop's name and logo, as it is configured; nothing where nothing is. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { get, Problem } from "../net/rest";
import { Store, useStore } from "../net/store";
import { useWords } from "./speaking";

interface Branding {
  name: string;
  logo: string | null;
  shopUrl: string | null;
}

/** Null until it is known. */
const branding = new Store<Branding | null>(null);

/** The shop's page by the configuration; null where it names none. */
export function useShopUrl(): string | null {
  return useStore(branding)?.shopUrl ?? null;
}

export function Brand(): JSX.Element | null {
  const words = useWords();
  const brand = useStore(branding);
  useEffect(() => {
    get<Branding>("/brand.json").then((found) => branding.set(found), (error: unknown) => {
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
