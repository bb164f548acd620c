/**
 * Hides card numbers, security codes and dates of expiry in plain text, by the case file of the server's masking.
 *
 * A courtesy while somebody types: the server masks again. What stays there stays here, rule by rule as in
 * src/omnibox/masking. Left out for its size is what the server hides besides: a number with markup between its digits
 * or with blanks in the query of a link, one right after an IBAN, the tracks of a magnetic stripe, schemes of single
 * countries without groups, rare key words, secret numbers, months by their names, a date before a number, a code after
 * a bare «code».
 */

type Span = [start: number, stop: number];

/** The groups of a row from `first` up to but not including `stop`. */
interface Window {
  first: number;
  stop: number;
  start: number;
  end: number;
  isWeak: boolean;
  isGrouped: boolean;
  isUsual: boolean;
  gaps: string[];
}

const test = (pattern: string): RegExp => new RegExp(pattern, "su");

// Ranges of the schemes by length.
const ISSUED =
  /^(4(.{15}|.{18})$|3[47].{13}$|(?=.{16}$)(5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720)|60|82|50(31|8|66|67|9|4175|19)|561059|589562|589657|637|6282|6363|636297|8600|9860|9792|9704|3088)|(?=(.{16}|.{18,19})$)(506[01]|5078)|9704.{15}$|(?=.{16,19}$)(6(011|4[4-9]|5|2|33|703|771)|5890|589283|35(2[89]|[3-8])|81|220[0-4])|(?=(.{14}|.{16,19})$)3(0[0-5]|095|[89])|(?=.{14,19}$)(36|50(18|2|38)|5893|6304|6759|676[1-3]))/;
// Those that other numbers have as well: they must be grouped as on cards or stand near a word.
const WEAK = /^(1.{14}|4.{12}|5[0678].{11,17}|6.{12,18})$/;
// The first digit and the sizes of its groups.
const GROUPED = /^(.(4{3,4}[1-4]|46[45]|4333)|1456|4445)$/;

// Characters of the view: letters, and what may stand between digits. A zero-width space stands for all that is invisible.
const LETTER = "[a-zß-öø-ɏͰ-ԯḀ-῿ａ-ｚ]";
const GAP = "[ \u200b./_\\n-]";
const ROW = new RegExp(`(?<!\\d)\\d{1,19}(?!\\d)(?:${GAP}{1,4}\\d{1,19}(?!\\d))*`, "g");
const LOOSE = /^[ \u200b-]+$/;

const CODE_WORD =
  "cv[vc]2?|cid|security[ _-]?code|c[oó]digos?(?: cv[vc]| de seg[uridançc]+)?|codice(?: cv[vc]|(?: di)? sicurezza)?" +
  "|(?:karten)?(?:sicherheits|prüf)(?:code|nummer)|cryptogramme";
const DATE_WORD =
  "exp|expir(?:y|es|ed?|ation)|valid (?:thru|until)|cad|caduca|caducidad|vence|vencimi?ento|v[aá]lid[ao] (?:hasta|at[eé]|fino al?)" +
  "|scad|scade|scadenza|gültig(?: bis)?|validade";
const CARD_WORD =
  "(?:credit|debit|master|bank|gift|e)?card(?:s|holder|number|no|nr)?|[a-zäöüß]*karten?(?:nummer|nr)?|tarjetas?" +
  "|cart(?:[aei]s?|[aã]o|[oõ]es)|visa|maestro|amex|mc|uatp|cc|pan";
const whole = (words: string): string => `(?<!${LETTER})(?:${words})(?!${LETTER})`;
const KEY = test(`${whole(`${CARD_WORD}|${CODE_WORD}|${DATE_WORD}`)}|卡|カード|카드`);

const FILLER =
  "is|es|è|é|est|ist|il|el|le|la|on|de|date|code|number|nummer|nr|número|numero|on the back";
const MARKS = "[\\s:=#.,;()[\\]\"'“”„«»<>*_|/–—-]{0,6}";
const MORE = `${MARKS}(?:(?:${FILLER})(?!${LETTER})${MARKS}){0,2}`;
const PRICE =
  "\\s?(?:[€$£¥%]|(?:eur|euros?|usd|gbp|chf|dollars?|d[oó]lares|pesos|pounds?|franken)\\b)";
