import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { connector } from "../testing/samples.ts";
import { ChannelIcon } from "./ChannelIcon.tsx";

afterEach(cleanup);

it("a connector that was never heard of shows its own shape, colours and name", () => {
  render(<ChannelIcon connector={connector()} inList />);
  const icon = screen.getByRole("img", { name: "Pigeon post" });
  expect(icon.style.getPropertyValue("--icon-light")).toBe("black");
  expect(icon.style.getPropertyValue("--icon-mask")).toContain(encodeURIComponent("M0 0h24v24H0z"));
});

it("one that shows no icon in lists is named all the same", () => {
  const { container } = render(<ChannelIcon connector={connector({ in_list: false })} inList />);
  expect(screen.queryByRole("img")).toBeNull();
  expect(container.textContent).toBe("Pigeon post");
});

it("a path that is none is not painted", () => {
  render(<ChannelIcon connector={connector({ icon: '"/><script>x</script>' })} inList />);
  expect(screen.queryByRole("img")).toBeNull();
});
