/** What needs a person first: what happened, what to do about it, and the buttons to do it. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { counted, giftOf, howMany, isProblem, isWrongWithPayments, KINDS, keyOf, leftOutWords, mayDo, nothingListed, RULINGS, storyPath } from "../model/attention";
import type { AttentionItem, AttentionKind, LeftOut, StaffAction } from "../model/ops-documents";
import { NO_FILTERS } from "../model/filters";
import { withShortHashes } from "../model/payment-links";
import { age, moment } from "../model/times";
import { useStore } from "../net/store";
import { useNow } from "../parts/clock";
import { OutIcon } from "../parts/icons";
import { Failed, Loading } from "../parts/Notice";
import { desk } from "./desk";
import { askFor } from "./Dialogs";
import { apply } from "./FilterBar";
import { Handling, Views } from "./Handling";
import type { Intent } from "./intents";
import { Link } from "./router";

const SHOWN_AT_FIRST = 4;

export function AttentionList(): JSX.Element {
  const { answer, problem } = useStore(desk.attention);
  const [showsAll, setShowsAll] = useState(false);
  const view = useStore(desk.view);
  const isOpenToAll = view.state === "open" && view.assignedTo === null;
  const items = answer?.items ?? [];
  const leftOut = answer?.leftOut ?? [];
  const shown = showsAll ? items : items.slice(0, SHOWN_AT_FIRST);
  return (
    <section class="attention" aria-labelledby="attention-heading">
      <h2 id="attention-heading">
        Needs a person {items.length > 0 && <span class="badge">{howMany(items, leftOut)}</span>}
      </h2>
      <p class="unseen" role="status">
        {answer === null ? "" : items.length === 0 ? nothingListed(answer, isOpenToAll) : `Needs a person: ${[counted(items), ...leftOut.map(leftOutWords)].join(", ")}.`}
      </p>
      {answer === null && problem === null && <Loading>Loading what needs a person …</Loading>}
      {problem !== null && <Failed error={problem} retry={() => void desk.askAttention()} />}
      {answer !== null && items.length === 0 && problem === null && (
        <p class="all-well">{nothingListed(answer, isOpenToAll)}</p>
      )}
      {answer !== null && <Views />}
      <ul>
        {shown.map((item) => (
          <Item key={keyOf(item)} item={item} />
        ))}
      </ul>
      {items.length > SHOWN_AT_FIRST && (
        <button type="button" class="quiet" aria-expanded={showsAll} onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? "Show the most urgent" : `Show all ${items.length}`}
        </button>
      )}
      {leftOut.length > 0 && <NotListed leftOut={leftOut} />}
    </section>
  );
}

/** Shows more of a kind; null where that can be done nowhere. */
function whereToSee(kind: AttentionKind): (() => void) | null {
  if (kind === "transfer-unmatched") return () => void desk.askForMoreTransfers();
  return isWrongWithPayments(kind) ? () => apply({ ...NO_FILTERS, view: "payments", problem: kind }) : null;
}

function NotListed({ leftOut }: { leftOut: readonly LeftOut[] }): JSX.Element {
  return (
    <div class="not-listed">
      <p>Not all that needs a person is listed here. The rest follows once these are done:</p>
      <ul>
        {leftOut.map((one) => {
          const see = whereToSee(one.kind);
          const words = leftOutWords(one);
          return (
            <li key={one.kind}>
              {see === null ? (
                words
              ) : (
                <button type="button" class="quiet" onClick={see}>
                  {words}
                </button>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const LABELS: Record<StaffAction, string> = {
  approve: "Approve …",
  reject: "Reject …",
  recheck: "Re-check",
  replay: "Replay",
  resolve: "Resolve …",
  resume: "Resume …",
  give: "Give to a payment …",
  dismiss: "Dismiss …",
  ...RULINGS,
};

function intentOf(action: StaffAction, item: AttentionItem): Intent | null {
  const { kind, payoutId, paymentId, refundId, webhookId, title, detail } = item;
  switch (action) {
    case "resume":
      return { action, title, detail };
    case "dismiss":
      return { action, id: item.id, seen: item.mark, title, detail };
    case "replay":
      return webhookId ? { action, webhookId, title, detail } : null;
    case "settle":
      return paymentId && isProblem(kind) ? { action, paymentId, problem: kind, title, detail } : null;
    case "give": {
      const gift = giftOf(item);
      return gift && { action, gift, title, detail };
    }
    case "withdraw":
      return refundId ? { action, refundId, title, detail } : null;
    case "refund":
    case "accept":
    case "wait":
    case "cancel":
      return paymentId ? { action, paymentId, title, detail } : null;
    default:
      return payoutId ? { action, payoutId, title, detail } : null;
  }
}

function Item({ item }: { item: AttentionItem }): JSX.Element {
  const now = useNow(10_000);
  const session = useStore(desk.session);
  const story = storyPath(item);
  return (
    <li class="item" data-kind={item.kind}>
      <p class="item-kind">
        <span class="state-mark" aria-hidden="true" />
        {KINDS[item.kind]}
        <time dateTime={item.since} title={moment(item.since)}>
          {age(item.since, now)}
        </time>
      </p>
      <h3>{story === null ? item.title : <Link href={story}>{item.title}</Link>}</h3>
      {item.detail !== "" && <p class="item-detail">{withShortHashes(item.detail)}</p>}
      <p class="item-advice">{item.advice}</p>
      <div class="item-actions">
        {item.actions.map((action) => {
          const intent = intentOf(action, item);
          return (
            intent !== null &&
            mayDo(session, action) && (
              <button
                type="button"
                key={action}
                aria-label={`${LABELS[action].replace(" …", "")}: ${item.title}, ${item.payoutId ?? item.refundId ?? item.webhookId ?? item.paymentId ?? item.id}`}
                onClick={() => askFor(intent)}
              >
                {LABELS[action]}
              </button>
            )
          );
        })}
        {item.explorerUrl && (
          <a href={item.explorerUrl} target="_blank" rel="noreferrer">
            Explorer <OutIcon />
            <span class="unseen"> for {item.title}, in a new tab</span>
          </a>
        )}
      </div>
      <Handling item={item} />
    </li>
  );
}
