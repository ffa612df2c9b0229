/** The dialog that is in front of the page, of which there is one at most: what it is about, and where the focus goes after it. */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Store, useStore } from "../net/store";

interface Asked<Intent> {
  intent: Intent;
  /** Tells one time from the next at which the same is asked. */
  time: number;
}

/** What somebody is asked about next. */
export class Asking<Intent> {
  private readonly asked = new Store<Asked<Intent> | null>(null);
  private times = 0;

  about(intent: Intent): void {
    this.times += 1;
    this.asked.set({ intent, time: this.times });
  }

  use(): (Asked<Intent> & { close: () => void }) | null {
    const asked = useStore(this.asked);
    // Of a dialog that closes the browser tells later, when another may have been asked for.
    return asked && { ...asked, close: () => this.asked.update((latest) => (latest === asked ? null : latest)) };
  }
}

/** The one way on where there is nothing to decide. */
export function CloseAction({ close }: { close: () => void }): JSX.Element {
  return (
    <div class="dialog-actions">
      <button type="button" class="primary" onClick={close}>
        Close
      </button>
    </div>
  );
}

interface ModalProps {
  close: () => void;
  class?: string;
  children: ComponentChildren;
}

export function Modal({ close, class: name, children }: ModalProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [opener] = useState(() => document.activeElement);
  // At once, so that nothing typed is lost to what lies behind.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    return () => {
      // Where the opener is gone, because nothing needs a person any more, the page itself takes the focus.
      const back = opener instanceof HTMLElement && opener.isConnected ? opener : document.getElementById("main");
      back?.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={close} {...(name === undefined ? {} : { class: name })}>
      {children}
    </dialog>
  );
}
