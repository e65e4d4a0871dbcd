// Runs in a page (browser.ts): every way of asking that needs nobody's consent. `limit` is in milliseconds.

globalThis.attack = async ({ target, limit }) => {
  const loot = {};
  const soon = (wait, otherwise) =>
    Promise.race([wait, new Promise((resolve) => setTimeout(() => resolve(otherwise), limit))]);
  const tried = async (name, url, init) => {
    loot[name] = await fetch(url, init).then(
      async (response) => (response.type === 'opaque' ? 'opaque' : `${response.status} ${await response.text()}`),
      () => 'blocked',
    );
  };
  const element = async (name, tag, attributes) => {
    const made = document.createElement(tag);
    const told = new Promise((resolve) => {
      made.addEventListener('load', () => resolve('opaque'));
      made.addEventListener('error', () => resolve('blocked'));
    });
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    document.body.append(made);
    loot[name] = await soon(told, 'nothing');
  };

  for (const path of ['/health', '/tunnels', '/secret']) {
    await tried(`GET ${path}`, target + path, {});
    await tried(`GET ${path} with cookies`, target + path, { credentials: 'include' });
    await tried(`GET ${path} without CORS`, target + path, { mode: 'no-cors' });
  }
  const form = new FormData();
  form.set('port', '22');
  const bodies = {
    'text/plain': '{"port":22}',
    'application/x-www-form-urlencoded': new URLSearchParams({ port: '22' }),
    'multipart/form-data': form,
    'no type': new Blob(['{"port":22}']),
  };
  for (const [type, body] of Object.entries(bodies)) {
    await tried(`POST ${type}`, `${target}/ports/tcp`, { method: 'POST', body });
    await tried(`POST ${type} without CORS`, `${target}/ports/tcp`, { method: 'POST', body, mode: 'no-cors' });
  }
  await tried('POST nothing', `${target}/ports/tcp`, { method: 'POST', mode: 'no-cors' });
  const headers = { 'content-type': 'application/json', authorization: 'Bearer x' };
  await tried('POST JSON', `${target}/ports/tcp`, { method: 'POST', body: '{}', headers });
  for (const method of ['PUT', 'PATCH', 'DELETE']) await tried(method, `${target}/ports/tcp`, { method });

  navigator.sendBeacon(`${target}/ports/tcp`, 'beacon');
  for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const frame = document.createElement('iframe');
    frame.name = `frame-${enctype}`;
    const submitted = new Promise((resolve) => frame.addEventListener('load', () => resolve()));
    document.body.append(frame);
    const sent = document.createElement('form');
    Object.assign(sent, { method: 'post', action: `${target}/ports/tcp`, enctype, target: frame.name });
    sent.innerHTML = '<input name="port" value="22">';
    document.body.append(sent);
    sent.submit();
    await soon(submitted, undefined);
  }
  await element('script', 'script', { src: `${target}/secret` });
  await element('module', 'script', { src: `${target}/secret`, type: 'module' });
  await element('image', 'img', { src: `${target}/secret` });
  await element('style', 'link', { rel: 'stylesheet', href: `${target}/secret` });
  await element('object', 'object', { data: `${target}/secret` });
  await element('frame', 'iframe', { src: `${target}/secret` });
  const frames = [...document.querySelectorAll('iframe')];
  loot['inside frames'] = frames.map((frame) => frame.contentDocument?.body?.textContent ?? '').join('');

  const events = new EventSource(`${target}/events`);
  loot['EventSource'] = await soon(
    new Promise((resolve) => {
      events.onmessage = (event) => resolve(String(event.data));
      events.onerror = () => resolve('blocked');
    }),
    'nothing',
  );
  events.close();
  const socket = new WebSocket(`${target.replace('http', 'ws')}/events`);
  loot['WebSocket'] = await soon(
    new Promise((resolve) => {
      socket.onopen = () => resolve('open');
      socket.onerror = () => resolve('blocked');
    }),
    'nothing',
  );
  return loot;
};