const END = `(?![${LETTER.slice(1, -1)}\\d@]|[.,:]\\d|${PRICE})`;
const NO_DAY = "(?![/.-]\\d{1,2}(?!\\d)|[/.-]\\d{4})";
const MONTH = "(?:0?[1-9]|1[0-2])";
const YEAR = "(?:20)?\\d\\d";
const NAMED =
  `(?<!${LETTER})(?:(?:${CODE_WORD})${MORE}(?<code>(?<!\\d)\\d{3,4}${END}(?![/-]\\d{1,4}(?!\\d)(?![/-]\\d)))` +
  `|(?:${DATE_WORD})${MORE}(?<date>(?<!\\d)(?:${MONTH}\\s?[/.|-]\\s?${YEAR}|(?:0[1-9]|1[0-2]) ?${YEAR}|20\\d\\d[/.-]${MONTH})` +
  `(?!\\d)${NO_DAY}${END}))`;
const ALL_NAMED = new RegExp(NAMED, "gu");
const BESIDE = "^[ \u200b,;:|/()[\\]\\n·\"'«»-]{1,4}";
const NEXT: RegExp[] = [
  BESIDE + NAMED,
  `${BESIDE}(?<date>${MONTH} ?(?<mark>[/.|-]) ?${YEAR})(?:(?!\\k<mark>(?:19|20)\\d\\d)[ ,;:|/-]){1,3}(?<code>\\d{3,4})(?!\\d)` +
    `(?![.:/-]\\d)(?!${LETTER}|@|${PRICE})`,
  `^(?<mark>[:;,])(?<date>(?:0[1-9]|1[0-2])\\k<mark>${YEAR})\\k<mark>(?<code>\\d{3,4})(?!\\d|[.:]\\d|${PRICE})`,
  `${BESIDE}(?:(?:valid[ao]?|v[aá]lid[ao]|val|vc?to|venc)[ .:=]{1,3})?(?<date>${MONTH} ?[/|-] ?${YEAR}(?!\\d)${NO_DAY}${END}|(?:0[1-9]|1[0-2]) ${YEAR}(?!\\d)${END}` +
    `|(?:0[1-9]|1[0-2])\\d\\d(?=[ ,;|/]{1,3}\\d{3,4}(?!\\d)${END}(?!${GAP}\\d)))`,
  `${BESIDE}(?<bare>\\d{3,4}(?!\\d)${END})`,
].map(test);
const DATE_NEXT = NEXT[3] as RegExp;
const WORD_BEFORE = test(`${LETTER}+$`);
const WORD_AFTER = test(`^${LETTER}+`);
const WORD_NEXT = test(`^ *${LETTER}`);
const DIGIT_NEXT = test(`^${GAP}{1,3}\\d`);
const DECIMAL = test(
  `(^|[^${LETTER.slice(1, -1)}\\d•.,])([\\d•]{1,3}\\.|0,)$|[\\d•]{4},[\\d•]{1,3}\\.$`,
);
const PATH = test(`^(/[^?#]*${LETTER}|([\\w-]+\\.)+[a-z]+/)[^?#]*$`);
const EXPIRY = /^(0?[1-9]|1[0-2])([/.-])(20)?\d\d(?!\d)/;
const PRICE_NEXT = test(`^${PRICE}`);
const DAY =
  /(^|\D)((0?[1-9]|[12]\d|3[01])([ ./_\n-])(0?[1-9]|1[0-2])\4(19|20)\d\d|(19|20)\d\d([ ./_\n-])(0?[1-9]|1[0-2])\8(0?[1-9]|[12]\d|3[01]))(?!\d)/;
const OR_CODE = `^(?:${MONTH} ?[/|.-] ?${YEAR}(?!\\d)|\\d{3}(?!\\d)(?!${GAP}{1,3}[\\d•])|\\d{3,4}[ ,]${MONTH}[/|.-]\\d`;
const DATE_OR_CODE = test(`${OR_CODE})`);
const MAY_FOLLOW = test(`${OR_CODE}|\\d{4}(?!\\d)(?!${GAP}{1,3}[\\d•])|\\d{1,2} ?\\p{L})`);

