/** What the customer may choose from, as the composer holds and the log shows it. */

import type { Message, Offer, OfferedButton, Offers } from "@omnibox/api";
import { hideCards } from "../../app/masking.ts";

export const NO_OFFER: Offer = { quick_replies: [], buttons: [], cards: [] };

export const isEmpty = ({ quick_replies, buttons, cards }: Offer): boolean =>
  quick_replies.length + buttons.length + cards.length === 0;

/** As it leaves the browser or is kept in it; null where there is nothing to choose. */
export const hidden = (offer: Offer): Offer | null =>
  isEmpty(offer)
    ? null
    : {
        ...offer,
        quick_replies: offer.quick_replies.map(hideCards),
        buttons: offer.buttons.map(({ title, url }) => ({ title: hideCards(title), url })),
      };

export const isLink = (url: string): boolean => {
  try {
    return url.startsWith("https://") && new URL(url).hostname !== "";
  } catch {
    return false;
  }
};

export type OfferFault = "needs_text" | "long_text";

/** Why the reply cannot go with what it offers; null when it can. */
export function offerFault(
  offer: Offer,
  text: string,
  hasFiles: boolean,
  limits: Offers,
): OfferFault | null {
  const hasButtons = offer.buttons.length > 0;
  if (isEmpty(offer) || offer.cards.length) return null;
  if (!text.trim() && (hasButtons || !hasFiles)) return "needs_text";
  return hasButtons && [...text.trim()].length > limits.text ? "long_text" : null;
}

/** The title of a choice, by its number. */
export const choiceOf = (offer: Offer, number: number): string | undefined =>
  [
    ...offer.quick_replies,
    ...[...offer.buttons, ...offer.cards.flatMap(({ buttons }) => buttons)].map(
      ({ title }) => title,
    ),
  ][number];

/** The numbers of the choices of a message that were made. */
export const chosenOf = (id: Message["id"], messages: readonly Message[]): ReadonlySet<number> =>
  new Set(messages.flatMap(({ chosen }) => (chosen?.message === id ? [chosen.choice] : [])));

export type { OfferedButton };
