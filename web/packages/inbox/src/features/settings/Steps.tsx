import { Trans, useLingui } from "@lingui/react/macro";
import type { Connector, Settings } from "@omnibox/api";
import { RichText } from "../../ui/RichText.tsx";
import styles from "./Steps.module.css";

interface StepsProps {
  connector: Connector;
  /** Values for the holes in the texts, such as `{hook_url}`. */
  known?: Settings;
}

/** What to do on the other side, in the connector's own words. */
export function Steps({ connector, known = {} }: StepsProps) {
  const { t } = useLingui();
  const fill = (text: string) =>
    text.replace(/\{(\w+)\}/g, (hole, name) => (known[name] ? String(known[name]) : hole));
  if (connector.steps.length === 0) return null;
  return (
    <aside className={styles.steps} aria-label={t`Steps`}>
      <h2>
        <Trans>Steps</Trans>
      </h2>
      <ol>
        {connector.steps.map(({ title, text }, index) => (
          <li key={title} className={styles.step}>
            <span className={`num ${styles.number}`} aria-hidden="true">
              {index + 1}
            </span>
            <div>
              <h3>{title}</h3>
              <p className={styles.text}>
                <RichText text={fill(text)} />
              </p>
            </div>
          </li>
        ))}
      </ol>
    </aside>
  );
}
