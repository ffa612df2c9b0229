/** `/ops/payouts/{id}` and `/ops/payments/{id}`: one payout or payment, and all that happened to it. */

import "../styles/story.css";
import type { ComponentChildren, JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { agreed, money, withFee } from "../model/amounts";
import { mayDo, mayWithdraw, PROBLEMS, RULINGS } from "../model/attention";
import { disputeWords } from "../model/disputes";
import type { PaymentDocument } from "../model/documents";
import type { PaymentRow, PaymentStory, PayoutRow, Step } from "../model/ops-documents";
import type { View } from "../model/filters";
import { withShortHashes } from "../model/payment-links";
import { moment, when } from "../model/times";
import { get, Problem } from "../net/rest";
import { useStore } from "../net/store";
import { useNow } from "../parts/clock";
import { CopyButton } from "../parts/CopyButton";
import { OutIcon } from "../parts/icons";
import { Empty, Failed, Loading } from "../parts/Notice";
import { askedBy, Waiting, worthOf } from "./Approval";
import { desk } from "./desk";
import { askFor } from "./Dialogs";
import { Heading } from "./Heading";
import { StateMark } from "./marks";
import { StoryRefunds } from "./StoryRefunds";
import { linked } from "./linked";
import { Link } from "./router";

type Told =
  | { view: "payouts"; row: PayoutRow; story: { steps: Step[] } }
  | { view: "payments"; row: PaymentRow; story: PaymentStory };

export function Story({ view, id }: { view: View; id: string }): JSX.Element {
  const [told, setTold] = useState<Told | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const asking = useRef({ isUnderWay: false, isStale: false });
  const look = useCallback(async (): Promise<void> => {
    const { current } = asking;
    current.isStale = true;
    if (current.isUnderWay) return;
    current.isUnderWay = true;
    try {
      while (current.isStale) {
        current.isStale = false;
        const path = `/api/ops/${view}/${encodeURIComponent(id)}`;
        const [row, story] = await Promise.all([get<unknown>(path), get<unknown>(`${path}/story`)]);
        setTold({ view, row, story } as Told);
        setProblem(null);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    } finally {
      current.isUnderWay = false;
    }
  }, [view, id]);
  useEffect(() => {
    void look();
    return desk.watchStories((payoutId, paymentId) => {
      const isAll = payoutId === undefined && paymentId === undefined;
      if (isAll || (view === "payouts" ? payoutId : paymentId) === id) void look();
    });
  }, [look, view, id]);
  const what = view === "payouts" ? "payout" : "payment";
  if (problem !== null && problem.status === 404) {
    return (
      <Empty>
        <Heading title={`No such ${what}`}>There is no such {what}</Heading>
        <p>
          Nothing here is called <code>{id}</code>. <Link href="/ops">Search for it</Link>.
        </p>
      </Empty>
    );
  }
  return (
    <div class="story">
      <p class="back">
        <Link href={view === "payouts" ? "/ops" : "/ops?view=payments"}>All {view}</Link>
      </p>
      <Heading title={`${what === "payout" ? "Payout" : "Payment"} ${id}`}>
        {what === "payout" ? "Payout" : "Payment"} <code>{id}</code>
      </Heading>
      {problem !== null && <Failed error={problem} retry={() => void look()} />}
      {told === null && problem === null && <Loading>{`Loading the ${what} …`}</Loading>}
      {told !== null && (
        <>
          {told.view === "payouts" ? <PayoutFacts row={told.row} /> : <PaymentFacts row={told.row} story={told.story} />}
          <Steps steps={told.story.steps} id={id} />
        </>
      )}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const TO_RESOLVE = ["ambiguous", "mismatch", "dropped"];
const SETTLED = ["failed", "returned"];

function PayoutFacts({ row }: { row: PayoutRow }): JSX.Element {
  const session = useStore(desk.session);
  const subject = { payoutId: row.payoutId, title: `${agreed(row.amount, row.coin)} to ${row.buyerId ?? row.sellerId}`, detail: row.destination };
  const needsAPerson = TO_RESOLVE.includes(row.status) || row.overdue;
  const mayBeResolved = needsAPerson || row.revocable || row.txHashes.length > 0;
  const isWaiting = row.status === "awaiting_approval";
  return (
    <section class="facts" aria-label="How it stands">
      <p class="facts-head">
        <span class="amount">{agreed(row.amount, row.coin)}</span>
        <StateMark status={row.status} isOverdue={row.overdue} />
      </p>
      {row.reasons.map((reason) => (
        <p key={reason} class={needsAPerson || row.status !== "created" ? "fault" : "soft"}>
          {reason}
        </p>
      ))}
      {isWaiting && <Waiting row={row} />}
      {((row.revocable && (mayDo(session, "reject") || mayDo(session, "resolve"))) || mayWithdraw(session, row)) && (
        <div class="item-actions">
          {isWaiting && mayDo(session, "approve") && (
            <button type="button" onClick={() => askFor({ action: "approve", ...subject })}>
              Approve …
            </button>
          )}
          {row.revocable && mayDo(session, "reject") && (
            <button type="button" onClick={() => askFor({ action: "reject", ...subject })}>
              Reject …
            </button>
          )}
          {mayWithdraw(session, row) && (
            <button type="button" onClick={() => askFor({ action: "withdraw-payout", ...subject })}>
              Withdraw …
            </button>
          )}
          {isWaiting && mayDo(session, "resolve") && (
            <button type="button" onClick={() => askFor({ action: "resolve", ...subject })}>
              Resolve …
            </button>
          )}
        </div>
      )}
      {!isWaiting && !SETTLED.includes(row.status) && mayDo(session, "recheck") && (
        <div class="item-actions">
          <button type="button" onClick={() => askFor({ action: "recheck", ...subject })}>
            Re-check
          </button>
          {mayBeResolved && (
            <button type="button" onClick={() => askFor({ action: "resolve", ...subject })}>
              Resolve …
            </button>
          )}
        </div>
      )}
      <dl>
        {row.buyerId === null ? <Fact name="Seller">{row.sellerId}</Fact> : <Fact name="Refund to">{row.buyerId}</Fact>}
        <Fact name="Payment">
          <Link href={`/ops/payments/${encodeURIComponent(row.paymentId)}`}>{row.paymentId}</Link>
        </Fact>
        <Fact name="Provider">
          {row.provider}
          {row.chain === null ? "" : `, on ${row.chain}`}
        </Fact>
        <Fact name="Task">{row.taskId === null || row.taskId === row.payoutId ? "none yet" : row.taskId}</Fact>
        <Fact name="Confirmations">{confirmations(row)}</Fact>
        <Fact name="On chain">{row.verification ?? "not watched"}</Fact>
        <Fact name="To">
          <Address text={row.destination} />
        </Fact>
        <Fact name={row.txHashes.length > 1 ? "Transactions" : "Transaction"}>
          {row.txHashes.length === 0 && "none yet"}
          {row.txHashes.map((hash) => (
            <span key={hash} class="hash">
              <code class="broken">{hash}</code> <CopyButton text={hash} label="Copy the transaction hash" />
            </span>
          ))}
          {row.explorerUrl !== null && (
            <a href={row.explorerUrl} target="_blank" rel="noreferrer">
              Explorer <OutIcon />
              <span class="unseen"> in a new tab</span>
            </a>
          )}
        </Fact>
        <Fact name="Worth">{worthOf(row)}</Fact>
        {(row.networkFee ?? row.networkFeeUnknown) !== null && (
          <Fact name="Network fee">
            {row.networkFee === null ? `not known: ${row.networkFeeUnknown ?? ""}` : money(row.networkFee, row.networkFeeCoin ?? "")}
          </Fact>
        )}
        <Fact name="Asked for">
          {moment(row.createdAt)}
          {row.askedBy === null ? "" : `, by ${askedBy(row)}`}
        </Fact>
        {row.approvedBy !== null && <Fact name="Approved by">{row.approvedBy}</Fact>}
        <Fact name="Last change">{moment(row.updatedAt)}</Fact>
      </dl>
    </section>
  );
}

function PaymentFacts({ row, story }: { row: PaymentRow; story: PaymentStory }): JSX.Element {
  const session = useStore(desk.session);
  const title = `${agreed(row.amount, row.currency)} of ${row.buyerId} to ${row.sellerId}`;
  const { paymentId } = row;
  return (
    <section class="facts" aria-label="How it stands">
      <p class="facts-head">
        <span class="amount">{agreed(row.amount, row.currency)}</span>
        <StateMark status={row.status} />
      </p>
      {story.problems.map(({ kind, detail }) => (
        <div key={kind} class="finding" data-kind={kind}>
          <p class="fault">
            <strong>{PROBLEMS[kind]}:</strong> {linked(withShortHashes(detail))}
          </p>
          {mayDo(session, "settle") && (
            <div class="item-actions">
              <button
                type="button"
                aria-label={`Settled elsewhere: ${PROBLEMS[kind]}`}
                onClick={() => askFor({ action: "settle", paymentId, problem: kind, title: PROBLEMS[kind], detail })}
              >
                {RULINGS.settle}
              </button>
            </div>
          )}
        </div>
      ))}
      {story.misfits.length > 0 && (
        <>
          <p class="soft">Told of it, and not counted:</p>
          <ul class="misfits">
            {story.misfits.map(({ kind, detail }) => (
              <li key={`${kind} ${detail}`}>
                {kind.replaceAll("-", " ")}: {linked(withShortHashes(detail))}
              </li>
            ))}
          </ul>
        </>
      )}
      {story.decisions.length > 0 && mayDo(session, "accept") && (
        <div class="item-actions">
          {story.decisions.map((action) => (
            <button
              type="button"
              key={action}
              onClick={() => askFor({ action, paymentId, title, detail: paymentId })}
            >
              {RULINGS[action]}
            </button>
          ))}
        </div>
      )}
      <StoryRefunds row={row} story={story} title={title} />
      <dl>
        <PlacesToPay document={story.document} />
        <Fact name="Received">{withFee(row.received, row.fee, row.currency)}</Fact>
        <Fact name="Missing">{withFee(row.missing, row.missingFee, row.currency)}</Fact>
        <Fact name="Too much">{agreed(row.excess, row.currency)}</Fact>
        <Fact name="Sent back">{agreed(row.refunded, row.currency)}</Fact>
        {story.document.disputes.length > 0 && (
          <Fact name="Disputed">{story.document.disputes.map((one) => disputeWords(one, row.currency)).join("; ")}</Fact>
        )}
        <Fact name="Escrow">
          {row.escrowState}
          {row.late ? ", some came late" : ""}
        </Fact>
        <Fact name="Buyer">{row.buyerId}</Fact>
        <Fact name="Seller">{row.sellerId}</Fact>
        <Fact name="Request">{row.requestId}</Fact>
        {row.checkoutId !== null && (
          <Fact name="Checkout">
            <a href={`/checkout/${encodeURIComponent(row.checkoutId)}`}>{row.checkoutId}</a>
          </Fact>
        )}
        <Fact name="Provider">
          {row.provider}, as {row.externalId}
        </Fact>
        <Fact name="Confirmations">{confirmations(row)}</Fact>
        <Fact name="Registered">{moment(row.createdAt)}</Fact>
        <Fact name="Waits until">{row.expiresAt === null ? "it is paid" : moment(row.expiresAt)}</Fact>
        <Fact name="Its page">
          <a href={`/pay/${encodeURIComponent(row.paymentId)}`}>as the buyer sees it</a>
        </Fact>
      </dl>
    </section>
  );
}

/** Where the buyer is to pay, also before anything came: every address that money is compared with. */
function PlacesToPay({ document: { direct, invoices } }: { document: PaymentDocument }): JSX.Element {
  return (
    <>
      {direct !== null && <Place coin={`on ${direct.chain}`} address={direct.recipient} />}
      {direct?.payer != null && (
        <Fact name="From">
          <Address text={direct.payer} />
        </Fact>
      )}
      {invoices.map(({ coin, network, address, checkoutUrl }) => (
        <Place
          key={`${coin} ${address ?? ""}`}
          coin={network === null ? coin : `${coin}, on ${network}`}
          address={address}
          elsewhere={checkoutUrl === null ? "no address yet" : "on the provider's own page"}
        />
      ))}
      {direct === null && invoices.length === 0 && <Fact name="To pay to">the shop says where</Fact>}
    </>
  );
}

function Place({ coin, address, elsewhere }: { coin: string; address: string | null; elsewhere?: string }): JSX.Element {
  return (
    <Fact name="To pay to">
      {coin}: {address === null ? elsewhere : <Address text={address} />}
    </Fact>
  );
}

function Address({ text }: { text: string }): JSX.Element {
  return (
    <>
      <code class="broken">{text}</code> <CopyButton text={text} label="Copy the address" />
    </>
  );
}

function confirmations({ confirmations, requiredConfirmations }: PayoutRow | PaymentRow): string {
  if (confirmations === null) return "none awaited";
  return requiredConfirmations === null ? `${confirmations}` : `${confirmations} of ${requiredConfirmations}`;
}

const KIND_NAMES: Record<Step["kind"], string> = {
  registered: "Registered",
  webhook: "Webhook",
  observation: "Noted",
  action: "Done by hand",
  event: "Event",
};

function Steps({ steps, id }: { steps: Step[]; id: string }): JSX.Element {
  const now = useNow(60_000);
  return (
    <section class="history" aria-labelledby="history-heading">
      <h2 id="history-heading">What happened, from the first word to its delivery</h2>
      {steps.length === 0 && <p class="soft">Nothing is on record.</p>}
      <ol>
        {steps.map((step, number) => (
          <li key={number} class={`history-step is-${step.kind}`}>
            <time dateTime={step.at} title={moment(step.at)}>
              {when(step.at, now)}
            </time>
            <div>
              <p class="history-title">
                <span class="tag">{KIND_NAMES[step.kind]}</span> {step.title}
                {step.status != null && <StateMark status={step.status} />}
              </p>
              <Details step={step} id={id} />
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Details({ step, id }: { step: Step; id: string }): JSX.Element | null {
  // What stands on the page already is not said again with every step.
  const details = Object.entries(step.detail).filter(([name, value]) => value !== id && name !== "status");
  const rooms = step.rooms ?? [];
  if (details.length === 0 && rooms.length === 0 && step.deliveries == null) return null;
  return (
    <dl class="details">
      {details.map(([name, value]) => (
        <Fact key={name} name={name}>
          <span class="broken">{linked(value)}</span>
        </Fact>
      ))}
      {rooms.length > 0 && <Fact name="told to">{rooms.join(", ")}</Fact>}
      {step.deliveries != null && (
        <Fact name="delivered">
          {step.deliveries === 0 ? "nobody was connected" : `to ${step.deliveries} ${step.deliveries === 1 ? "connection" : "connections"}`}
          {step.deliveredAfterMs == null ? "" : `, ${milliseconds(step.deliveredAfterMs)} after the commit`}
        </Fact>
      )}
    </dl>
  );
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}\u00a0ms`;
}
