/** The one door to the card mask. */

const modules = import.meta.glob<{ mask: (text: string) => unknown }>(
  "../../../shared/src/mask.ts",
  {
    eager: true,
  },
);

export function hideCards(text: string): string {
  const found = Object.values(modules)[0]?.mask(text) ?? text;
  return typeof found === "string" ? found : (found as { text: string }).text;
}
