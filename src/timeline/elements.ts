/** An element with a class, and a text that is text: names of a program never become markup. */
export function element(tag: string, className: string, text?: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A button. @param title what it does; for screen readers as well, where the text is a sign */
export function button(text: string, title: string, onClick: () => void): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.title = title;
  if (text.length === 1) made.setAttribute('aria-label', title);
  made.addEventListener('click', onClick);
  return made;
}

/** A list of titles and texts. */
export function listOf(facts: readonly (readonly [string, string])[]): HTMLElement {
  const list = document.createElement('dl');
  for (const [title, text] of facts) list.append(element('dt', '', title), element('dd', '', text));
  return list;
}
