/**
 * Hides card numbers, security codes and dates of expiry in plain text, by the case file of the server's masking.
 *
 * A courtesy while somebody types: the server masks again, and knows the few rules left out here for their size
 * (blanks in the query of a link, a card right after an IBAN, a date before a number, UUIDs, the right side of a Message-ID, most key words).
 */

type Span = [start: number, stop: number];

// Ranges of the schemes by length.
const ISSUED =
  /^(4(.{15}|.{18})$|3[47].{13}$|(?=.{16}$)(5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720)|60|82|50(8|67|6699|9|4175|19)|637|636297|6363|9792|8600)|(?=(.{16}|.{18,19})$)506(099|1[0-8]|19[0-8])|(?=.{16,19}$)(6(011|4[4-9]|5|2)|35(2[89]|[3-8])|81|220[0-4])|(?=(.{14}|.{16,19})$)3(0[0-5]|095|[89])|(?=.{14,19}$)(36|50(18|2|38)|5893|6304|6759|676[1-3]))/;
// Those that other numbers have as well: they must be grouped as on cards or stand near a word.
const WEAK = /^(1.{14}|4.{12}|(5[0678]|6).{11,17})$/;
const GROUPED = /^(4+[1-4]|46[45]|456|4333|445)$/;

const CARD_WORD = /card|karte|tarjeta|\b(cart[aeãõ]|visa|cc|pan|uatp|cv[vc]|exp)/;

const FILL = "[\\s:=#.,;()[\\]\"'|/_*-]{0,4}";
const MORE = `${FILL}(?:(?:is|es|è|ist|il|el)(?!\\p{Ll})${FILL})?`;
const END = "(?![\\p{Ll}\\d@]|[.,:]\\d|\\s?(?:[€$£%]|eur|usd))";
const CODE = `(\\d{3,4}${END})`;
const DATE = `((?:(?:0?[1-9]|1[0-2])\\s?[/|.-]\\s?|(?:0[1-9]|1[0-2]) ?)(?:20)?\\d\\d(?![/.-]\\d{1,2}(?!\\d)|[/.-]\\d{4})${END})`;
const NAMED =
  "(?:(?:cv[vc]2?|cid|security code|c[oó]digo(?: de seguridad)?|codice(?: cv[vc]| di sicurezza)?" +
  `|sicherheitscode|(?:karten)?prüfnummer)${MORE}${CODE}|(?:exp|expir[ye]s?|valid thru|caduca|vence|scade|scadenza` +
  `|v[aá]lida (?:hasta|fino al)|gültig bis)${MORE}${DATE})`;
const ALL_NAMED = new RegExp(`(?:^|[^\\p{Ll}])${NAMED}`, "gu");
const [NEXT_NAMED, NEXT_DATE, NEXT_CODE] = [
  NAMED,
  DATE.replace("|.", "|").replace(") ?)", ") )"),
  CODE,
].map((kind) => new RegExp(`^[ ,;:|/()[\\]"'«»·\n-]{1,5}${kind}`, "u")) as [RegExp, RegExp, RegExp];
const EXPIRY = /^\D(0?[1-9]|1[0-2])([/.-])(20)?\d\d(?!\d)/;

const PRICE = /^ ?([€$£¥%]|(eur|usd|gbp|chf|euros?|dollars?|pounds?)\b)/;
const DAY =
  /(^|\D)((0?[1-9]|[12]\d|3[01])([ ./_\n-])(0?[1-9]|1[0-2])\4(19|20)\d\d|(19|20)\d\d([ ./_\n-])(0?[1-9]|1[0-2])\8(0?[1-9]|[12]\d|3[01]))(?!\d)/;

/** The value of a decimal digit: the rows of digits in Unicode begin at 0 or 6 modulo 16. */
const numberOf = (digit: string): number => {
  const low = (digit.codePointAt(0) as number) & 15;
  return /\d|\p{Nd}/u.test(String.fromCodePoint((digit.codePointAt(0) as number) - low))
    ? low
    : low - 6;
};

/** The text in lower case, of the same length, with plain digits, blanks, hyphens, dots and line breaks. */
const simplify = (text: string): string =>
  text
    .replace(/İ/g, "i")
    .toLowerCase()
    .replace(/[^\0-\x7f\p{No}\p{Lo}]/gu, (each) => {
      const plain = each.normalize("NFKC");
      const kind = /\p{Nd}/u.test(each)
        ? `${numberOf(plain)}`
        : /[\p{Pd}−]/u.test(each)
          ? "-"
          : /[\p{Zs}\p{Cf}\p{M}]/u.test(each)
            ? " "
            : plain;
      return kind.length > each.length ? each : kind.padEnd(each.length);
    })
    .replace(/\t|\r(?=\n)/g, " ")
    .replace(/\r|\u2028/g, "\n");

