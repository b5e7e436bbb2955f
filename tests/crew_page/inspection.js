/* What can be measured on the page as it is drawn: one record for each piece of visible text. */
() => {
  const records = [];
  const covered = !document.getElementById("cover").hidden;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (node.data.trim() === "" || element.closest("noscript, script") !== null) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const text = range.getBoundingClientRect();
    if (covered && element.closest("#cover, header") === null) continue;
    const box = element
      .closest(".cell, .tile, .label, .wheel, li, button, #banner, #cover, header")
      .getBoundingClientRect();
    const style = getComputedStyle(element);
    records.push({
      text: node.data.trim(),
      part: element.className || element.id || element.tagName,
      size: parseFloat(style.fontSize),
      colour: style.color,
      ground: ground(element),
      rect: [text.left, text.top, text.right, text.bottom],
      box: [box.left, box.top, box.right, box.bottom],
      shortened: style.overflowX === "hidden" && element.scrollWidth > element.clientWidth,
    });
  }
  return records;

  function ground(element) {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  }
};