const INVISIBLE = test("[\\p{DI}\\u0300-\\u036f\\u20d0-\\u20f0\\u2800]");

/** The value of a decimal digit: the rows of digits in Unicode begin at 0 or 6 modulo 16. */
const numberOf = (digit: string): number => {
  const low = (digit.codePointAt(0) as number) & 15;
  return /\d|\p{Nd}/u.test(String.fromCodePoint((digit.codePointAt(0) as number) - low))
    ? low
    : low - 6;
};

/** What a character counts as: one small letter, plain digit, blank, hyphen, dot, slash, line break or itself. */
const simplify = (each: string): string => {
  if (each < "\x80" && !/[\t\v\f]/.test(each)) return each.toLowerCase();
  if (/\p{Nd}/u.test(each)) return `${numberOf(each.normalize("NFKC"))}`;
  if (/[\p{Pd}−˗⁃]/u.test(each)) return "-";
  if (/[\t\p{Zs}]/u.test(each)) return " ";
  if (INVISIBLE.test(each)) return "\u200b";
  if (/[\v\f\x85\u2028\u2029]/.test(each)) return "\n";
  const low = /[·․．]/.test(each) ? "." : each.toLowerCase();
  return low.length > 1 ? "�" : ({ "⁄": "/", "／": "/", "＿": "_" }[low] ?? low);
};

/** Whether the check digit of a number is right. */
const isChecked = (digits: string): boolean => {
  let sum = 0;
  for (let at = digits.length, twice = 1; at--; twice = 3 - twice)
    sum += ((Number(digits[at]) * twice - 1) % 9) + 1;
  return sum % 10 === 0;
};

