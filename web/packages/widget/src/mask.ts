/** The chunk that hides card numbers; the panel fetches it when it opens and sends nothing without. */

export { mask } from "@omnibox/shared/mask";
