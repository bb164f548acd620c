/** Unsent words, kept per agent and conversation in this browser; card numbers are hidden before they are stored. */

import type { Id, Offer } from "@omnibox/api";
import { readJson } from "@omnibox/realtime";

import { useCallback, useSyncExternalStore } from "react";
import { hideCards } from "./masking.ts";
import { storage } from "./services.ts";

export type DraftKind = "reply" | "note";

export interface Draft {
  text: string;
  kind: DraftKind;
  /** What the customer shall choose from. */
  offer?: Offer | null;
}

const NONE: Draft = { text: "", kind: "reply" };
const keyOf = (agent: Id, conversation: Id) => `draft.${agent}.${conversation}`;
const listeners = new Set<() => void>();
let owner: Id = 0;

export const setDraftOwner = (agent: Id): void => {
  owner = agent;
};

export const readDraft = (conversation: Id): Draft =>
  readJson<Draft>(storage, keyOf(owner, conversation)) ?? NONE;

const isWorthKeeping = ({ text, offer }: Draft): boolean => text.trim() !== "" || Boolean(offer);

export function keepDraft(conversation: Id, draft: Draft): void {
  const kept = isWorthKeeping(draft)
    ? JSON.stringify({ ...draft, text: hideCards(draft.text) })
    : "";
  storage.setItem(keyOf(owner, conversation), kept);
  for (const run of listeners) run();
}

/** A conversation was merged into another one: what was begun in it is not lost, and goes before nothing. */
export function takeDraftAlong(from: Id, into: Id): void {
  const draft = readDraft(from);
  if (!isWorthKeeping(draft)) return;
  const there = readDraft(into);
  keepDraft(into, there.text ? { ...there, text: `${there.text}\n\n${draft.text}` } : draft);
  keepDraft(from, NONE);
}

const subscribe = (run: () => void) => {
  listeners.add(run);
  return () => listeners.delete(run);
};

export function useHasDraft(conversation: Id): boolean {
  const read = useCallback(() => isWorthKeeping(readDraft(conversation)), [conversation]);
  return useSyncExternalStore(subscribe, read);
}

export const hasAnyDraft = (): boolean => {
  try {
    return Object.keys(localStorage).some(
      (key) => key.startsWith(`omnibox.draft.${owner}.`) && localStorage.getItem(key),
    );
  } catch {
    return false;
  }
};