/** The text with every digit of a card number but the last four as «•», codes and dates whole. */
export function mask(text: string): string {
  if (!/(\p{Nd}.*){3}/su.test(text)) return text;
  const source = [...text];
  let view = source
    .map(simplify)
    .join("")
    .replace(/\r(?=\n)/g, " ")
    .replace(/\r/g, "\n");
  // Digits of a UUID or an IBAN are none of a card's.
  view = view
    .replace(/(?<![\da-z])[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}(?![\da-z])/g, (each) =>
      each.replace(/./g, "x"),
    )
    .replace(/(?<![a-z\d])(?!cc)[a-z]{2}\d\d(?:[ \u200b./_\n-]{0,3}[a-z\d]){11,30}/g, (each) =>
      each.replace(/\w/g, "x"),
    );
  const hidden = new Uint8Array(view.length);
  const cards: Span[] = [];

  const back = (from: number, many: number) => view.slice(Math.max(0, from - many), from);
  const ahead = (from: number, many: number) => view.slice(from, from + many);
  const near = (start: number, end: number): string =>
    `${/\p{L}*.{0,40}$/su.exec(back(start, 60))} ${/^.{0,40}\p{L}*/su.exec(ahead(end, 60))}`;

  /** Whether the number is a part of an address, the path of a link, a UUID or an IBAN. */
  const isSpared = (start: number, end: number): boolean => {
    const before = back(start, 999);
    const after = ahead(end, 255);
    if (/[\s<>"'`“”«»]/.test(view.slice(start, end))) return false;
    const token = before.split(/[\s<>"'`“”«»]/).pop() ?? "";
    const rest = token.replace(/^.*:\/\//, "");
    return (
      /^[\p{L}\p{N}_.!#$%&'*+/=?^`{|}~-]{0,64}@(?:[\d•.-]{0,30}\p{L}|\[)/u.test(after) ||
      (rest !== token && /^[^?#]*\/[^?#]*$/.test(rest)) ||
      PATH.test(rest.replace(/^.*[=([{,;:|]/, ""))
    );
  };

  for (const { 0: row, index: origin } of view.matchAll(ROW)) {
    const digits = row.replace(/\D/g, "");
    if (digits.length < 13) continue;
    const groups = [...row.matchAll(/\d+/g)].map(
      ({ 0: group, index }): Span => [origin + index, origin + index + group.length],
    );
    const counts = [0];
    for (const [start, end] of groups) counts.push((counts.at(-1) as number) + end - start);
    const countAt = (group: number) => counts[group] as number;
    const spanOf = (group: number) => groups[group] as Span;
    const isMasked = /(•[ \u200b./_\n-]{0,4}){9}$/.test(back(origin, 45));
    const isEndOfMask = (first: number) => isMasked && countAt(first) < 4;

    const gapBefore = (group: number) => view.slice(spanOf(group - 1)[1], spanOf(group)[0]);
    // By first group, the numbers whose digits fit a scheme, a length and the check digit, the longest first.
    const fitting = groups.map((_, first) => {
      const found: Window[] = [];
      const gaps: string[] = [];
      const sizes: number[] = [];
      let shape = "";
      for (let stop = first + 1; stop < counts.length; stop++) {
        const number = digits.slice(countAt(first), countAt(stop));
        if (number.length > 19) break;
        const [start, end] = spanOf(stop - 1);
        // Groups with nothing to see between them are one to a reader, and may be counted as several.
        const gap = stop - first > 1 ? gapBefore(stop - 1) : "";
        shape += end - start;
        if (/^\u200b{1,3}$/.test(gap)) sizes.push((sizes.pop() as number) + end - start);
        else {
          sizes.push(end - start);
          if (gap) gaps.push(gap);
        }
        const isWeak = !ISSUED.test(number);
        if ((isWeak && !WEAK.test(number)) || !isChecked(number)) continue;
        const isGrouped = [shape, sizes.join("")].some((each) => GROUPED.test(number[0] + each));
        const isUsual = isGrouped || stop - first === 1;
        found.unshift({
          first,
          stop,
          start: spanOf(first)[0],
          end,
          isWeak,
          isGrouped,
          isUsual,
          gaps: [...gaps],
        });
      }
      return found;
    });
    const isTaken = () => cards.at(-1)?.[1] ?? 0;

    /** Whether a group stands before that belongs to no card; or one behind that begins none. */
    const hasLeft = (first: number) =>
      first > 0 && spanOf(first - 1)[1] > isTaken() && !isEndOfMask(first - 1);
    const hasRight = (stop: number) => stop < groups.length && !fitting[stop]?.length;
    const isLooseAfter = (stop: number) => LOOSE.test(gapBefore(stop));
    const sizeOf = (group: number) => countAt(group + 1) - countAt(group);
    const nextTo = (group: number) => ahead(spanOf(group)[0], 40);

    const continuesFours = ({ first, start }: Window) =>
      first
        ? hasLeft(first) && sizeOf(first - 1) > 3 && isLooseAfter(first)
        : /•{4}[ \u200b-]{1,4}$/.test(back(start, 8));
    const isInsideFours = (window: Window) =>
      window.isGrouped &&
      hasRight(window.stop) &&
      continuesFours(window) &&
      isLooseAfter(window.stop) &&
      !DATE_OR_CODE.test(nextTo(window.stop)) &&
      !PRICE_NEXT.test(ahead(spanOf(window.stop)[1], 12));

    /** Whether a number in unusual groups holds a day, or is a piece of a longer row. */
    const isPartOfOther = ({ first, stop, start, end, gaps }: Window): boolean => {
      if (countAt(stop) - countAt(first) === stop - first) return false;
      const number = view.slice(start, end);
      if (DAY.test(number) || /^3\d\d-\d{7}-\d{7}$/.test(number)) return true;
      if (
        first
          ? hasLeft(first) &&
            isLooseAfter(first) &&
            (sizeOf(first - 1) > 1 || gapBefore(first) !== " ")
          : /•-$|••[ \u200b-]{1,4}$/.test(back(start, 8))
      )
        return true;
      if (!hasRight(stop) || !isLooseAfter(stop)) return false;
      const gap = gapBefore(stop);
      const follows = MAY_FOLLOW.exec(nextTo(stop));
      return !follows || (/^-+$/.test(gap) && gaps.includes(gap) && follows[0].length < 3);
    };

    /** Whether the separators may stand in one number. */
    const isJoined = (window: Window): boolean => {
      const { first, stop, isWeak, isGrouped, gaps } = window;
      if (gaps.some((gap) => gap.replace(" \n", "\n").length > 3)) return false;
      const marked = gaps.filter((gap) => /[./_\n]/.test(gap));
      const kinds = new Set(marked.join("").match(/[./_\n]/g));
      const [kind] = kinds;
      if (kind === undefined) return true;
      if (kinds.size > 1 || !isGrouped) return false;
      const isLine = kind === "\n";
      if (isLine && gaps.some((gap) => /\n.*\n/s.test(gap))) return false;
      if (marked.length < gaps.length)
        return isLine && marked.length === 1 && !(isWeak && isPartOfOther(window));
      const left = hasLeft(first) ? gapBefore(first) : "";
      if (isLine ? left.includes(kind) && sizeOf(first - 1) === 4 : left === kind) return false;
      return !(hasRight(stop) && sizeOf(stop) > 3 && gapBefore(stop).includes(kind));
    };

    /** Whether digits that fit are a number of their own here, and not a part of something else. */
    const isNumber = (window: Window): boolean => {
      const { first, stop, start, end, isWeak, isGrouped, isUsual, gaps } = window;
      const before = back(start, 30);
      const firstEnd = spanOf(first)[1];
      return !(
        (isWeak && !(isGrouped && !continuesFours(window)) && !KEY.test(near(start, end))) ||
        !isJoined(window) ||
        [WORD_BEFORE.exec(before), WORD_AFTER.exec(ahead(end, 30))].some(
          (word, at) => word && !KEY.test(word[0]) && (at || !/%[\da-f]{2}$/.test(before)),
        ) ||
        (firstEnd - start < 4 && /[\d•][:.,/]$/.test(before)) ||
        (firstEnd === end && DECIMAL.test(before)) ||
        (/[+＋]$/.test(back(origin, 1)) && (!first || countAt(stop) < 16)) ||
        (fitting[first] as Window[]).some((other) => {
          if (other.stop === stop - 1 && PRICE_NEXT.test(ahead(end, 12))) return true;
          const date =
            other.stop < stop && other.stop > stop - 3 && EXPIRY.exec(nextTo(other.stop));
          return date && date[2] !== gaps[0]?.trim();
        }) ||
        isEndOfMask(first) ||
        (isUsual ? isInsideFours(window) : isPartOfOther(window)) ||
        isSpared(start, end)
      );
    };

    for (const [first, windows] of fitting.entries()) {
      if (!windows.length || spanOf(first)[0] < isTaken()) continue;
      const found = windows.filter(isNumber);
      const chosen =
        found.find((window) => window.isUsual) ??
        found.find(
          ({ stop }) =>
            !fitting
              .slice(first + 1, stop)
              .some((others) => others.some((one) => one.isUsual && isNumber(one))),
        );
      if (!chosen) continue;
      const { start, end } = chosen;
      cards.push([start, end]);
      hidden.fill(1, start, start + view.slice(start, end).replace(/(\d\D*){4}$/, "").length);
    }
  }

  // Codes are looked for among hidden cards: so it makes no difference whether they were hidden before.
  const rest = view.replace(/\d/g, (digit, at: number) => (hidden[at] ? "•" : digit));
  const hide = (found: RegExpMatchArray, from: number): number => {
    let stop = from + found[0].length;
    const { code, date, bare } = found.groups ?? {};
    for (const one of [code, bare, date])
      if (one) {
        const at = rest.lastIndexOf(one, stop - one.length);
        hidden.fill(1, at, at + one.length);
        stop = at;
      }
    return from + found[0].length;
  };
  for (const found of rest.matchAll(ALL_NAMED)) hide(found, found.index);
  for (const [start, stop] of cards) {
    for (let at = stop, many = 3; many > 0; many--) {
      const next = rest.slice(at, at + 60);
      let found: RegExpExecArray | null = null;
      for (const one of NEXT) found ??= one.exec(next);
      if (!found) break;
      const more = next.slice(found[0].length);
      const bare = found.groups?.bare;
      if (
        (/\n/.test(found[0]) && WORD_NEXT.test(more)) ||
        (bare &&
          ((/^(19|20)\d\d$/.test(bare) &&
            view.slice(start, stop).replace(/\D/g, "").length !== 15) ||
            (DIGIT_NEXT.test(more) && !DATE_NEXT.test(more))))
      )
        break;
      at = hide(found, at);
      if (found.groups?.mark) many--;
    }
  }
  return source
    .map((each, at) => (hidden[at] && /\d/.test(view[at] as string) ? "•" : each))
    .join("");
}
