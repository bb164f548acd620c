/** What a channel puts below a reply by itself, worked out from data. */

import type { Connector, Me } from "@omnibox/api";

/** By this channel setting, a text of several lines, a connector says that it puts words below every reply. */
const SETTING = "signature";

export const addsSignature = (connector: Connector | undefined): boolean =>
  connector?.channel_schema?.properties?.[SETTING]?.["x-ui"] === "text";

const withoutEdges = (text: string): string => text.replace(/^\n+|\n+$/g, "");
// Not `replaceAll` with a text: `$&` in somebody's signature is not a pattern.
const fill = (text: string, place: string, value: string): string => text.split(place).join(value);

/** The channel's words with the agent's in their place, else the agent's own above them. */
export function signatureBelow(
  settings: Readonly<Record<string, unknown>>,
  { name, signature }: Pick<Me, "name" | "signature">,
): string {
  const pattern = String(settings[SETTING] ?? "");
  const filled = withoutEdges(fill(fill(pattern, "{agent}", name), "{signature}", signature));
  const hasPlace = pattern.includes("{signature}");
  const lines = hasPlace ? [filled] : [withoutEdges(signature), filled];
  return lines.filter((one) => one.trim()).join("\n");
}

/** All of it on one line. */
export const inShort = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .join(" · ");
