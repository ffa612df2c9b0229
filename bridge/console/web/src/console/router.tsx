/** The console's pages change without loading anew, so that the connection stays. Addresses work as ever. */

import type { ComponentChildren, JSX } from "preact";
import { Store, useStore } from "../net/store";

interface Place {
  path: string;
  query: string;
}

const here = (): Place => ({ path: location.pathname.replace(/\/+$/, "") || "/", query: location.search });

export const place = new Store<Place>(here());

window.addEventListener("popstate", () => place.set(here()));

export function goTo(address: string): void {
  history.pushState(null, "", address);
  place.set(here());
  window.scrollTo(0, 0);
}

/** Changes the query of the page that is open, without a step in the history. */
export function setQuery(query: string): void {
  history.replaceState(history.state, "", location.pathname + query);
  place.set(here());
}

interface LinkProps {
  href: string;
  class?: string;
  tabIndex?: number;
  isCurrent?: boolean;
  children: ComponentChildren;
}

export function Link({ href, isCurrent = false, children, ...others }: LinkProps): JSX.Element {
  const follow = (event: MouseEvent): void => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!isPlain) return;
    event.preventDefault();
    goTo(href);
  };
  return (
    <a href={href} {...others} {...(isCurrent ? { "aria-current": "page" as const } : {})} onClick={follow}>
      {children}
    </a>
  );
}

export function usePlace(): Place {
  return useStore(place);
}
