// What is too wide for a small screen scrolls sideways, and must do so for who uses a keyboard, too: of a table that is a tab stop only where
// it scrolls.
addEventListener('DOMContentLoaded', () => {
  const update = ({ target }) => {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute('tabindex');
  };
  const observer = new ResizeObserver((entries) => entries.forEach(update));
  for (const table of document.querySelectorAll('.sl-markdown-content :is(table, pre:not(.signature))'))
    observer.observe(table);
});
