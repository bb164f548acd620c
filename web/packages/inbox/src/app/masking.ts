/** The one door to the card mask. */

import { mask } from "@omnibox/shared/mask";

/** The text with every card number hidden; the same text when there is none. */
export const hideCards = (text: string): string => mask(text);
