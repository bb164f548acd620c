import { Trans, useLingui } from "@lingui/react/macro";
import {
  Button,
  PasswordInput,
  Switch,
  Textarea,
  TextInput,
  useMantineColorScheme,
} from "@mantine/core";
import { useState } from "react";
import { type Language, languages, setLanguage } from "../../app/i18n.ts";
import { useDesk } from "../../app/live.ts";
import { hideCards } from "../../app/masking.ts";
import { useOnline } from "../../app/online.ts";
import { useServices } from "../../app/services.ts";
import { Choice } from "../../ui/Choice.tsx";
import { areKeysOn, setKeysOn } from "../../ui/keys.ts";
import { Page, Panel } from "../../ui/Page.tsx";
import { useReason } from "../../ui/reasons.ts";
import { toast } from "../../ui/toast.tsx";
import { PASSWORD_LENGTH, useTexts } from "../../ui/useTexts.ts";
import styles from "./ProfilePage.module.css";

/** The server's own limit; it refuses longer ones as well. */
const SIGNATURE_LENGTH = 2_000;

function Name() {
  const { t } = useLingui();
  const { api, store } = useServices();
  const { me } = useDesk();
  const reason = useReason();
  const [name, setName] = useState(me.name);
  const isChanged = name.trim() !== me.name && name.trim() !== "";
  return (
    <form
      className={styles.name}
      onSubmit={async (event) => {
        event.preventDefault();
        try {
          store.putAgent(await api.changeMe({ name: name.trim() }));
          toast(t`Saved`);
        } catch (error) {
          toast(reason(error), { isFailure: true });
        }
      }}
    >
      <TextInput
        label={t`Your name`}
        description={t`Customers see it beside your answers.`}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button type="submit" variant="default" disabled={!isChanged}>
        <Trans>Save</Trans>
      </Button>
    </form>
  );
}

function Signature() {
  const { t } = useLingui();
  const { api, store } = useServices();
  const { me } = useDesk();
  const form = useTexts({ signature: me.signature });
  const typed = form.values.signature;
  const most = SIGNATURE_LENGTH;
  return (
    <form
      className={styles.signature}
      onSubmit={form.submit(async ({ signature }) => {
        if ([...signature].length > most)
          return form.fail("signature", t`Too long: at most ${most} characters`);
        const saved = await api.changeMe({ signature: hideCards(signature) });
        store.putAgent(saved);
        form.set({ signature: saved.signature });
        toast(t`Saved`);
      })}
    >
      {form.fault && (
        <p className={styles.fault} role="alert">
          {form.fault}
        </p>
      )}
      <Textarea
        {...form.field("signature")}
        label={t`Signature`}
        description={t`Stands below your replies on the channels that add signatures.`}
        autosize
        minRows={3}
        maxRows={10}
      />
      <Button
        type="submit"
        variant="default"
        loading={form.isBusy}
        disabled={typed === me.signature}
      >
        <Trans>Save</Trans>
      </Button>
    </form>
  );
}

function Picture() {
  const { t } = useLingui();
  const { api, store } = useServices();
  const { me } = useDesk();
  const form = useTexts({ picture: me.picture });
  return (
    <form
      className={styles.name}
      onSubmit={form.submit(async ({ picture }) => {
        const saved = await api.changeMe({ picture: picture.trim() });
        store.putAgent(saved);
        form.set({ picture: saved.picture });
        toast(t`Saved`);
      })}
    >
      <TextInput
        {...form.field("picture")}
        label={t`Address of your picture`}
        description={t`Customers see it on the channels that show who answers. It begins with https:// and is open to everybody.`}
        type="url"
        placeholder="https://"
        error={form.faults.picture ?? form.fault}
      />
      <Button
        type="submit"
        variant="default"
        loading={form.isBusy}
        disabled={form.values.picture.trim() === me.picture}
      >
        <Trans>Save</Trans>
      </Button>
    </form>
  );
}

function Password() {
  const { t } = useLingui();
  const { api } = useServices();
  const form = useTexts({ password: "", new_password: "" });
  const shared = {
    required: true,
    withAsterisk: false,
    visibilityToggleButtonProps: { "aria-label": t`Show or hide the password` },
  };
  return (
    <form
      className={styles.password}
      onSubmit={form.submit(async (values) => {
        await api.changePassword(values);
        form.set({ password: "", new_password: "" });
        toast(t`Saved`);
      })}
    >
      {form.fault && (
        <p className={styles.fault} role="alert">
          {form.fault}
        </p>
      )}
      <PasswordInput
        {...form.field("password")}
        {...shared}
        label={t`Present password`}
        autoComplete="current-password"
      />
      <PasswordInput
        {...form.field("new_password")}
        {...shared}
        label={t`New password`}
        description={t`At least ${PASSWORD_LENGTH} characters`}
        minLength={PASSWORD_LENGTH}
        autoComplete="new-password"
      />
      <Button type="submit" variant="default" loading={form.isBusy}>
        <Trans>Change the password</Trans>
      </Button>
    </form>
  );
}

const Keys = () => (
  <dl className={styles.keys}>
    {[
      [["J", "K"], <Trans key="rows">Next, previous conversation</Trans>],
      [["Enter"], <Trans key="open">Open it and write</Trans>],
      [["R"], <Trans key="reply">Reply</Trans>],
      [["N"], <Trans key="note">Private note</Trans>],
      [["E"], <Trans key="resolve">Resolve or reopen</Trans>],
      [["/"], <Trans key="find">Find in the list</Trans>],
      [["]"], <Trans key="card">Contact details</Trans>],
      [["Ctrl K"], <Trans key="palette">Go to…</Trans>],
      [["Esc"], <Trans key="leave">Leave the field, close</Trans>],
    ].map(([keys, words]) => (
      <div key={String(keys)}>
        <dt>
          {(keys as string[]).map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
        </dt>
        <dd>{words}</dd>
      </div>
    ))}
  </dl>
);

export default function ProfilePage() {
  const { t, i18n } = useLingui();
  const { me } = useDesk();
  const setOnline = useOnline();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [hasKeys, setHasKeys] = useState(areKeysOn);
  return (
    <Page title={t`Profile and appearance`} text={me.email}>
      <Panel title={t`You`}>
        <Name />
        <Signature />
        <Picture />
        <Switch
          label={t`Online`}
          description={t`Offline, you still see everything; customers see that nobody is there.`}
          checked={me.is_on}
          color="success"
          onChange={(event) => void setOnline(event.currentTarget.checked)}
        />
      </Panel>
      <Panel title={t`Appearance`}>
        <Choice
          label={t`Theme`}
          value={colorScheme}
          onChange={setColorScheme}
          options={[
            { value: "auto", label: t`As the system` },
            { value: "light", label: t`Light` },
            { value: "dark", label: t`Dark` },
          ]}
        />
        <Choice
          label={t`Language`}
          value={i18n.locale as Language}
          onChange={(value) => void setLanguage(value)}
          options={(Object.keys(languages) as Language[]).map((value) => ({
            value,
            label: languages[value],
          }))}
        />
      </Panel>
      <Panel title={t`Password`}>
        <Password />
      </Panel>
      <Panel title={t`Keys`}>
        <Switch
          label={t`Single-letter keys`}
          description={t`They act only outside of text fields.`}
          checked={hasKeys}
          onChange={(event) => {
            setKeysOn(event.currentTarget.checked);
            setHasKeys(event.currentTarget.checked);
          }}
        />
        <Keys />
      </Panel>
    </Page>
  );
}
