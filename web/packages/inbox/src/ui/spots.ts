/** Where something is hidden in a text, read as the server reads it: the number of a spot names it there. */

const GAP = "[^\\p{L}\\p{N}•]{0,3}";
const SPOT = new RegExp(`•(?:${GAP}•)*(?:${GAP}\\d){0,4}`, "gu");
const FEWEST = 3;

/** The hidden spots of a text, in order. */
export const spotsOf = (text: string): string[] =>
  [...text.matchAll(SPOT)]
    .map(([spot]) => spot)
    .filter((spot) => spot.split("•").length > FEWEST)
    .slice(0, 50);
