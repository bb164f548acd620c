import { Trans, useLingui } from "@lingui/react/macro";
import { IconCheck, IconX } from "@tabler/icons-react";
import { type FormEvent, useId, useRef, useState } from "react";
import { useReason } from "../../ui/reasons.ts";
import styles from "./ContactCard.module.css";

interface FieldProps {
  label: string;
  value: string | null;
  type: "text" | "email" | "tel";
  onSave: (value: string) => Promise<void>;
}

/** A value that is edited in place. A refusal keeps what was typed. */
export function Field({ label, value, type, onSave }: FieldProps) {
  const { t } = useLingui();
  const id = useId();
  const reason = useReason();
  const [typed, setTyped] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);

  const close = () => {
    setTyped(null);
    setFault(null);
    requestAnimationFrame(() => opener.current?.focus());
  };

  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (typed === null || isBusy) return;
    if (typed.trim() === (value ?? "")) return close();
    setBusy(true);
    try {
      await onSave(typed.trim());
      close();
    } catch (error) {
      setFault(reason(error));
    }
    setBusy(false);
  };

  if (typed === null)
    return (
      <div className={styles.field}>
        <span className={styles.label}>{label}</span>
        <button
          ref={opener}
          type="button"
          className={styles.value}
          title={value ?? undefined}
          onClick={() => setTyped(value ?? "")}
        >
          <span className="visually-hidden">{value ? t`Edit: ${label}` : `${label}:`} </span>
          {value ? (
            <bdi className="clip">{value}</bdi>
          ) : (
            <span className="muted">
              <Trans>Unknown</Trans> · <span className={styles.add}>{t`Add`}</span>
            </span>
          )}
        </button>
      </div>
    );

  return (
    <form className={styles.field} noValidate onSubmit={(event) => void save(event)}>
      <label className={styles.label} htmlFor={id}>
        {label}
      </label>
      <span className={styles.edit}>
        <input
          id={id}
          type={type}
          value={typed}
          // biome-ignore lint/a11y/noAutofocus: the click on the value asked for this field
          autoFocus
          aria-invalid={fault !== null}
          aria-describedby={fault ? `${id}-fault` : undefined}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            close();
          }}
        />
        <button type="submit" aria-label={t`Save`} disabled={isBusy}>
          <IconCheck size={16} />
        </button>
        <button type="button" aria-label={t`Cancel`} onClick={close}>
          <IconX size={16} />
        </button>
      </span>
      {fault && (
        <span id={`${id}-fault`} className={styles.fault} role="alert">
          {fault}
        </span>
      )}
    </form>
  );
}
