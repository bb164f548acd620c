import { useLingui } from "@lingui/react/macro";
import type { Attachment } from "@omnibox/api";
import { IconDownload, IconFile, IconFileAlert, IconFileDots } from "@tabler/icons-react";
import { bytes } from "../../ui/time.ts";
import styles from "./Files.module.css";

export const isPicture = ({ content_type, state, url }: Attachment): boolean =>
  state === "ready" && url !== null && /^image\/(png|jpeg|gif|webp|avif)$/.test(content_type);

function File({ file }: { file: Attachment }) {
  const { t, i18n } = useLingui();
  const name = file.name ?? t`File without a name`;
  const facts = {
    ready: file.size === null ? "" : bytes(file.size, i18n.locale),
    pending: t`Being fetched…`,
    failed: t`Could not be fetched`,
  }[file.state];
  const Shape = { ready: IconFile, pending: IconFileDots, failed: IconFileAlert }[file.state];
  const content = (
    <>
      <Shape size={20} stroke={1.5} aria-hidden="true" />
      <span className={styles.words}>
        <span className="clip">{name}</span>
        <span className={styles.facts}>{facts}</span>
      </span>
    </>
  );
  if (file.state !== "ready" || !file.url)
    return (
      <div className={styles.file} data-state={file.state}>
        {content}
      </div>
    );
  return (
    <a className={styles.file} href={file.url} download={name}>
      {content}
      <IconDownload size={16} stroke={1.5} aria-hidden="true" />
    </a>
  );
}

/** Pictures are shown, everything else is a card to download. */
export function Files({ files }: { files: readonly Attachment[] }) {
  const { t } = useLingui();
  if (files.length === 0) return null;
  return (
    <div className={styles.files}>
      {files.map((file) =>
        isPicture(file) ? (
          <a
            key={file.id}
            className={styles.picture}
            href={file.url ?? ""}
            target="_blank"
            rel="noopener"
          >
            <img src={file.url ?? ""} alt={file.name ?? t`Picture without a name`} loading="lazy" />
          </a>
        ) : (
          <File key={file.id} file={file} />
        ),
      )}
    </div>
  );
}
