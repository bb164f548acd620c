import { Trans, useLingui } from "@lingui/react/macro";
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { ApiError, type LinkInfo } from "@omnibox/api";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useServices } from "../../app/services.ts";
import { Failed } from "../../ui/States.tsx";
import { PASSWORD_LENGTH, useTexts } from "../../ui/useTexts.ts";
import styles from "./Card.module.css";
import { Card } from "./Card.tsx";

function Choose({ token, link }: { token: string; link: LinkInfo }) {
  const { t } = useLingui();
  const { api } = useServices();
  const form = useTexts({ name: link.name, password: "" });
  const isInvitation = link.kind === "invite";
  return (
    <Card
      title={isInvitation ? t`Join the team` : t`Choose a new password`}
      text={<bdi>{link.email}</bdi>}
    >
      <form
        className={styles.form}
        onSubmit={form.submit(async ({ name, password }) => {
          await api.redeemLink(token, isInvitation ? { name, password } : { password });
          location.assign("/inbox/");
        })}
      >
        {form.fault && (
          <p className={styles.fault} role="alert">
            {form.fault}
          </p>
        )}
        <input type="hidden" autoComplete="username" value={link.email} readOnly />
        {isInvitation && (
          <TextInput
            {...form.field("name")}
            label={t`Your name`}
            description={t`Customers see it beside your answers.`}
            autoComplete="name"
            required
            withAsterisk={false}
            autoFocus
          />
        )}
        <PasswordInput
          {...form.field("password")}
          label={t`Password`}
          description={t`At least ${PASSWORD_LENGTH} characters`}
          autoComplete="new-password"
          minLength={PASSWORD_LENGTH}
          required
          withAsterisk={false}
          autoFocus={!isInvitation}
          visibilityToggleButtonProps={{ "aria-label": t`Show or hide the password` }}
        />
        <Button type="submit" loading={form.isBusy} fullWidth>
          {isInvitation ? <Trans>Create my account</Trans> : <Trans>Save and sign in</Trans>}
        </Button>
      </form>
    </Card>
  );
}

/** Where an invitation or a reset link leads. */
export default function LinkPage() {
  const { t } = useLingui();
  const { api } = useServices();
  const { token = "" } = useParams({ strict: false });
  const link = useQuery({
    queryKey: ["link", token],
    queryFn: () => api.link(token),
    retry: false,
  });
  if (link.isPending) return null;
  if (link.isSuccess) return <Choose token={token} link={link.data} />;
  if (link.error instanceof ApiError && link.error.status === 404)
    return (
      <Card
        title={t`This link is no longer valid`}
        text={
          <Trans>It was used already or has expired. Ask an owner or admin for a new one.</Trans>
        }
      >
        <Button component="a" href="/inbox/" variant="default" mt="md">
          <Trans>To the sign-in</Trans>
        </Button>
      </Card>
    );
  return (
    <Failed what={t`Server not reachable`} error={link.error} onRetry={() => void link.refetch()} />
  );
}
