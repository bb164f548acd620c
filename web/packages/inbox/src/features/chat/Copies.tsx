import { Trans, useLingui } from "@lingui/react/macro";
import type { Row } from "@omnibox/api";
import { IconCheck, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import styles from "./Copies.module.css";
import { isAddress } from "./recipients.ts";

interface CopiesProps {
  row: Row;
  /** Addresses that get a copy. */
  chosen: readonly string[];
  onChoose: (chosen: string[]) => void;
}

/** Whom the reply goes to: the contact, and in copy whoever the agent ticks. Nobody is added or left out by itself. */
export function Copies({ row, chosen, onChoose }: CopiesProps) {
  const { t } = useLingui();
  const [typed, setTyped] = useState<string | null>(null);
  const known = new Map(row.people.map((person) => [person.address, person]));
  const listed = [...known.keys(), ...chosen.filter((address) => !known.has(address))];
  const contact = row.contact.label;

  const toggle = (address: string) =>
    onChoose(
      chosen.includes(address) ? chosen.filter((one) => one !== address) : [...chosen, address],
    );
  const add = () => {
    const address = typed?.trim().toLowerCase() ?? "";
    if (isAddress(address) && !chosen.includes(address)) onChoose([...chosen, address]);
    setTyped(null);
  };

  return (
    <fieldset className={styles.copies}>
      <legend className="visually-hidden">
        <Trans>Recipients</Trans>
      </legend>
      <span className={styles.to}>
        <Trans>
          To <bdi>{contact}</bdi>
        </Trans>
      </span>
      {listed.length > 0 && (
        <span className={styles.cc}>
          <Trans>Cc</Trans>
        </span>
      )}
      {listed.map((address) => {
        const isChosen = chosen.includes(address);
        const name = known.get(address)?.name ?? address;
        const isNew = !known.get(address)?.is_confirmed;
        return (
          <button
            key={address}
            type="button"
            className={styles.person}
            aria-pressed={isChosen}
            aria-label={isChosen ? t`${name} gets a copy` : t`${name} gets no copy`}
            title={address}
            onClick={() => toggle(address)}
          >
            {isChosen && <IconCheck size={13} aria-hidden="true" />}
            <bdi className="clip">{name}</bdi>
            {isChosen && isNew && <span className={styles.new}>{t`new`}</span>}
          </button>
        );
      })}
      {typed === null ? (
        <button
          type="button"
          className={styles.add}
          aria-label={t`Add somebody in copy`}
          onClick={() => setTyped("")}
        >
          <IconPlus size={13} aria-hidden="true" />
          {listed.length === 0 && <Trans>Cc</Trans>}
        </button>
      ) : (
        <input
          className={styles.field}
          type="email"
          value={typed}
          aria-label={t`Address to copy`}
          placeholder="name@example.com"
          // biome-ignore lint/a11y/noAutofocus: it was asked for by the click
          autoFocus
          onChange={(event) => setTyped(event.currentTarget.value)}
          onBlur={add}
          onKeyDown={(event) => {
            if (event.key === "Enter") {
              event.preventDefault();
              add();
            }
            if (event.key === "Escape") {
              event.stopPropagation();
              setTyped(null);
            }
          }}
        />
      )}
    </fieldset>
  );
}
