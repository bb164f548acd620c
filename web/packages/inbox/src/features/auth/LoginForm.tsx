import { Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox, PasswordInput, TextInput } from "@mantine/core";
import type { Me } from "@omnibox/api";
import { useState } from "react";
import { useServices } from "../../app/services.ts";
import { useTexts } from "../../ui/useTexts.ts";
import styles from "./Card.module.css";

export function LoginForm({ email = "", onDone }: { email?: string; onDone: (me: Me) => void }) {
  const { t } = useLingui();
  const { api } = useServices();
  const [stay, setStay] = useState(true);
  const form = useTexts({ email, password: "" });
  return (
    <form
      className={styles.form}
      onSubmit={form.submit(async (values) => onDone(await api.login({ ...values, stay })))}
    >
      {form.fault && (
        <p className={styles.fault} role="alert">
          {form.fault}
        </p>
      )}
      <TextInput
        {...form.field("email")}
        type="email"
        label={t`Email`}
        autoComplete="username"
        required
        withAsterisk={false}
        autoFocus={!email}
      />
      <PasswordInput
        {...form.field("password")}
        label={t`Password`}
        autoComplete="current-password"
        required
        withAsterisk={false}
        autoFocus={Boolean(email)}
        data-autofocus={email || undefined}
        visibilityToggleButtonProps={{ "aria-label": t`Show or hide the password` }}
      />
      <Checkbox
        checked={stay}
        label={t`Stay signed in`}
        onChange={(event) => setStay(event.currentTarget.checked)}
      />
      <Button type="submit" loading={form.isBusy} fullWidth>
        <Trans>Sign in</Trans>
      </Button>
    </form>
  );
}
