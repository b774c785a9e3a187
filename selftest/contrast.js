// Every text against what is painted behind it, the nearest opaque ground: what fails WCAG 2.2 AA, 1.4.3.
(() => {
  const channel = (part) => { const c = part / 255; return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || element.closest('script, style, svg') || !element.checkVisibility()) continue;
    let ground = element;
    while (ground.parentElement && (parts(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0)
      ground = ground.parentElement;
    const [a, b] = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(parts).map(light);
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    count += 1;
    if (ratio < 4.5)
      poor.push(`${ratio.toFixed(2)} ${element.className || element.tagName}: ${walk.currentNode.data.trim().slice(0, 40)}`);
  }
  return JSON.stringify([count, [...new Set(poor)].slice(0, 10)]);
})()
