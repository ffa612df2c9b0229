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
import { LanguageChooser, useWords } from "../parts/speaking";
import { inTheSameLanguage } from "../words/languages";
import { type Grows, watchedOwn } from "./own";
import { PayFrame } from "./PayFrame";

const TITLES = { seller: "yourSales", buyer: "yourOrders" } as const;

export function OwnPage({ side }: { side: Side }): JSX.Element {
  const words = useWords();
  const me = subjectOf(heldToken()) ?? new URLSearchParams(location.search).get(`${side}Id`);
  useEffect(() => {
    document.title = words.say(TITLES[side]);
  }, [side, words]);
  return me === null || me === "" ? <WhoseOwn side={side} /> : <Own side={side} me={me} />;
}

/** Where nobody brings a token, somebody has to say whose lists these are. */
function WhoseOwn({ side }: { side: Side }): JSX.Element {
  const words = useWords();
  const [id, setId] = useState("");
  return (
    <div class="pay">
      <main id="main" class="own">
        <h1>{words.say(TITLES[side])}</h1>
        <p>{words.say("linkLeadsHere")}</p>
        <form
          class="whose"
          onSubmit={(event) => {
            event.preventDefault();
            if (id.trim() === "") return;
            const mine = new URLSearchParams([[`${side}Id`, id.trim()]]).toString();
            location.assign(inTheSameLanguage(`${location.pathname}?${mine}`, location.search));
          }}
        >
          <label>
            <span>{words.say(side === "seller" ? "sellersId" : "buyersId")}</span>
            <input value={id} required onInput={({ currentTarget }) => setId(currentTarget.value)} />
          </label>
          <button type="submit" class="primary">
            {words.say("show")}
          </button>
        </form>
      </main>
      <LanguageChooser />
    </div>
  );
}

function Own({ side, me }: { side: Side; me: string }): JSX.Element {
  const own = useMemo(() => watchedOwn(side, me), [side, me]);
  return (
    <PayFrame watched={own} title={me} loading={side === "seller" ? "loadingSales" : "loadingOrders"}>
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
  const words = useWords();
  const { payments, payouts, onItsWay } = lists;
  const entries = payments.items.map((payment) => ({ ...payment, key: payment.paymentId, line: paymentEntry(words, payment, side, me) }));
  const out = (listed: OwnLists["payouts"]): Dated[] =>
    listed.items.map((payout) => ({ ...payout, key: payout.payoutId, line: payoutEntry(words, payout) }));
  return (
    <div class="own">
      <h1>{words.say(TITLES[side])}</h1>
      {side === "buyer" ? (
        <Entries dated={entries} rest={payments} none={words.say("boughtNothing")} more={() => showMore("payments")} />
      ) : (
        <>
          <Section title={words.say("onTheWayToYou")}>
            <Entries dated={out(onItsWay)} rest={{ ...onItsWay, next: null }} none={words.say("nothingOnItsWay")} />
          </Section>
          <Section title={words.say("sales")}>
            <Entries dated={entries} rest={payments} none={words.say("soldNothing")} more={() => showMore("payments")} />
          </Section>
          <Section title={words.say("payouts")}>
            <Entries dated={out(payouts)} rest={payouts} none={words.say("nothingPaidOut")} more={() => showMore("payouts")} />
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
  const words = useWords();
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
          {words.say("showMore")}
        </button>
      )}
    </>
  );
}

function Entry({ id, createdAt, line, now }: { id: string; createdAt: string; line: OwnLine; now: number }): JSX.Element {
  const words = useWords();
  const path = inTheSameLanguage(line.path, location.search);
  return (
    <li class={`own-entry tone-${line.tone}`} data-id={id}>
      <a href={path}>
        <Amount amount={line.amount} currency={line.currency} />
        <bdi class="own-about">{line.about}</bdi>
      </a>
      <span class="own-words">{line.words}</span>
      <time dateTime={createdAt} title={moment(createdAt, words.locale)}>
        {when(createdAt, now, words.locale)}
      </time>
      {line.asks !== null && (
        <a class="own-asks" href={path}>
          {line.asks}
        </a>
      )}
    </li>
  );
}
