/** Who gets a copy of the next reply: what the agent chose last, and nobody besides. */

import type { Person } from "@omnibox/api";

export const copiedLast = (people: readonly Person[]): string[] =>
  people.filter(({ is_copied }) => is_copied).map(({ address }) => address);

/** Enough to tell a slip from an address; the server looks closer. */
export const isAddress = (text: string): boolean => /^[^\s@<>,;]+@[^\s@<>,;]+$/.test(text);
