/** `/sales` and `/orders`: a seller's sales and payouts, a buyer's payments; live, the newest first. */

import "../styles/pay.css";
import "../styles/own.css";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Listed, type OwnLine, type OwnLists, paymentEntry, payoutEntry } from "../model/own";
import type { Side } from "../model/payment-line";
import { moment, when } from "../model/times";
import { heldToken, subjectOf } from "../net/token";
import { Amount } from "../parts/Amount";
import { useNow } from "../parts/clock";
import { type Grows, watchedOwn } from "./own";
import { PayFrame } from "./PayFrame";

const TITLES: Record<Side, string> = { seller: "Your sales", buyer: "Your orders" };

export function OwnPage({ side }: { side: Side }): JSX.Element {
  const me = subjectOf(heldToken()) ?? new URLSearchParams(location.search).get(`${side}Id`);
  useEffect(() => {
    document.title = TITLES[side];
  }, [side]);
  return me === null || me === "" ? <WhoseOwn side={side} /> : <Own side={side} me={me} />;
}

/** Where nobody brings a token, somebody has to say whose lists these are. */
function WhoseOwn({ side }: { side: Side }): JSX.Element {
  const [id, setId] = useState("");
  return (
    <div class="pay">
      <main id="main" class="own">
        <h1>{TITLES[side]}</h1>
        <p>The link in the shop leads here and says who you are. Where the bridge asks nobody for a token, an id does.</p>
        <form
          class="whose"
          onSubmit={(event) => {
            event.preventDefault();
            if (id.trim() !== "") location.search = new URLSearchParams([[`${side}Id`, id.trim()]]).toString();
          }}
        >
          <label>
            <span>{side === "seller" ? "Seller's id" : "Buyer's id"}</span>
            <input value={id} required onInput={({ currentTarget }) => setId(currentTarget.value)} />
          </label>
          <button type="submit" class="primary">
            Show
          </button>
        </form>
      </main>
    </div>
  );
}

function Own({ side, me }: { side: Side; me: string }): JSX.Element {
  const own = useMemo(() => watchedOwn(side, me), [side, me]);
  return (
    <PayFrame watched={own} title={me} what={side === "seller" ? "your sales" : "your orders"}>
      {(lists) => <Lists lists={lists} side={side} me={me} showMore={own.showMore} />}
    </PayFrame>
  );
}

interface ListsProps {
  lists: OwnLists;
  side: Side;
  me: string;
  showMore: (list: Grows) => void;
}

function Lists({ lists, side, me, showMore }: ListsProps): JSX.Element {
  const { payments, payouts, onItsWay } = lists;
  const entries = payments.items.map((payment) => ({ ...payment, key: payment.paymentId, line: paymentEntry(payment, side, me) }));
  const out = (listed: OwnLists["payouts"]): Dated[] =>
    listed.items.map((payout) => ({ ...payout, key: payout.payoutId, line: payoutEntry(payout) }));
  return (
    <div class="own">
      <h1>{TITLES[side]}</h1>
      {side === "buyer" ? (
        <Entries dated={entries} rest={payments} none="You have not bought anything yet." more={() => showMore("payments")} />
      ) : (
        <>
          <Section title="On its way to you">
            <Entries dated={out(onItsWay)} rest={{ ...onItsWay, next: null }} none="Nothing is on its way." />
          </Section>
          <Section title="Sales">
            <Entries dated={entries} rest={payments} none="You have not sold anything yet." more={() => showMore("payments")} />
          </Section>
          <Section title="Payouts">
            <Entries dated={out(payouts)} rest={payouts} none="Nothing was paid out yet." more={() => showMore("payouts")} />
          </Section>
        </>
      )}
    </div>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

interface Dated {
  key: string;
  createdAt: string;
  line: OwnLine;
}

interface EntriesProps {
  dated: readonly Dated[];
  rest: Listed<unknown>;
  none: string;
  more?: () => void;
}

function Entries({ dated, rest, none, more }: EntriesProps): JSX.Element {
  const now = useNow(60_000);
  const list = useRef<HTMLUListElement>(null);
  const shown = useRef(dated.length);
  // Whoever asked for more goes on with the first of it, also where the button has gone.
  const goesOn = useRef(false);
  useEffect(() => {
    if (goesOn.current && dated.length > shown.current) {
      list.current?.children[shown.current]?.querySelector("a")?.focus();
      goesOn.current = false;
    }
    shown.current = dated.length;
  }, [dated.length]);
  if (dated.length === 0) return <p class="own-none">{none}</p>;
  return (
    <>
      <ul class="own-list" ref={list}>
        {dated.map(({ key, createdAt, line }) => (
          <Entry key={key} id={key} createdAt={createdAt} line={line} now={now} />
        ))}
      </ul>
      {rest.next !== null && more !== undefined && (
        <button
          type="button"
          onClick={() => {
            goesOn.current = true;
            more();
          }}
        >
          Show more
        </button>
      )}
    </>
  );
}

function Entry({ id, createdAt, line, now }: { id: string; createdAt: string; line: OwnLine; now: number }): JSX.Element {
  return (
    <li class={`own-entry tone-${line.tone}`} data-id={id}>
      <a href={line.path}>
        <Amount amount={line.amount} currency={line.currency} />
        <span class="own-about">{line.about}</span>
      </a>
      <span class="own-words">{line.words}</span>
      <time dateTime={createdAt} title={moment(createdAt)}>
        {when(createdAt, now)}
      </time>
      {line.asks !== null && (
        <a class="own-asks" href={line.path}>
          {line.asks}
        </a>
      )}
    </li>
  );
}
