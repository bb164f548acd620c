import { useLingui } from "@lingui/react/macro";
import { ActionIcon } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useId, useState } from "react";
import styles from "./Copy.module.css";

interface CopyProps {
  label: string;
  value: string;
  help?: string | undefined;
  isLong?: boolean;
}

/** A value to carry elsewhere: read-only, selected on focus, copied by one button. */
export function Copy({ label, value, help, isLong = false }: CopyProps) {
  const { t } = useLingui();
  const id = useId();
  const [isCopied, setCopied] = useState(false);

  const copy = async () => {
    const field = document.getElementById(id);
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) field.select();
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      document.execCommand("copy"); // without https there is no clipboard to write to
    }
    setCopied(true);
    window.setTimeout(() => setCopied(false), 2_000);
  };

  const shared = {
    id,
    readOnly: true,
    value,
    className: styles.value,
    onFocus: (event: React.FocusEvent<HTMLInputElement | HTMLTextAreaElement>) =>
      event.currentTarget.select(),
  };
  return (
    <div className={styles.copy}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      {help && <p className={styles.help}>{help}</p>}
      <div className={styles.box}>
        {isLong ? <textarea {...shared} rows={4} /> : <input {...shared} />}
        <ActionIcon
          variant="subtle"
          color="neutral"
          aria-label={isCopied ? t`Copied` : t`Copy: ${label}`}
          onClick={copy}
        >
          {isCopied ? <IconCheck size={16} /> : <IconCopy size={16} />}
        </ActionIcon>
        <span className="visually-hidden" role="status">
          {isCopied ? t`Copied` : ""}
        </span>
      </div>
    </div>
  );
}
