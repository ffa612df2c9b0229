/** `/ops/books`: what wallets should hold and hold, what moved without the bridge, and a seller's statement of a month. */

import "../styles/story.css";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { money, shown } from "../model/amounts";
import { mayDo } from "../model/attention";
import { feesOf, type Movement, onTheWay, type WalletBalance, walletState, worstFirst } from "../model/books";
import type { Form } from "../model/filters";
import { dayOf, moment, OWN_ZONE } from "../model/times";
import { download, get, post, Problem } from "../net/rest";
import { useStore } from "../net/store";
import { Failed, Loading } from "../parts/Notice";
import { desk } from "./desk";
import { Heading } from "./Heading";
import { Moved } from "./Moved";
import { Statements } from "./Statements";
import { WideTable } from "./WideTable";

const FORMS: readonly Form[] = ["csv", "xlsx"];
/** So many days are in the file. */
const REPORT_DAYS = 366;

export function Books(): JSX.Element {
  const [wallets, setWallets] = useState<readonly WalletBalance[] | null>(null);
  const [movements, setMovements] = useState<readonly Movement[]>([]);
  const [problem, setProblem] = useState<unknown>(null);

  const look = async (): Promise<void> => {
    try {
      const [balances, moved] = await Promise.all([
        get<{ wallets: WalletBalance[] }>("/api/ops/wallets"),
        get<{ movements: Movement[] }>("/api/ops/wallet-movements"),
      ]);
      setWallets(balances.wallets);
      setMovements(moved.movements);
      setProblem(null);
    } catch (error) {
      setProblem(error);
    }
  };
  useEffect(() => void look(), []);
  return (
    <div class="system is-wide">
      <Heading title="Books">Books</Heading>
      {problem !== null && <Failed error={problem} retry={() => void look()} />}
      {wallets === null && problem === null && <Loading>Loading the books …</Loading>}
      {wallets !== null && <Wallets wallets={wallets} changed={() => void look()} />}
      {movements.length > 0 && <Movements movements={movements} />}
      <Statements />
    </div>
  );
}

function Wallets({ wallets, changed }: { wallets: readonly WalletBalance[]; changed: () => void }): JSX.Element {
  const session = useStore(desk.session);
  const [isBusy, setIsBusy] = useState(false);
  const [said, setSaid] = useState("");
  const [moved, setMoved] = useState<WalletBalance | null>(null);

  const compareNow = async (): Promise<void> => {
    setIsBusy(true);
    setSaid("The wallets are asked; that takes under a minute.");
    try {
      await post<unknown>("/api/ops/reconciliation", {});
      setSaid("Compared just now.");
    } catch (error) {
      setSaid(error instanceof Problem ? error.detail : "It was not done. Reload the page and try again.");
    }
    setIsBusy(false);
    changed();
  };
  return (
    <section class="bridges" aria-labelledby="wallets-heading">
      <h2 id="wallets-heading">Wallets</h2>
      <p class="soft">What each holds, against what the books say: what came and went by the bridge, and what somebody noted.</p>
      <div class="downloads soft">
        <Download title="Day by day" name="reconciliation" query={`days=${REPORT_DAYS}`} />
        <Download title="Network fees day by day" name="network-fees" query={`days=${REPORT_DAYS}&timeZone=${encodeURIComponent(OWN_ZONE)}`} />
      </div>
      {wallets.length === 0 ? (
        <p class="soft">Nothing has come into a wallet yet.</p>
      ) : (
        <WalletTable wallets={wallets} note={mayDo(session, "settle") ? setMoved : null} />
      )}
      {mayDo(session, "settle") && (
        <p>
          <button type="button" disabled={isBusy} onClick={() => void compareNow()}>
            Compare now
          </button>
        </p>
      )}
      <p role="status" class="soft">
        {said}
      </p>
      {moved !== null && (
        <Moved
          of={moved}
          close={() => setMoved(null)}
          done={(message) => {
            setMoved(null);
            setSaid(message);
            changed();
          }}
        />
      )}
    </section>
  );
}

/** A report, in each form that there is. */
function Download({ title, name, query }: { title: string; name: string; query: string }): JSX.Element {
  return (
    <span>
      {title}:{" "}
      {FORMS.map((form) => (
        <button
          key={form}
          type="button"
          class="quiet"
          aria-label={`${title}, as ${form.toUpperCase()}`}
          onClick={() => void download(`/api/ops/${name}.${form}?${query}`, `${name}-${dayOf(Date.now())}.${form}`)}
        >
          {form.toUpperCase()}
        </button>
      ))}
    </span>
  );
}

interface WalletTableProps {
  wallets: readonly WalletBalance[];
  note: ((of: WalletBalance) => void) | null;
}

function WalletTable({ wallets, note }: WalletTableProps): JSX.Element {
  return (
    <WideTable label="All wallets">
      <thead>
        <tr>
          <th scope="col">Wallet</th>
          <th scope="col" class="number">
            By the bridge
          </th>
          <th scope="col" class="number">
            Noted
          </th>
          <th scope="col" class="number">
            Holds
          </th>
          <th scope="col">State</th>
          <th scope="col">Compared</th>
          {note !== null && <td />}
        </tr>
      </thead>
      <tbody>
        {worstFirst(wallets).map((one) => (
          <tr key={`${one.wallet} ${one.coin}`}>
            <th scope="row" class="wallet">
              {one.coin} <span class="soft">{one.wallet}</span>
            </th>
            <td class="number">{shown(one.booked, one.coin)}</td>
            <td class="number">{shown(one.noted, one.coin)}</td>
            <td class="number">{one.comparison?.held == null ? "not known" : shown(one.comparison.held, one.coin)}</td>
            <td class="roomy">
              <WalletState of={one} />
            </td>
            <td class="one-line">{one.comparison === null ? "" : moment(one.comparison.comparedAt)}</td>
            {note !== null && (
              <td>
                <button type="button" class="quiet" aria-label={`Note what moved, ${one.coin} of ${one.wallet}`} onClick={() => note(one)}>
                  Note …
                </button>
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

function WalletState({ of }: { of: WalletBalance }): JSX.Element {
  const { mark, words } = walletState(of);
  const besides = [of.comparison?.unknownBecause ?? [], onTheWay(of), feesOf(of)].flat();
  return (
    <>
      <span class={`state is-${mark}`}>
        <span class="state-mark" aria-hidden="true" />
        {words}
      </span>
      {besides.length > 0 && <span class="soft"> {besides.join("; ")}</span>}
    </>
  );
}

function Movements({ movements }: { movements: readonly Movement[] }): JSX.Element {
  return (
    <section class="bridges" aria-labelledby="movements-heading">
      <h2 id="movements-heading">Moved without the bridge</h2>
      <WideTable label="What moved without the bridge">
        <thead>
          <tr>
            <th scope="col">Noted</th>
            <th scope="col">Wallet</th>
            <th scope="col" class="number">
              Amount
            </th>
            <th scope="col">Why</th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          {movements.map((one) => (
            <tr key={one.movementId}>
              <th scope="row">{moment(one.notedAt)}</th>
              <td>{one.wallet}</td>
              <td class="number">{money(one.amount, one.coin)}</td>
              <td>{one.reason}</td>
              <td>{one.notedBy}</td>
            </tr>
          ))}
        </tbody>
      </WideTable>
    </section>
  );
}
