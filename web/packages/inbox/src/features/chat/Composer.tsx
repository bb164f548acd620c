import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Button } from "@mantine/core";
import type { Id, Message, Row } from "@omnibox/api";
import { IconHandClick, IconPaperclip, IconSend2 } from "@tabler/icons-react";
import {
  lazy,
  type RefObject,
  Suspense,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
} from "react";
import { type Draft, type DraftKind, keepDraft, readDraft } from "../../app/drafts.ts";
import { useChannel, useConnectorOf } from "../../app/live.ts";
import { hideCards } from "../../app/masking.ts";
import { newId, useServices } from "../../app/services.ts";
import type { Pending } from "../../store/pending.ts";
import { ChannelIcon } from "../../ui/ChannelIcon.tsx";
import { Reasoned } from "../../ui/Reasoned.tsx";
import { useNow } from "../../ui/time.ts";
import { toast } from "../../ui/toast.tsx";
import styles from "./Composer.module.css";
import { Copies } from "./Copies.tsx";
import { Elsewhere } from "./Elsewhere.tsx";
import { FileChips } from "./FileChips.tsx";
import { Notices } from "./Notices.tsx";
import { hidden as hiddenOffer, isEmpty, NO_OFFER, offerFault } from "./offer.ts";
import { gateOf, partsOf } from "./policy.ts";
import { copiedLast } from "./recipients.ts";
import { Signature } from "./Signature.tsx";
import { useUploads } from "./useUploads.ts";

const Offering = lazy(() =>
  import("./Offering.tsx").then((chunk) => ({ default: chunk.Offering })),
);

const DRAFT_MS = 300;
const TYPING_MS = 2_000;
const TALLEST_PX = 240;

export interface ComposerDoor {
  /** Null leaves the choice between reply and note as it is. */
  focus(kind: DraftKind | null): void;
  restore(pending: Pending): void;
}

interface ComposerProps {
  row: Row;
  messages: readonly Message[];
  door: RefObject<ComposerDoor | null>;
}

const lastSeen = (messages: readonly Message[]): Id | undefined =>
  messages.findLast(({ kind }) => kind === "inbound" || kind === "outbound")?.id;

