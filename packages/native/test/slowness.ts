/** How many times longer calls may take: an addon that is named by the environment is one with a sanitizer, which is slow. */
export const SLOWNESS = process.env.RADIN_NATIVE_ADDON ? 20 : 1;
