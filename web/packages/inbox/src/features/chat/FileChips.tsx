import { useLingui } from "@lingui/react/macro";
import { IconAlertCircle, IconFile, IconX } from "@tabler/icons-react";
import { bytes } from "../../ui/time.ts";
import styles from "./Composer.module.css";
import type { Uploads } from "./useUploads.ts";

export function FileChips({ uploads }: { uploads: Uploads }) {
  const { t, i18n } = useLingui();
  if (uploads.files.length === 0) return null;
  return (
    <ul className={styles.files} aria-label={t`Files to send`}>
      {uploads.files.map(({ key, name, size, share, upload, fault }) => (
        <li key={key} className={styles.file} data-fault={fault !== null || undefined}>
          {fault ? (
            <IconAlertCircle size={16} aria-hidden="true" />
          ) : (
            <IconFile size={16} aria-hidden="true" />
          )}
          <span className={styles.fileWords}>
            <span className="clip">{name}</span>
            <span className={styles.fileFacts} role={fault ? "alert" : undefined}>
              {fault ?? bytes(size, i18n.locale)}
            </span>
          </span>
          {!upload && !fault && (
            <progress max={1} value={share} aria-label={t`Uploading ${name}`} />
          )}
          <button type="button" aria-label={t`Remove ${name}`} onClick={() => uploads.remove(key)}>
            <IconX size={14} />
          </button>
        </li>
      ))}
    </ul>
  );
}
