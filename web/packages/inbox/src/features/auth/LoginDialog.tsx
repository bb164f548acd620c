import { Trans, useLingui } from "@lingui/react/macro";
import { Modal } from "@mantine/core";
import { useDesk } from "../../app/live.ts";
import { useServices } from "../../app/services.ts";
import { LoginForm } from "./LoginForm.tsx";

/** The session ended: sign in over the page; what was typed stays where it is. */
export default function LoginDialog() {
  const { t } = useLingui();
  const { sync } = useServices();
  const { me } = useDesk();
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      title={t`Sign in again`}
    >
      <p className="muted">
        <Trans>Your session has ended. What you typed is still here.</Trans>
      </p>
      <LoginForm
        email={me.email}
        onDone={(next) => {
          // Another agent's desk begins afresh.
          if (next.id === me.id) void sync.start();
          else location.reload();
        }}
      />
    </Modal>
  );
}
