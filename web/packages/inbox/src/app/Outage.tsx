import { Trans, useLingui } from "@lingui/react/macro";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useConnectivity, useDesk } from "./live.ts";
import styles from "./Shell.module.css";

/** What is wrong with the store, and what somebody at the server can do about it. */
function useWords(): (trouble: string) => { what: string; cure: string } {
  const { t } = useLingui();
  return (trouble) => {
    switch (trouble) {
      case "full":
        return {
          what: t`The disk is full.`,
          cure: t`Free space on the disk of the server's data.`,
        };
      case "read_only":
        return {
          what: t`The disk cannot be written.`,
          cure: t`Look at the disk of the server's data and its rights.`,
        };
      case "failing":
        return { what: t`The disk gives errors.`, cure: t`Look at the disk of the server's data.` };
      case "locked":
        return {
          what: t`Another program holds the database.`,
          cure: t`End whatever else uses the database of the server.`,
        };
      default:
        return { what: t`The database does not answer.`, cure: t`Look at the database server.` };
    }
  };
}

/** Above every page, while the server stores nothing: why, who can help, and that nothing else needs doing. */
export function Outage() {
  const { link, trouble } = useConnectivity();
  const { may } = useDesk();
  const words = useWords();
  if (!trouble || link === "lost") return null; // then nobody knows, and the line above says so
  const { what, cure } = words(trouble);
  return (
    <div className={styles.bar} data-trouble role="alert">
      <IconAlertTriangle size={16} aria-hidden="true" />
      <span className={styles.trouble}>
        <strong>{what}</strong> <Trans>Nothing new is stored; what is there can be read.</Trans>{" "}
        {may.settings ? cure : <Trans>Tell whoever runs the server.</Trans>}{" "}
        <Trans>Everything then goes on by itself.</Trans>
      </span>
    </div>
  );
}
