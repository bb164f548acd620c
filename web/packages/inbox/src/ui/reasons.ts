/** Words for what was refused; a code of an unknown kind is shown as it came. */

import { useLingui } from "@lingui/react/macro";
import { ApiError } from "@omnibox/api";
import { useCallback } from "react";

/** One sentence for an error of a request. */
export function useReason(): (error: unknown) => string {
  const { t } = useLingui();
  return useCallback(
    (error) => {
      if (!(error instanceof ApiError))
        return t`Something went wrong. Reload the page and try again.`;
      const wait = error.retryAfterS ?? 0;
      if (error.code === "offline") return t`The server cannot be reached. Check the connection.`;
      if (error.code === "login_refused") return t`Email or password is not right.`;
      if (error.code === "wrong_setup_code")
        return t`This set-up code is not right. It is printed in the server's log at every start.`;
      if (error.code === "slow_down" && wait > 0)
        return t`Too many attempts. Try again in ${wait} seconds.`;
      if (error.code === "slow_down") return t`Too many attempts. Try again in a minute.`;
      if (error.code === "may_not_resolve")
        return t`Only the assigned agent, an admin or the owner can resolve this conversation.`;
      if (error.code === "store_unavailable") return t`The server is busy. Try again in a moment.`;
      if (error.code === "too_large") return t`The file is too large for the server.`;
      const words = [error.message, error.cure].filter(Boolean).join(" ");
      return words || t`The server refused this (${error.code}).`;
    },
    [t],
  );
}

/** Why a part did not leave, or where a reply was refused; unknown codes are the connector's own words. */
export function useCodeWords(): (code: string | null, why?: string | null) => string {
  const { t } = useLingui();
  return useCallback(
    (code, why) => {
      const words: Record<string, string> = {
        window_closed: t`The time in which this channel takes a reply has passed.`,
        unreachable: t`The recipient cannot be reached at this address.`,
        too_old: t`The message waited too long and was not sent.`,
        exhausted: t`The platform did not take it after several tries.`,
        timeout: t`The platform did not answer in time.`,
        bad_settings: t`The channel's settings are not complete.`,
        channel_down: t`The platform refuses this channel at the moment.`,
        too_large: t`A file is larger than the channel takes.`,
        dismissed: t`Marked as not sent by an agent.`,
        reply_refused: t`This channel does not take a reply now.`,
        no_address: t`There is no address to reply to.`,
        lost: t`The connection broke after the message had left.`,
      };
      if (code && words[code]) return words[code];
      if (why) return why;
      return code ? code.replaceAll("_", " ") : t`No reason was given.`;
    },
    [t],
  );
}
