import { Trans, useLingui } from "@lingui/react/macro";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useDesk } from "../../app/live.ts";
import { NotFound } from "../../app/NotFound.tsx";
import { useServices } from "../../app/services.ts";
import { Page } from "../../ui/Page.tsx";
import { Emblem } from "./ChannelsPage.tsx";
import { SchemaForm } from "./SchemaForm.tsx";
import styles from "./Steps.module.css";
import { Steps } from "./Steps.tsx";

/** A new connection, drawn from what its connector says of itself. It begins as a draft. */
export default function NewConnectionPage() {
  const { t } = useLingui();
  const { api, queries } = useServices();
  const { connectors } = useDesk();
  const navigate = useNavigate();
  const { connector: name = "" } = useParams({ strict: false });
  const connector = connectors.get(name);
  if (!connector) return <NotFound />;
  return (
    <Page
      isWide
      title={
        <>
          <Emblem connector={connector} /> {connector.title}
        </>
      }
      text={connector.summary}
    >
      <div className={styles.columns}>
        <Steps connector={connector} />
        <div>
          {connector.error && <p role="alert">{connector.error}</p>}
          <SchemaForm
            schema={connector.connection_schema}
            nameLabel={t`Name in omnibox`}
            name={connector.title}
            stored={{}}
            secretsSet={[]}
            submitLabel={t`Save and go on`}
            isEdit={false}
            onSubmit={async (filled) => {
              const made = await api.addConnection({ connector: name, ...filled });
              queries.setQueryData(["channels", `${made.id}`], made);
              void queries.invalidateQueries({ queryKey: ["channels"] });
              await navigate({
                to: "/settings/channels/$connection",
                params: { connection: `${made.id}` },
                replace: true,
              });
            }}
          >
            <span className="muted">
              <Trans>Nothing is sent or received before you switch it on.</Trans>
            </span>
          </SchemaForm>
        </div>
      </div>
    </Page>
  );
}
