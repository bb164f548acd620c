/** What the composer may do, worked out from data: the row's policy, the channel's state, its capabilities. */

import type { Capabilities, Channel, FileLimits, Policy, Row } from "@omnibox/api";

const WARN_MS = 2 * 3_600_000;

export type Gate =
  | {
      kind: "open";
      endsInMs: number | null;
      isEnding: boolean;
      /** How the reply is sent, where that is not the ordinary way. */
      way: string | null;
      /** What is allowed afterwards. */
      afterwards: { untilMs: number; way: string | null } | null;
    }
  | { kind: "closed"; code: string | null; why: string | null; lacks: string | null };

/** A window that ran out while the page was open is over too, before the server says so; then the next one counts. */
export function gateOf(policy: Policy, now: number): Gate {
  const { allowed, until, code, why, way, afterwards, lacks } = policy;
  const endsAt = until === null ? Number.POSITIVE_INFINITY : Date.parse(until);
  const laterEndsAt = afterwards?.until ? Date.parse(afterwards.until) : 0;
  if (!allowed || Math.max(endsAt, laterEndsAt) <= now)
    return { kind: "closed", code: code ?? "window_closed", why, lacks };
  const isLater = endsAt <= now;
  const leftMs = (isLater ? laterEndsAt : endsAt) - now;
  return {
    kind: "open",
    endsInMs: Number.isFinite(leftMs) ? leftMs : null,
    isEnding: leftMs <= WARN_MS,
    way: isLater ? (afterwards?.way ?? null) : way,
    afterwards:
      !isLater && afterwards?.until ? { untilMs: laterEndsAt, way: afterwards.way } : null,
  };
}

/** The channels on which an agent can go on with a contact whose own channel is closed. */
export const waysOn = (
  { channel, contact }: Pick<Row, "channel" | "contact">,
  channels: readonly Channel[],
  capabilitiesOf: (channel: Channel) => Capabilities | undefined,
): Channel[] =>
  contact.email === null
    ? []
    : channels.filter(
        (each) =>
          each.id !== channel && each.state === "active" && capabilitiesOf(each)?.by_address,
      );

/** A channel that cannot send at the moment; a draft never could. */
export const isHalted = (channel: Channel | undefined): boolean =>
  channel !== undefined && channel.state !== "active";

const fits = (type: string, wanted: string): boolean =>
  wanted === type || (wanted.endsWith("/*") && type.startsWith(wanted.slice(0, -1)));

export type FileFault = "none_taken" | "too_many" | "too_large" | "wrong_type" | "empty";

type FileFacts = Pick<File, "size" | "type">;

/** Why this file cannot go with `already` others; null when it can. */
export function fileFault(
  file: FileFacts,
  already: number,
  limits: FileLimits | null,
  serverBytes: number,
): FileFault | null {
  if (!limits) return "none_taken";
  if (already >= limits.count) return "too_many";
  if (file.size === 0) return "empty";
  if (file.size > Math.min(limits.bytes, serverBytes)) return "too_large";
  if (limits.types.length && !limits.types.some((wanted) => fits(file.type, wanted)))
    return "wrong_type";
  return null;
}

/** How many messages a text becomes on a channel that cuts long ones. */
export const partsOf = (text: string, most: number | null): number =>
  most === null ? 1 : Math.max(1, Math.ceil([...text].length / most));
