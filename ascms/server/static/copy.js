/** Adds a copy button to every command on the page. Without this file the commands are still there to select. */

for (const box of document.querySelectorAll('.command')) {
  const text = box.querySelector('code')?.textContent ?? '';
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', `Copy: ${text.slice(0, 80)}`);
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = 'Copy'), 2000);
  });
  if (navigator.clipboard) box.append(button);
}
