/** A message's text as text nodes and links; never as markup. */

import { type ComponentChildren, h } from "preact";

const LINK = /(?:https?:\/\/|mailto:|tel:)[^\s<>"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gi;
const PUNCTUATION = /[.,;:!?'")\]}]+$/;
const SCHEMES = ["http:", "https:", "mailto:", "tel:"];

/** The address to link to; undefined for whatever must stay text. */
export function targetOf(word: string): string | undefined {
  const address = /^[a-z]+:/i.test(word) ? word : `mailto:${word}`;
  try {
    return SCHEMES.includes(new URL(address).protocol) ? address : undefined;
  } catch {
    return undefined;
  }
}

export function linked(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let done = 0;
  for (const match of text.matchAll(LINK)) {
    const word = match[0].replace(PUNCTUATION, "");
    const target = targetOf(word);
    if (!target) continue;
    parts.push(
      text.slice(done, match.index),
      <a href={target} target="_blank" rel="noopener noreferrer nofollow ugc">
        {word}
      </a>,
    );
    done = match.index + word.length;
  }
  parts.push(text.slice(done));
  return parts;
}
