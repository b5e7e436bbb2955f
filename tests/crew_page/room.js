/* How much room things on the page have, in px as they are drawn: { header, labels, marked, strip }. */
() => {
  const inside = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return range.getBoundingClientRect();
  };
  const middle = ({ top, bottom }) => (top + bottom) / 2;
  const size = (element) => parseFloat(getComputedStyle(element).fontSize);
  const all = (selector) =>
    [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility());
  return {
    /* where each line of the bar lies, and what stands in it */
    header: all("header > *").map((each) => [middle(each.getBoundingClientRect()), each.id]),
    /* of a row's name: from line to line, and from these to the row's edges, as shares of a letter */
    labels: all("#matrix .label").map((label) => {
      const box = label.getBoundingClientRect();
      const name = label.querySelector(".name");
      const [first, last] = [name, label.querySelector(".unit")].map((line) => middle(inside(line)));
      return [last - first, first - box.top, box.bottom - last].map((px) => px / size(name));
    }),
    /* of a number with an alarm on it: from the alarm's shape to the number */
    marked: all(':is(.cell, .tile)[data-look="ok"]:not([data-alarm=""]) .value').map((value) => {
      const shape = value.parentElement.querySelector(".shape").getBoundingClientRect();
      const number = inside(value);
      const top = middle(number) - 0.38 * size(value);
      return Math.max(number.left - shape.right, top - shape.bottom);
    }),
    /* what is cut off the lowest line of the strip */
    strip: all("#strip .body").map(
      (body) => inside(body).bottom - body.getBoundingClientRect().bottom,
    ),
  };
};
