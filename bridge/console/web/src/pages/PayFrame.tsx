/** The frame of the pages that buyers and sellers see, and what they see when there is nothing to show. */

import "../styles/pay.css";
import type { ComponentChildren, JSX } from "preact";
import { Brand } from "../parts/Brand";
import { ConnectionMark, ConnectionNote } from "../parts/ConnectionMark";
import { Empty, Failed, Loading } from "../parts/Notice";
import { useStore } from "../net/store";
import type { Problem } from "../net/rest";
import type { Watched } from "./paying";

interface FrameProps<Document> {
  watched: Pick<Watched<Document>, "looked" | "live" | "lookAgain">;
  title: string;
  /** What is being loaded, in words. */
  what?: string;
  children: (document: Document) => ComponentChildren;
}

export function PayFrame<Document>({ watched, title, what = "the payment", children }: FrameProps<Document>): JSX.Element {
  const { connection } = watched.live;
  const { document: found, problem } = useStore(watched.looked);
  const { state } = useStore(connection);
  return (
    <div class="pay">
      <header class="pay-head">
        <Brand />
        <span class="pay-title">{title}</span>
        <ConnectionMark connection={connection} />
      </header>
      <ConnectionNote connection={connection} />
      <main id="main">
        {found !== null && (problem === null || problem.mayPass) ? (
          children(found)
        ) : state === "refused" ? (
          <NotAdmitted />
        ) : problem !== null ? (
          <NotFound title={title} problem={problem} retry={watched.lookAgain} />
        ) : (
          <Loading what={what} />
        )}
      </main>
    </div>
  );
}

function NotAdmitted(): JSX.Element {
  return (
    <Empty>
      <h1>This page does not know you</h1>
      <p>Open it again by the link in the shop: the link lets you in, and it does not last for ever.</p>
    </Empty>
  );
}

function NotFound({ title, problem, retry }: { title: string; problem: Problem; retry: () => void }): JSX.Element {
  if (problem.mayPass) {
    return (
      <>
        <h1 class="unseen">{title}</h1>
        <Failed error={problem} retry={retry} />
      </>
    );
  }
  if (problem.status === 401 || problem.status === 403) return <NotAdmitted />;
  return (
    <Empty>
      <h1>There is no such payment</h1>
      <p>Is the address complete? If you came here by a link, ask whoever gave it to you for a new one.</p>
    </Empty>
  );
}
