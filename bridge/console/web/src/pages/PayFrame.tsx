/** The frame of the pages that buyers and sellers see, and what they see when there is nothing to show. */

import type { ComponentChildren, JSX } from "preact";
import { Brand } from "../parts/Brand";
import { ConnectionMark, ConnectionNote } from "../parts/ConnectionMark";
import { Empty, Failed, Loading } from "../parts/Notice";
import { LanguageChooser, useWords } from "../parts/speaking";
import { useStore } from "../net/store";
import type { Problem } from "../net/rest";
import type { Fixed } from "../words/catalogue";
import type { Watched } from "./paying";

interface FrameProps<Document> {
  watched: Pick<Watched<Document>, "looked" | "live" | "lookAgain">;
  title: string;
  /** What is said while it is being loaded. */
  loading?: Fixed;
  children: (document: Document) => ComponentChildren;
}

export function PayFrame<Document>({ watched, title, loading = "loadingPayment", children }: FrameProps<Document>): JSX.Element {
  const words = useWords();
  const { connection } = watched.live;
  const { document: found, problem } = useStore(watched.looked);
  const { state } = useStore(connection);
  return (
    <div class="pay">
      <header class="pay-head">
        <Brand />
        <span class="pay-title">
          <bdi>{title}</bdi>
        </span>
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
          <Loading>{words.say(loading)}</Loading>
        )}
      </main>
      <LanguageChooser />
    </div>
  );
}

function NotAdmitted(): JSX.Element {
  const words = useWords();
  return (
    <Empty>
      <h1>{words.say("notKnown")}</h1>
      <p>{words.say("openByLink")}</p>
    </Empty>
  );
}

function NotFound({ title, problem, retry }: { title: string; problem: Problem; retry: () => void }): JSX.Element {
  const words = useWords();
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
      <h1>{words.say("noSuchPayment")}</h1>
      <p>{words.say("askForLink")}</p>
    </Empty>
  );
}
