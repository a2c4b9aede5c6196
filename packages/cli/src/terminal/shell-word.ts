/** Characters that no shell takes for anything else. */
const PLAIN = /^[\w@%+=:,./-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those that a terminal would act on
const CONTROLS = /[\u0000-\u001f\u007f]/;

/** An argument as one word of a command line for sh, or, where it has control characters, for bash, zsh and the like. */
export function shellWord(argument: string): string {
  if (PLAIN.test(argument)) return argument;
  if (!CONTROLS.test(argument)) return `'${argument.replaceAll("'", "'\\''")}'`;
  const escaped = argument.replace(/[\\']/g, '\\$&').replace(new RegExp(CONTROLS, 'g'), (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `$'${escaped}'`;
}
