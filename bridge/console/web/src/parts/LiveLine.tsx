/** The live line of a payment: the headline, what to know, and the steps from waiting to paid. */

import "../styles/line.css";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { PaymentDocument } from "../model/documents";
import { announcement, paymentLine, type Side } from "../model/payment-line";
import type { Step } from "../model/payment-steps";
import { when } from "../model/times";
import type { Words } from "../words/words";
import { CheckIcon } from "./icons";
import { useWords } from "./speaking";

export function LiveLine({ payment, side, now }: { payment: PaymentDocument; side: Side; now: number }): JSX.Element {
  const words = useWords();
  const line = paymentLine(words, payment, side, now);
  return (
    <section class={`line tone-${line.tone}`} aria-labelledby="line-headline" data-status={payment.status}>
      <h2 id="line-headline">
        {line.tone === "done" && (
          <span class="seal">
            <CheckIcon size={22} />
          </span>
        )}
        {line.headline}
      </h2>
      <p class="line-sentence">{line.sentence}</p>
      {line.remarks.map((remark) => (
        <p class="line-remark" key={remark}>
          {remark}
        </p>
      ))}
      <Track payment={payment} arrived={line.arrived} />
      <ol class="steps">
        {line.steps.map((step) => (
          <StepItem key={step.name} step={step} now={now} />
        ))}
      </ol>
      <Announcer key={words.language} words={words} payment={payment} side={side} />
    </section>
  );
}

/** How much has come, and of what is confirming how far: both beside the words, so they are hidden from readers. */
function Track({ payment, arrived }: { payment: PaymentDocument; arrived: number }): JSX.Element {
  const { status, confirmations, requiredConfirmations: needed } = payment;
  if (status === "confirming" && confirmations !== null && needed !== null && needed <= 40) {
    return (
      <div class="blocks" aria-hidden="true">
        {Array.from({ length: needed }, (_, place) => (
          <span key={place} class={place < confirmations ? "is-there" : ""} />
        ))}
      </div>
    );
  }
  const isMoving = status === "confirming";
  return (
    <div class={`track${isMoving ? " is-moving" : ""}`} aria-hidden="true">
      <span style={{ width: `${isMoving ? 100 : Math.max(arrived * 100, 0)}%` }} />
    </div>
  );
}

const SAID = { done: "stepDone", current: "stepNow", ahead: "stepAhead", stopped: "stepStopped" } as const;

function StepItem({ step, now }: { step: Step; now: number }): JSX.Element {
  const words = useWords();
  return (
    <li class={`step is-${step.state}`} aria-current={step.state === "current" ? "step" : undefined}>
      <span class="step-mark" aria-hidden="true">
        {step.state === "done" && <CheckIcon size={12} />}
      </span>
      <span class="step-name">
        {step.name}
        <span class="unseen">{words.say(SAID[step.state])}</span>
        {step.note !== null && <span class="step-note"> {step.note}</span>}
      </span>
      {step.at !== null && step.state !== "ahead" && <time dateTime={step.at}>{when(step.at, now, words.locale)}</time>}
    </li>
  );
}

/** Tells a screen reader what has moved, and no more than that. */
function Announcer({ words, payment, side }: { words: Words; payment: PaymentDocument; side: Side }): JSX.Element {
  const told = useRef<{ payment: PaymentDocument | null; text: string }>({ payment: null, text: "" });
  if (told.current.payment !== payment) {
    const text = announcement(words, told.current.payment, payment, side);
    told.current = { payment, text: text ?? told.current.text };
  }
  return (
    <p class="unseen" role="status" aria-live="polite">
      {told.current.text}
    </p>
  );
}
