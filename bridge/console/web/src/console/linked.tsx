/** Ids of payments and payouts in a text, as links to their stories. */

import type { ComponentChildren } from "preact";
import { storiesIn } from "../model/attention";
import { Link } from "./router";

export function linked(text: string): ComponentChildren {
  return storiesIn(text).map(({ path, words }) => (path === null ? words : <Link href={path}>{words}</Link>));
}
