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
    if (covered && element.closest("#cover, header, #rail") === null) continue;
    if (element.closest("svg, #spoken") !== null) continue;
    const holder = element.closest(
      ".cell, .tile, .label, .axle, li, button, .about, .title, #strip, #banner, #cover, header, section, .card, form, aside",
    );
    const box = holder.getBoundingClientRect();
    if (holder.closest("section") !== null && !visible(holder)) continue;
    const style = getComputedStyle(element);
    records.push({
      text: node.data.trim(),
      part: element.className || element.id || element.tagName,
      size: parseFloat(style.fontSize),
      colour: style.color,
      ground: ground(element),
      rect: [text.left, text.top, text.right, text.bottom],
      box: [box.left, box.top, box.right, box.bottom],
      shortened:
        style.overflowX === "hidden" &&
        (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight + 4),
    });
  }
  return records;

  /* What something that scrolls has below its edge can be scrolled to. */
  function visible(holder) {
    const { top, bottom } = holder.getBoundingClientRect();
    return [document.getElementById("screens"), holder.closest(".values")]
      .filter((scroller) => scroller !== null)
      .map((scroller) => scroller.getBoundingClientRect())
      .every((edge) => top >= edge.top - 1 && bottom <= edge.bottom + 1);
  }

  function ground(element) {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  }
};
