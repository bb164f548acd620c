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
      if (error.code === "may_not_assign")
        return t`Only the assigned agent, an admin or the owner can hand it over.`;
      if (error.code === "last_owner") return t`There must be at least one owner.`;
      if (error.code === "owner_only") return t`Only an owner can do this.`;
      const isPlain = error.code === "store_unavailable" && !error.message; // else it names the cause: a full disk
      if (isPlain || error.code === "busy") return t`The server is busy. Try again in a moment.`;
      if (error.code === "evidence_early")
        return t`It left a moment ago and may still turn out to have arrived. Try again in a minute; sent anyway, it may arrive twice.`;
      if (error.code === "evidence_away")
        return t`The channel cannot be asked now whether it arrived. Try again in a minute; sent anyway, it may arrive twice.`;
      if (error.code === "too_large") return t`The file is too large for the server.`;
      const words = [error.message, error.cure].filter(Boolean).join(" ");
      return words || t`The server refused this (${error.code}).`;
    },
    [t],
  );
}

/** Why a part did not leave or a reply was refused (docs/errors.md); other codes are the connector's own. */
export function useCodeWords(): (code: string | null, why?: string | null) => string {
  const { t } = useLingui();
  return useCallback(
    (code, why) => {
      const words: Record<string, string> = {
        no_connection: t`The other side could not be reached.`,
        no_answer: t`The message left, and no answer came.`,
        unexpected_answer: t`The other side's answer is not what it promises.`,
        timeout: t`Sending took too long and was given up.`,
        interrupted: t`The server was stopped while the message was leaving.`,
        restored: t`It was waiting when the backup was made that the server runs on now: it may have left since.`,
        file_unavailable: t`The place of the files did not answer.`,
        file_gone: t`A file of this message is no longer stored.`,
        internal: t`The program part that sends on this channel failed.`,
        dismissed: t`An agent gave this message up.`,
        bounced: t`The receiving server returned the message. Check the address.`,
        unreachable: t`Nothing reaches this person here until they write again.`,
        file_too_large: t`A file is larger than this channel takes.`,
        bad_settings: t`A setting of this channel is missing or wrong.`,
        consent_needed: t`The owner of the account has not let omnibox in, or does so no longer.`,
        consent_withdrawn: t`Who let omnibox in has taken the consent back.`,
        consent_client_refused: t`The provider does not take omnibox as it is registered there.`,
        consent_unavailable: t`The provider's token server does not answer as it should.`,
        connector_missing: t`The package that serves this channel is not installed.`,
        nothing_to_answer: t`On this platform a person must write first.`,
        window_closed: t`The time in which this platform takes an answer is over.`,
        channel_disabled: t`This channel is switched off.`,
        empty_reply: t`There is nothing to send.`,
        too_long: t`The text is longer than a reply may be.`,
        upload_gone: t`A file of this reply is no longer there. Attach it again.`,
        no_files: t`This channel takes no files.`,
        too_many_files: t`These are more files than one reply may have here.`,
        file_type_refused: t`This channel does not take files of this type.`,
        reply_refused: t`This channel does not take a reply now.`,
        http_401: t`The other side does not accept our credentials.`,
        http_403: t`The other side refuses us.`,
        http_413: t`The message or a file is too large for the other side.`,
        http_429: t`The other side asks us to slow down.`,
        http_503: t`The other side is not available now.`,
      };
      if (code && words[code]) return words[code];
      if (why) return why;
      return code ? code.replaceAll("_", " ") : t`No reason was given.`;
    },
    [t],
  );
}
