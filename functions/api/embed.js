{
  const failed = document.getElementById('failed');
  const main = () => document.querySelector('main');
  let failures = 0;
  const later = () => {
    const due = Date.parse(main().dataset.due) - Date.now() || 3e5;
    setTimeout(wake, failures ? Math.min(3e4 * 2 ** failures, 6e5) : Math.min(Math.max(due, 6e4), 36e5));
  };
  const wake = () =>
    document.hidden ? document.addEventListener('visibilitychange', update, { once: true }) : update();
  const update = async () => {
    try {
      const answer = await fetch(location.href, { credentials: 'omit', headers: { Accept: 'text/html' } });
      if (!answer.ok) throw answer;
      main().replaceWith(new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main'));
      failures = 0;
    } catch {
      failures += 1;
    }
    failed.hidden = !failures;
    later();
  };
  later();
}
