import { useLingui } from "@lingui/react/macro";
import type { Offer, OfferedButton, Offers } from "@omnibox/api";
import { IconExternalLink, IconPlus, IconX } from "@tabler/icons-react";
import { type ReactNode, useRef, useState } from "react";
import styles from "./Offering.module.css";
import { isLink } from "./offer.ts";

interface RowProps {
  title: string;
  chosen: readonly OfferedButton[];
  most: number;
  onRemove: (place: number) => void;
  children: ReactNode;
}

function Row({ title, chosen, most, onRemove, children }: RowProps) {
  const { t } = useLingui();
  return (
    <fieldset className={styles.row} aria-label={title}>
      <span className={styles.title}>{title}</span>
      {chosen.map((button, place) => (
        <button
          key={button.title}
          type="button"
          className={styles.choice}
          title={button.url || undefined}
          aria-label={t`Remove ${button.title}`}
          onClick={() => onRemove(place)}
        >
          {button.url && <IconExternalLink size={13} aria-hidden="true" />}
          <bdi className="clip">{button.title}</bdi>
          <IconX size={13} aria-hidden="true" />
        </button>
      ))}
      {chosen.length < most && children}
    </fieldset>
  );
}

interface AddProps {
  label: string;
  most: number;
  known: readonly string[];
  hasLink: boolean;
  onAdd: (button: OfferedButton) => void;
  /** Backspace in an empty field. */
  onBack: () => void;
}

/** One more: a word, and for a button a link if it shall open a page. Enter adds it and asks for the next. */
function Add({ label, most, known, hasLink, onAdd, onBack }: AddProps) {
  const { t } = useLingui();
  const [isOpen, setOpen] = useState(false);
  const [title, setTitle] = useState("");
  const [url, setUrl] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const box = useRef<HTMLSpanElement>(null);
  const first = useRef<HTMLInputElement>(null);

  const close = () => {
    setOpen(false);
    setTitle("");
    setUrl("");
    setFault(null);
  };
  const add = () => {
    const said = title.trim().replace(/\s+/g, " ");
    const link = url.trim();
    if (!said && !link) return close();
    const wrong = !said
      ? t`Write a title`
      : known.includes(said)
        ? t`There is one of this title already`
        : link && !isLink(link)
          ? t`A link begins with https://`
          : null;
    setFault(wrong);
    if (wrong) return;
    onAdd({ title: said, url: link });
    setTitle("");
    setUrl("");
    first.current?.focus();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      add();
    }
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
    if (event.key === "Backspace" && !title && !url) onBack();
  };
  // Leaving the last of its fields adds what was typed, as leaving an address in copy does.
  const onBlur = (event: React.FocusEvent) => {
    if (!box.current?.contains(event.relatedTarget)) add();
  };
  const field = { className: styles.field, onBlur, onKeyDown };

  if (!isOpen)
    return (
      <button type="button" className={styles.add} aria-label={label} onClick={() => setOpen(true)}>
        <IconPlus size={13} aria-hidden="true" />
        {known.length === 0 && <span>{label}</span>}
      </button>
    );
  return (
    <span ref={box} className={styles.fields}>
      <input
        ref={first}
        {...field}
        value={title}
        maxLength={most}
        aria-label={hasLink ? t`Title of the button` : t`Quick reply`}
        placeholder={t`At most ${most} characters`}
        // biome-ignore lint/a11y/noAutofocus: it was asked for by the click
        autoFocus
        onChange={(event) => setTitle(event.currentTarget.value)}
      />
      {hasLink && (
        <input
          {...field}
          type="url"
          value={url}
          aria-label={t`Link of the button, if it shall open a page`}
          placeholder={t`https://… (optional)`}
          onChange={(event) => setUrl(event.currentTarget.value)}
        />
      )}
      {fault && (
        <span className={styles.fault} role="alert">
          {fault}
        </span>
      )}
    </span>
  );
}

interface OfferingProps {
  offer: Offer;
  limits: Offers;
  onChange: (offer: Offer) => void;
}

/** What the customer can tap instead of typing. */
export function Offering({ offer, limits, onChange }: OfferingProps) {
  const { t } = useLingui();
  const { quick_replies, buttons } = offer;
  const without = <T,>(list: readonly T[], place: number) => list.filter((_, at) => at !== place);
  const dropReply = (place: number) =>
    onChange({ ...offer, quick_replies: without(quick_replies, place) });
  const dropButton = (place: number) => onChange({ ...offer, buttons: without(buttons, place) });
  return (
    <div className={styles.offering}>
      {limits.quick_replies > 0 && (
        <Row
          title={t`Quick replies`}
          chosen={quick_replies.map((title) => ({ title, url: "" }))}
          most={limits.quick_replies}
          onRemove={dropReply}
        >
          <Add
            label={t`Add a quick reply`}
            most={limits.title}
            known={quick_replies}
            hasLink={false}
            onAdd={({ title }) => onChange({ ...offer, quick_replies: [...quick_replies, title] })}
            onBack={() => dropReply(quick_replies.length - 1)}
          />
        </Row>
      )}
      {limits.buttons > 0 && (
        <Row title={t`Buttons`} chosen={buttons} most={limits.buttons} onRemove={dropButton}>
          <Add
            label={t`Add a button`}
            most={limits.title}
            known={buttons.map(({ title }) => title)}
            hasLink
            onAdd={(button) => onChange({ ...offer, buttons: [...buttons, button] })}
            onBack={() => dropButton(buttons.length - 1)}
          />
        </Row>
      )}
    </div>
  );
}
