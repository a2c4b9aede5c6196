/** A new element that holds a text, never markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = '',
  text = '',
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.textContent = text;
  return made;
}

export function button(className: string, text: string, onClick: () => void): HTMLButtonElement {
  const made = element('button', className, text);
  made.type = 'button';
  made.addEventListener('click', onClick);
  return made;
}

/** A button that copies a text; none where the browser keeps the clipboard from files. */
export function copyButton(label: string, text: () => string): HTMLButtonElement | undefined {
  if (!window.isSecureContext || typeof navigator.clipboard?.writeText !== 'function') return undefined;
  const made = button('quiet', label, () => {
    navigator.clipboard.writeText(text()).then(
      () => say('Copied'),
      () => say('The browser did not allow it'),
    );
  });
  const say = (outcome: string) => {
    made.textContent = outcome;
    setTimeout(() => {
      made.textContent = label;
    }, 1500);
  };
  return made;
}