/** Whether the number is a part of an address, of the path of a link or of an IBAN. */
const isSpared = (before: string, number: string, after: string): boolean => {
  const [rest = "", scheme] =
    before
      .split(/[\s<>"'`“”«»]/)
      .pop()
      ?.split("://")
      .reverse() ?? [];
  return (
    (/(^|[^a-z\d])[a-z]{2}\d\d([ ./_-][a-z\d]{4})*[ ./_-]$/.test(before) &&
      /^\d{1,4}\b/.test(number)) ||
    (!/\s/.test(number) &&
      (/^[\w.!#$%&'*+/=?^`{|}~-]{0,64}@[\d•.-]*[\p{Ll}[]/u.test(after) ||
        (scheme !== undefined && /^[^?#]*\/[^?#]*$/.test(rest)) ||
        /^(\/[^?#]*\p{Ll}|([\w-]+\.)+[a-z]+\/)[^?#]*$/u.test(rest.split(/[=([{,;:|]/).pop() ?? "")))
  );
};

/** The text with every digit of a card number but the last four as «•», codes and dates whole. */
export function mask(text: string): string {
  const view = simplify(text);
  const hidden = new Uint8Array(view.length);
  const cards: Span[] = [];
  const stops = new Set<number>();
  const countOf = (from: number, to: number) =>
    view.slice(from, Math.min(to, from + 99)).replace(/\D/g, "").length;

  for (const { 0: row, index: origin } of view.matchAll(/\d+(?:[ \-./_\n]{1,4}\d+)*/g)) {
    const groups = [...row.matchAll(/\d+/g)].map(
      ({ 0: group, index }): Span => [origin + index, origin + index + group.length],
    );
    const isMasked = /(•[ \-./_\n]*){9}$/.test(view.slice(Math.max(0, origin - 45), origin));

    /** Whether one separator ties unusual groups to more before or behind: a piece of a longer identifier. */
    const isTied = (first: number, last: number, [gap = "", ...gaps]: string[]): boolean => {
      if (gaps.some((one) => one !== gap)) return false;
      const start = (groups[first] as Span)[0];
      const stop = (groups[last] as Span)[1];
      const [left, right] = [groups[first - 1], groups[last + 1]];
      const isDash = gap === "-";
      if (view.slice(start - gap.length, start) === gap) {
        if (!left) {
          if (isDash && view[start - 2] === "•") return true;
        } else if (
          left[1] === start - gap.length &&
          !stops.has(left[1]) &&
          !(isMasked && countOf(origin, left[0]) < 4) &&
          (isDash || left[1] - left[0] > 4)
        )
          return true;
      }
      return (
        right !== undefined &&
        view.slice(stop, right[0]) === gap &&
        (right[1] - right[0] > 4 ||
          (isDash &&
            !/^\d{1,2} ?[/|.-] ?\d|^\d{3,4}(?!\d)/.test(view.slice(right[0], right[0] + 9)))) &&
        !read(last + 1, true).flat().length
      );
    };

    /** Whether groups whose digits fit a scheme are a number of their own. */
    const isNumber = (
      first: number,
      last: number,
      isWeak: boolean,
      isGrouped: boolean,
      shorter: number[],
    ): boolean => {
      const [start, firstStop] = groups[first] as Span;
      const stop = (groups[last] as Span)[1];
      const [leftStart, leftStop] = groups[first - 1] ?? [0, 0];
      const before = view.slice(Math.max(0, start - 60), start);
      const after = view.slice(stop, stop + 99);
      const number = view.slice(start, stop);
      const gaps = number.split(/\d+/).slice(1, -1);
      const marked = gaps.filter((gap) => /[./_\n]/.test(gap));
      const marks = new Set(marked.join("").match(/[./_\n]/g));
      return !(
        (isWeak &&
          !(
            isGrouped &&
            (leftStop - leftStart < 4 ||
              stops.has(leftStop) ||
              (isMasked && countOf(origin, leftStart) < 4))
          ) &&
          !CARD_WORD.test(`${/\p{Ll}*.{0,40}$/su.exec(before)} ${after.slice(0, 40)}`)) ||
        gaps.some((gap) => /.{4}|\n.*\n/s.test(gap)) ||
        marks.size > 1 ||
        (marks.size &&
          !(isGrouped && (marked.length === gaps.length || (marks.has("\n") && !marked[1])))) ||
        [/\p{Ll}+$/u, /^\p{Ll}+/u].some((end, at) => {
          const word = end.exec([before, after][at] as string);
          return word && !CARD_WORD.test(word[0]);
        }) ||
        (view[origin - 1] === "+" && (!first || countOf(origin, stop) < 16)) ||
        (firstStop - start < 4 && /[\d•][:.,/]$/.test(before)) ||
        (first === last &&
          /(^|[^\p{Ll}\d•.,])([\d•]{1,3}\.|0,)$|[\d•]{4},[\d•]{1,3}\.$/u.test(before)) ||
        shorter.some((one) => {
          const at = (groups[one + 1] as Span)[0];
          if (one === last - 1 && PRICE.test(after)) return true;
          const date = one > last - 3 && EXPIRY.exec(view.slice(at - 1, at + 8));
          return date && date[2] !== gaps[0]?.trim();
        }) ||
        (isMasked && countOf(origin, start) < 4) ||
        (first !== last && !isGrouped && (DAY.test(number) || isTied(first, last, gaps))) ||
        isSpared(view.slice(Math.max(0, start - 999), start), number, after)
      );
    };

    /** Numbers from this group, the longest first, those in a usual form apart; loosely, without a look around. */
    const read = (first: number, isLoose = false): [usual: number[], others: number[]] => {
      const found: [number[], number[]] = [[], []];
      let digits = "";
      let shape = "";
      for (let last = first; last < groups.length && digits.length < 19; last++) {
        const group = view.slice(...(groups[last] as Span));
        digits += group;
        shape += group.length;
        const isGrouped = GROUPED.test(shape);
        const isIssued = ISSUED.test(digits);
        let sum = 0;
        if (isIssued || WEAK.test(digits)) {
          for (let at = digits.length, twice = 1; at--; twice = 3 - twice)
            sum += ((Number(digits[at]) * twice - 1) % 9) + 1;
          if (
            sum % 10 === 0 &&
            (isLoose || isNumber(first, last, !isIssued, isGrouped, found.flat()))
          )
            found[first === last || isGrouped ? 0 : 1].unshift(last);
        }
      }
      return found;
    };

    for (let first = 0; first < groups.length; first++) {
      const [[usual], others] = read(first);
      const last =
        usual ??
        others.find((one) =>
          groups.slice(first + 1, one + 1).every((_, at) => !read(first + 1 + at)[0][0]),
        );
      if (last === undefined) continue;
      const start = (groups[first] as Span)[0];
      const stop = (groups[last] as Span)[1];
      cards.push([start, stop]);
      stops.add(stop);
      hidden.fill(1, start, start + view.slice(start, stop).replace(/(\d\D*){4}$/, "").length);
      first = last;
    }
  }

  // Codes are looked for among hidden cards: so it makes no difference whether they were hidden before.
  const rest = view.replace(/\d/g, (digit, at: number) => (hidden[at] ? "•" : digit));
  const hide = (found: RegExpMatchArray, from: number): number => {
    const stop = from + found[0].length;
    hidden.fill(1, stop - (found[1] ?? (found[2] as string)).length, stop);
    return stop;
  };
  for (const found of rest.matchAll(ALL_NAMED)) hide(found, found.index);
  for (const [start, stop] of cards) {
    for (let at = stop, left = 3; left--; ) {
      const next = rest.slice(at, at + 60);
      const sure = NEXT_NAMED.exec(next) ?? NEXT_DATE.exec(next);
      const found = sure ?? NEXT_CODE.exec(next);
      if (!found) break;
      const more = next.slice(found[0].length);
      if (
        (/\n/.test(found[0]) && /^ *\p{Ll}/u.test(more)) ||
        (!sure &&
          ((/^(19|20)\d\d$/.test(found[1] as string) && countOf(start, stop) !== 15) ||
            (/^[ \-./_\n]{1,3}\d/.test(more) && !NEXT_DATE.test(more))))
      )
        break;
      at = hide(found, at);
    }
  }
  return text.replace(/\p{Nd}/gu, (digit, at: number) => (hidden[at] ? "•" : digit));
}
