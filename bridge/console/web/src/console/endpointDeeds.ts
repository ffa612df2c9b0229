/** What people do with endpoints: the words of the dialogs, and what they have the bridge do. */

import { post } from "../net/rest";

export type EndpointDeed =
  | { action: "endpoint-test" | "endpoint-enable" | "endpoint-disable" | "endpoint-remove" | "endpoint-replay-all" | "endpoint-secret"; endpointId: string }
  | { action: "endpoint-replay-after"; endpointId: string; after: string }
  | { action: "endpoint-replay"; endpointId: string; messageId: string };

export const ENDPOINT_WORDS: Record<EndpointDeed["action"], { title: string; text: string; button: string; again?: { text: string; button: string } }> = {
  "endpoint-test": {
    title: "Send a test event?",
    text: "An endpoint-test is sent once. The list of deliveries says what came of it.",
    button: "Send it",
  },
  "endpoint-enable": {
    title: "Enable this endpoint?",
    text: "It is sent all that came since it was left, as long as that is stored, and then what comes.",
    button: "Enable it",
  },
  "endpoint-disable": {
    title: "Disable this endpoint?",
    text: "It is sent nothing until somebody enables it; then it goes on where it was.",
    button: "Disable it",
  },
  "endpoint-remove": {
    title: "Remove this endpoint?",
    text: "It is sent nothing any more. Its service can register it again, and is sent what comes from then on.",
    button: "Remove it …",
    again: { text: "Are you sure? What it was not sent yet it does not get.", button: "Yes, remove it" },
  },
  "endpoint-replay": {
    title: "Send this event again?",
    text: "It is sent at once, with the id that it had: a service that has taken it can tell.",
    button: "Send it again",
  },
  "endpoint-secret": {
    title: "Give it another secret?",
    text: "What it is sent is signed with the new one, and for a day with those before too, so that none is refused while its service changes it.",
    button: "Make another",
  },
  "endpoint-replay-after": {
    title: "Send all that came after this again?",
    text: "It goes on after this event, in order: what it was sent already comes once more, with the ids that it had.",
    button: "Send it …",
    again: { text: "Are you sure? What is new comes after all of that.", button: "Yes, send it" },
  },
  "endpoint-replay-all": {
    title: "Send everything again?",
    text: "All that it wants and that is stored is sent once more from the oldest event on, with the ids that it had.",
    button: "Send everything …",
    again: { text: "Are you sure? What is new comes after all of that.", button: "Yes, send everything" },
  },
};

const DONE: Record<Exclude<EndpointDeed["action"], "endpoint-secret">, string> = {
  "endpoint-test": "The test is on its way.",
  "endpoint-enable": "It is sent to again.",
  "endpoint-disable": "It is sent nothing any more.",
  "endpoint-remove": "It is removed.",
  "endpoint-replay": "It is sent again.",
  "endpoint-replay-after": "What came after it is sent again.",
  "endpoint-replay-all": "Everything is sent again.",
};

const ROUTES: Record<EndpointDeed["action"], string> = {
  "endpoint-test": "test",
  "endpoint-enable": "enabling",
  "endpoint-disable": "disabling",
  "endpoint-remove": "removal",
  "endpoint-replay": "replay",
  "endpoint-replay-after": "replay",
  "endpoint-replay-all": "replay",
  "endpoint-secret": "secrets",
};

export async function endpointDone(deed: EndpointDeed, said: { by?: string; note?: string }): Promise<string> {
  const endpoint = `/api/endpoints/${encodeURIComponent(deed.endpointId)}`;
  const one = deed.action === "endpoint-replay" ? `/deliveries/${encodeURIComponent(deed.messageId)}` : "";
  const from = deed.action === "endpoint-replay-all" ? { after: null } : deed.action === "endpoint-replay-after" ? { after: deed.after } : {};
  const answer = await post<{ secret?: string | null }>(`${endpoint}${one}/${ROUTES[deed.action]}`, { ...said, ...from });
  if (deed.action === "endpoint-secret") return `Its new secret, which is shown only here: ${answer.secret ?? ""}`;
  return DONE[deed.action];
}