export function Composer({ row, messages, door }: ComposerProps) {
  const { t } = useLingui();
  const { sync, store } = useServices();
  const { id } = row;
  const channel = useChannel(row.channel);
  const connector = useConnectorOf(row.channel);
  const capabilities = connector?.capabilities;
  const uploads = useUploads(capabilities?.files ?? null);
  const [draft] = useState(() => readDraft(id));
  const [text, setText] = useState(draft.text);
  const [kind, setKind] = useState<DraftKind>(draft.kind);
  const [offer, setOffer] = useState(draft.offer ?? NO_OFFER);
  const [isOffering, setOffering] = useState(!isEmpty(offer));
  const [cc, setCc] = useState<readonly string[]>(() => copiedLast(row.people));
  // What was on screen when the words were begun: a newer answer makes the server ask.
  const seen = useRef<Id | undefined>(undefined);
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const toldAt = useRef(0);
  const [isOver, setOver] = useState(false);

  const minute = useNow((now) => Math.floor(now / 15_000));
  const gate = gateOf(row.policy, Math.max(minute * 15_000, Date.now()));
  const isNote = kind === "note";
  const isClosed = !isNote && gate.kind === "closed";
  const most = store.limits().text;
  const limits = capabilities?.offers ?? null;
  const offered = limits && !isNote ? offer : NO_OFFER;
  const fault = limits && offerFault(offered, text, uploads.ready.length > 0, limits);
  const mostAbove = limits?.text ?? 0;
  const hidden = hideCards(text);
  const isTooLong = text.length > most;
  const hasWords = text.trim() !== "" || (!isNote && uploads.ready.length > 0);
  const blocked = isClosed
    ? t`The reply window is closed`
    : isTooLong
      ? t`Too long: at most ${most} characters`
      : uploads.isBusy && !isNote
        ? t`Files are still being uploaded`
        : uploads.hasFault && !isNote
          ? t`Remove the file that cannot be sent`
          : fault === "needs_text"
            ? t`Write a text above the choices`
            : fault === "long_text"
              ? t`Too long above buttons: at most ${mostAbove} characters`
              : hasWords
                ? null
                : t`Nothing to send yet`;

  useEffect(() => {
    const draft = { text, kind, offer: hiddenOffer(offer) };
    const timer = window.setTimeout(() => keepDraft(id, draft), DRAFT_MS);
    return () => window.clearTimeout(timer);
  }, [id, text, kind, offer]);
  const latest = useRef<Draft>({ text, kind });
  useEffect(() => {
    latest.current = { text, kind, offer: hiddenOffer(offer) };
  });
  useEffect(() => () => keepDraft(id, latest.current), [id]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useEffect(() => {
    const field = area.current;
    if (!field) return;
    field.style.height = "auto";
    field.style.height = `${Math.min(TALLEST_PX, field.scrollHeight)}px`;
  }, [text]);

  useImperativeHandle(door, () => ({
    focus: (wanted) => {
      if (wanted) setKind(wanted);
      requestAnimationFrame(() => area.current?.focus());
    },
    restore: (pending) => {
      setKind(pending.kind);
      setText((old) => (old.trim() ? `${old}\n${pending.text}` : pending.text));
      uploads.restore(pending.files);
      setCc(pending.cc);
      if (pending.offer) {
        setOffer(pending.offer);
        setOffering(true);
      }
      requestAnimationFrame(() => area.current?.focus());
    },
  }));

  const change = (next: string) => {
    if (!text && next) seen.current = lastSeen(messages);
    setText(next);
    const now = Date.now();
    if (!isNote && next && now - toldAt.current > TYPING_MS) {
      toldAt.current = now;
      sync.tellTyping(id);
    }
  };

  const send = () => {
    if (blocked !== null) return;
    const pending: Pending = {
      client_id: newId(),
      conversation: id,
      kind,
      text: hideCards(text.trim()),
      files: isNote ? [] : uploads.ready,
      cc: isNote ? [] : cc,
      offer: hiddenOffer(offered),
      at: new Date().toISOString(),
      status: "sending",
      code: null,
      why: null,
    };
    const known = seen.current ?? lastSeen(messages);
    if (!sync.write(pending, known === undefined ? {} : { seen: known })) {
      toast(t`Too much is waiting to be sent. Try again when the connection is back.`, {
        isFailure: true,
      });
      return;
    }
    setText("");
    keepDraft(id, { text: "", kind, offer: isNote ? hiddenOffer(offer) : null });
    if (!isNote) {
      uploads.clear();
      setOffer(NO_OFFER);
      setOffering(false);
    }
    seen.current = undefined;
    area.current?.focus();
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Escape") area.current?.blur();
    // During input-method composition Enter picks a word.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  const noFiles = isNote
    ? t`A note has no files`
    : capabilities?.files
      ? isClosed
        ? t`The reply window is closed`
        : null
      : t`This channel takes no files`;
  const addFiles = (list: FileList | null) => {
    const chosen = [...(list ?? [])];
    if (chosen.length && noFiles === null) uploads.add(chosen);
    else if (chosen.length && noFiles) toast(noFiles, { isFailure: true });
  };

  const channelName = channel?.name ?? "";
  const person = row.contact.label;
  return (
    <section
      aria-label={t`Write`}
      className={styles.composer}
      data-note={isNote || undefined}
      data-over={isOver || undefined}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        addFiles(event.dataTransfer.files);
      }}
    >
      <div className={styles.kinds}>
        <button type="button" aria-pressed={!isNote} onClick={() => setKind("reply")}>
          <Trans>Reply</Trans>
        </button>
        <button type="button" aria-pressed={isNote} onClick={() => setKind("note")}>
          <Trans>Note</Trans>
        </button>
        <span className={styles.route}>
          {isNote ? (
            <Trans>Only your team sees it</Trans>
          ) : (
            <>
              <ChannelIcon connector={connector} size={12} />
              <span className="clip">{channelName}</span>
            </>
          )}
        </span>
      </div>
      {!isNote && capabilities?.recipients && <Copies row={row} chosen={cc} onChoose={setCc} />}
      <Notices
        row={row}
        gate={gate}
        isNote={isNote}
        parts={partsOf(text, capabilities?.max_text ?? null)}
        hasHidden={hidden !== text}
        elsewhere={<Elsewhere row={row} text={text} />}
      />
      <textarea
        ref={area}
        rows={1}
        className={styles.text}
        value={text}
        disabled={isClosed}
        aria-label={isNote ? t`Note` : t`Reply`}
        placeholder={
          isNote ? t`A note for your team about ${person}` : t`Reply to ${person} by ${channelName}`
        }
        onChange={(event) => change(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          if (event.clipboardData.files.length === 0) return;
          event.preventDefault();
          addFiles(event.clipboardData.files);
        }}
      />
      {!isNote && !isClosed && <Signature channel={row.channel} />}
      {!isNote && <FileChips uploads={uploads} />}
      {!isNote && !isClosed && limits && isOffering && (
        <Suspense>
          <Offering offer={offer} limits={limits} onChange={setOffer} />
        </Suspense>
      )}
      <div className={styles.tools}>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          data-files
          accept={capabilities?.files?.types.join(",")}
          onChange={(event) => {
            addFiles(event.currentTarget.files);
            event.currentTarget.value = "";
          }}
        />
        <Reasoned reason={noFiles} hint={t`Attach files`}>
          <ActionIcon
            variant="subtle"
            color="neutral"
            size={32}
            aria-label={t`Attach files`}
            onClick={() => picker.current?.click()}
          >
            <IconPaperclip size={18} stroke={1.75} />
          </ActionIcon>
        </Reasoned>
        {!isNote && limits && (
          <Reasoned
            reason={isClosed ? t`The reply window is closed` : null}
            hint={t`Let the customer choose`}
          >
            <ActionIcon
              variant="subtle"
              color="neutral"
              size={32}
              aria-label={t`Let the customer choose`}
              aria-expanded={isOffering}
              onClick={() => setOffering(!isOffering)}
            >
              <IconHandClick size={18} stroke={1.75} />
            </ActionIcon>
          </Reasoned>
        )}
        <span className={`num ${styles.left}`} data-over={isTooLong || undefined}>
          {text.length > most * 0.8 && `${text.length} / ${most}`}
        </span>
        <Reasoned reason={blocked}>
          <Button
            size="sm"
            color={isNote ? "warning" : "accent"}
            rightSection={<IconSend2 size={16} />}
            onClick={send}
          >
            {isNote ? t`Add note` : t`Send`}
          </Button>
        </Reasoned>
      </div>
      {isOver && (
        <p className={styles.drop} aria-hidden="true">
          {noFiles ?? t`Drop to attach`}
        </p>
      )}
    </section>
  );
}
