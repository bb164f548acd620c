import { Plural, useLingui } from "@lingui/react/macro";
import type { Message } from "@omnibox/api";
import { IconPhotoOff } from "@tabler/icons-react";
import styles from "./Original.module.css";

/** A message as it was laid out, in a frame that runs nothing and knows nothing of the page around it. */
export function Original({ message, from }: { message: Message; from: string }) {
  const { t } = useLingui();
  const { id, remote_images } = message;
  return (
    <div className={styles.original}>
      {remote_images > 0 && (
        <p className={styles.remote}>
          <IconPhotoOff size={14} aria-hidden="true" />
          <Plural
            value={remote_images}
            one="# remote image not loaded"
            other="# remote images not loaded"
          />
        </p>
      )}
      <iframe
        className={styles.frame}
        title={t`Original message from ${from}`}
        src={`/api/messages/${id}/html`}
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
      />
    </div>
  );
}
