const SYSTEM = matchMedia('(prefers-color-scheme: dark)');
const listeners: (() => void)[] = [];

/** Whether the page is dark: by the reader's choice on it, else by the system's. */
export function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? SYSTEM.matches : chosen === 'dark';
}

export function onThemeChange(listener: () => void): void {
  listeners.push(listener);
}

/** A button that changes the theme until the page is closed; nothing is stored. */
export function themeButton(): void {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'theme';
  const label = () => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', isDark() ? 'Use light colours' : 'Use dark colours');
  };
  const change = () => {
    label();
    for (const listener of listeners) listener();
  };
  button.addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    change();
  });
  SYSTEM.addEventListener('change', change);
  label();
  document.querySelector('.masthead')?.append(button);
}
