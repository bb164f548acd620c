/** White where it reaches a contrast of 4.5 on `#rrggbb` (luminance ≤ 0.183), else black. */
export function inkOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = (color.match(/\w\w/g) ?? []).map(
    (pair) => (Number.parseInt(pair, 16) / 255) ** 2.2,
  );
  return 0.213 * red + 0.715 * green + 0.072 * blue > 0.183 ? "#000" : "#fff";
}
