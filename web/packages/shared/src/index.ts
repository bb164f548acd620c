export { contrastOf, readableOn } from "./contrast.ts";
export { dark, light, type TokenName, type Tokens } from "./tokens.ts";
