/* Plays the steps in `owned.steps` once, on one screen after the other. */
async ({ stepMs, screens }) => {
  const each = Math.ceil(owned.steps.length / screens.length);
  for (const [index, step] of owned.steps.entries()) {
    if (index % each === 0) location.hash = screens[index / each];
    await owned.tell(step);
    await owned.pass(stepMs);
  }
  await owned.answered();
};
