import { Trans, useLingui } from "@lingui/react/macro";
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useServices } from "../../app/services.ts";
import { Failed } from "../../ui/States.tsx";
import { PASSWORD_LENGTH, useTexts } from "../../ui/useTexts.ts";
import styles from "./Card.module.css";
import { Card } from "./Card.tsx";
import { LoginForm } from "./LoginForm.tsx";

function FirstRun({ onDone }: { onDone: () => void }) {
  const { t } = useLingui();
  const { api } = useServices();
  const form = useTexts({ code: "", name: "", email: "", password: "" });
  return (
    <Card
      title={t`Welcome`}
      text={<Trans>Nobody has an account here yet. Make yours; you will be the owner.</Trans>}
    >
      <form
        className={styles.form}
        onSubmit={form.submit(async (values) => {
          await api.makeOwner(values);
          onDone();
        })}
      >
        {form.fault && (
          <p className={styles.fault} role="alert">
            {form.fault}
          </p>
        )}
        <TextInput
          {...form.field("code")}
          label={t`Set-up code`}
          description={t`It is printed in the server's log at start.`}
          autoComplete="one-time-code"
          required
          withAsterisk={false}
          autoFocus
        />
        <TextInput
          {...form.field("name")}
          label={t`Your name`}
          description={t`Customers see it beside your answers.`}
          autoComplete="name"
          required
          withAsterisk={false}
        />
        <TextInput
          {...form.field("email")}
          type="email"
          label={t`Email`}
          autoComplete="username"
          required
          withAsterisk={false}
        />
        <PasswordInput
          {...form.field("password")}
          label={t`Password`}
          description={t`At least ${PASSWORD_LENGTH} characters`}
          autoComplete="new-password"
          minLength={PASSWORD_LENGTH}
          required
          withAsterisk={false}
          visibilityToggleButtonProps={{ "aria-label": t`Show or hide the password` }}
        />
        <Button type="submit" loading={form.isBusy} fullWidth>
          <Trans>Create the owner's account</Trans>
        </Button>
      </form>
    </Card>
  );
}

/** Sign-in, or the first run where there is no owner yet. */
export default function SignIn({ onDone }: { onDone: () => void }) {
  const { t } = useLingui();
  const { api } = useServices();
  const setup = useQuery({ queryKey: ["setup"], queryFn: api.setup, staleTime: 0 });
  if (setup.isPending) return null;
  if (setup.isError)
    return (
      <Failed
        what={t`Server not reachable`}
        error={setup.error}
        onRetry={() => void setup.refetch()}
      />
    );
  if (setup.data.needed) return <FirstRun onDone={onDone} />;
  return (
    <Card title={t`Sign in`}>
      <LoginForm onDone={onDone} />
      <p className="muted" style={{ marginTop: 8, fontSize: 12 }}>
        <Trans>
          Password forgotten? An owner or admin can give you a link to choose a new one.
        </Trans>
      </p>
    </Card>
  );
}
